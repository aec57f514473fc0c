//! Compares `wit/` with the copy of what was released, and refuses what would break components
//! that are out there.
//!
//! It owns the rules of growth: interfaces that components import may gain functions; types,
//! functions that exist, and interfaces that components must export stay as they are. It never
//! touches the frozen copy: a release adds one by hand.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wit_parser::{Function, Interface, Resolve, Type, TypeDefKind, WorldItem, WorldKey};

/// Folders of one contract, each before those that use it.
const PACKAGES: [&str; 4] = ["plugin-0.1", "mission-0.1", "gate-0.1", "scrubber-0.1"];

/// Compares the contract in `root` with its frozen copy.
///
/// # Errors
/// Every incompatible edit, one a line.
pub fn check(root: &Path) -> Result<()> {
    let problems = compare(&load(&root.join("wit/frozen"))?, &load(&root.join("wit"))?);
    if problems.is_empty() {
        return Ok(());
    }
    bail!(
        "`wit/` no longer fits components built against the released contract:\n  {}\n\
         A breaking change is a new package folder (wit/README.md).",
        problems.join("\n  ")
    )
}

fn load(directory: &Path) -> Result<Resolve> {
    let mut resolve = Resolve::default();
    for package in PACKAGES {
        let folder = directory.join(package);
        resolve.push_dir(&folder).with_context(|| format!("failed to read {}", folder.display()))?;
    }
    Ok(resolve)
}

/// What is incompatible in `present`.
fn compare(frozen: &Resolve, present: &Resolve) -> Vec<String> {
    let mut problems = Vec::new();
    let (before, after) = (interfaces(frozen), interfaces(present));
    let exported = exported_interfaces(frozen);
    for (name, old) in &before {
        let Some(new) = after.get(name) else {
            problems.push(format!("interface `{name}` is gone"));
            continue;
        };
        compare_interface(name, (frozen, old), (present, new), exported.contains(name), &mut problems);
    }
    compare_worlds(frozen, present, &mut problems);
    problems
}

fn interfaces(resolve: &Resolve) -> BTreeMap<String, &Interface> {
    resolve.interfaces.iter().filter_map(|(id, interface)| Some((resolve.id_of(id)?, interface))).collect()
}

fn exported_interfaces(resolve: &Resolve) -> Vec<String> {
    let exports = resolve.worlds.iter().flat_map(|(_, world)| world.exports.keys());
    exports.map(|key| world_key(resolve, key)).collect()
}

fn world_key(resolve: &Resolve, key: &WorldKey) -> String {
    match key {
        WorldKey::Name(name) => name.clone(),
        WorldKey::Interface(id) => resolve.id_of(*id).unwrap_or_default(),
    }
}

fn compare_interface(
    name: &str,
    (frozen, old): (&Resolve, &Interface),
    (present, new): (&Resolve, &Interface),
    is_exported: bool,
    problems: &mut Vec<String>,
) {
    for (type_name, id) in &old.types {
        let Some(new_id) = new.types.get(type_name) else {
            problems.push(format!("type `{name}.{type_name}` is gone"));
            continue;
        };
        let (was, is) = (definition(frozen, *id), definition(present, *new_id));
        if was != is {
            problems.push(format!("type `{name}.{type_name}` was {was} and is {is}"));
        }
    }
    for (function_name, old_function) in &old.functions {
        let Some(new_function) = new.functions.get(function_name) else {
            problems.push(format!("function `{name}.{function_name}` is gone"));
            continue;
        };
        let (was, is) = (signature(frozen, old_function), signature(present, new_function));
        if was != is {
            problems.push(format!("function `{name}.{function_name}` was {was} and is {is}"));
        }
    }
    if is_exported {
        for function_name in new.functions.keys().filter(|f| !old.functions.contains_key(*f)) {
            problems
                .push(format!("function `{name}.{function_name}` is new, and every component would have to export it"));
        }
    }
}

fn compare_worlds(frozen: &Resolve, present: &Resolve, problems: &mut Vec<String>) {
    for (_, old) in &frozen.worlds {
        let Some((_, new)) = present.worlds.iter().find(|(_, world)| world.name == old.name) else {
            problems.push(format!("world `{}` is gone", old.name));
            continue;
        };
        let keys = |resolve: &Resolve, items: &wit_parser::IndexMap<WorldKey, WorldItem>| -> Vec<String> {
            items.keys().map(|key| world_key(resolve, key)).collect()
        };
        let offered = keys(present, &new.imports);
        for import in keys(frozen, &old.imports).into_iter().filter(|import| !offered.contains(import)) {
            problems.push(format!("world `{}` no longer offers `{import}`", old.name));
        }
        if keys(frozen, &old.exports) != keys(present, &new.exports) {
            problems.push(format!("world `{}` asks for other exports", old.name));
        }
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let parameters: Vec<String> =
        function.params.iter().map(|p| format!("{}: {}", p.name, type_text(resolve, &p.ty))).collect();
    let result = function.result.as_ref().map(|ty| format!(" -> {}", type_text(resolve, ty))).unwrap_or_default();
    format!("({}){result}", parameters.join(", "))
}

fn definition(resolve: &Resolve, id: wit_parser::TypeId) -> String {
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => {
            let fields: Vec<String> =
                record.fields.iter().map(|f| format!("{}: {}", f.name, type_text(resolve, &f.ty))).collect();
            format!("record {{ {} }}", fields.join(", "))
        }
        TypeDefKind::Enum(cases) => {
            let names: Vec<&str> = cases.cases.iter().map(|c| c.name.as_str()).collect();
            format!("enum {{ {} }}", names.join(", "))
        }
        TypeDefKind::Variant(variant) => {
            let cases: Vec<String> = variant
                .cases
                .iter()
                .map(|c| format!("{}({})", c.name, c.ty.as_ref().map(|ty| type_text(resolve, ty)).unwrap_or_default()))
                .collect();
            format!("variant {{ {} }}", cases.join(", "))
        }
        TypeDefKind::Type(ty) => type_text(resolve, ty),
        TypeDefKind::Option(ty) => format!("option<{}>", type_text(resolve, ty)),
        TypeDefKind::List(ty) => format!("list<{}>", type_text(resolve, ty)),
        TypeDefKind::Result(result) => {
            let side = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), |ty| type_text(resolve, ty));
            format!("result<{}, {}>", side(&result.ok), side(&result.err))
        }
        other => format!("{other:?}"),
    }
}

fn type_text(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Id(id) => match &resolve.types[*id].name {
            Some(name) => name.clone(),
            None => definition(resolve, *id),
        },
        plain => format!("{plain:?}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(wit: &str) -> Resolve {
        let mut resolve = Resolve::default();
        resolve.push_str("test.wit", wit).expect("the case's WIT is valid");
        resolve
    }

    const RELEASED: &str = "package a:b@0.1.0;
        interface offered { record r { x: u32 } enum e { one, two } f: func(r: r) -> e; }
        interface wanted { g: func() -> result<_, string>; }
        world w { import offered; export wanted; }";

    fn problems(edit: (&str, &str)) -> Vec<String> {
        assert!(RELEASED.contains(edit.0), "the case edits something");
        compare(&resolve(RELEASED), &resolve(&RELEASED.replace(edit.0, edit.1)))
    }

    #[test]
    fn the_contract_fits_what_was_released() {
        check(&crate::root()).unwrap();
    }

    #[test]
    fn imported_interfaces_may_gain_functions() {
        assert_eq!(problems(("f: func", "h: func(); f: func")), Vec::<String>::new());
    }

    #[test]
    fn what_breaks_a_component_is_named() {
        let cases = [
            (
                ("x: u32", "x: u32, y: u32"),
                "type `a:b/offered@0.1.0.r` was record { x: u32 } and is record { x: u32, y: u32 }",
            ),
            (
                ("one, two", "one, two, three"),
                "type `a:b/offered@0.1.0.e` was enum { one, two } and is enum { one, two, three }",
            ),
            (("f: func(r: r) -> e;", ""), "function `a:b/offered@0.1.0.f` is gone"),
            (
                ("f: func(r: r) -> e", "f: func(r: r, s: string) -> e"),
                "function `a:b/offered@0.1.0.f` was (r: r) -> e and is (r: r, s: string) -> e",
            ),
            (
                ("g: func()", "h: func(); g: func()"),
                "function `a:b/wanted@0.1.0.h` is new, and every component would have to export it",
            ),
            (("import offered; ", ""), "world `w` no longer offers `a:b/offered@0.1.0`"),
        ];
        for (edit, expected) in cases {
            assert!(problems(edit).iter().any(|p| p == expected), "{edit:?}: {:?}", problems(edit));
        }
    }
}
