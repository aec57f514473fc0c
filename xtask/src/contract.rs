//! Compares `wit/` with the copy of what was released, and refuses what would break components
//! that are out there.
//!
//! It owns the rules of growth: interfaces that components import may gain functions; types,
//! functions that exist, and interfaces that components must export stay as they are. It never
//! touches the frozen copy: a release adds one by hand.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wit_parser::{Function, Interface, Resolve, Type, TypeDefKind, TypeOwner, WorldItem, WorldKey};

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
        TypeDefKind::Type(Type::Id(id)) => whole_name(resolve, *id),
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

/// A type with the interface it is from: another one's type of the same name is another type.
fn whole_name(resolve: &Resolve, id: wit_parser::TypeId) -> String {
    let owner = match resolve.types[id].owner {
        TypeOwner::Interface(interface) => resolve.id_of(interface),
        TypeOwner::World(_) | TypeOwner::None => None,
    };
    let name = type_text(resolve, &Type::Id(id));
    owner.map_or_else(|| name.clone(), |owner| format!("{owner}.{name}"))
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
    fn a_type_of_the_same_name_from_elsewhere_is_another_type() {
        let released = "package a:b@0.1.0;
            interface one { record r { x: u32 } }
            interface two { record r { x: u64 } }
            interface wanted { use one.{r}; g: func(r: r); }
            world w { export wanted; }";
        let edited = compare(&resolve(released), &resolve(&released.replace("use one", "use two")));
        assert_eq!(edited[0], "type `a:b/wanted@0.1.0.r` was a:b/one@0.1.0.r and is a:b/two@0.1.0.r");
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
            (("x: u32", "x: u64"), "type `a:b/offered@0.1.0.r` was record { x: u32 } and is record { x: u64 }"),
            (("x: u32", "z: u32"), "type `a:b/offered@0.1.0.r` was record { x: u32 } and is record { z: u32 }"),
            (("one, two", "one"), "type `a:b/offered@0.1.0.e` was enum { one, two } and is enum { one }"),
            (("f: func(r: r) -> e;", ""), "function `a:b/offered@0.1.0.f` is gone"),
            (
                ("f: func(r: r) -> e", "f: func(r: option<r>) -> e"),
                "function `a:b/offered@0.1.0.f` was (r: r) -> e and is (r: option<r>) -> e",
            ),
            (
                ("result<_, string>", "result<u32, string>"),
                "function `a:b/wanted@0.1.0.g` was () -> result<_, string> and is () -> result<u32, string>",
            ),
            (("export wanted;", "export wanted; export more: func();"), "world `w` asks for other exports"),
            (("@0.1.0", "@0.2.0"), "interface `a:b/offered@0.1.0` is gone"),
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

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let (path, place) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
            if path.is_dir() { copy(&path, &place) } else { assert!(std::fs::copy(&path, &place).is_ok()) }
        }
    }

    /// The files themselves, edited as somebody would.
    #[test]
    fn an_edit_of_the_contract_is_refused() {
        let root = std::env::temp_dir().join(format!("sluice-contract-{}", std::process::id()));
        copy(&crate::root().join("wit"), &root.join("wit"));
        let edits = [
            ("gate-0.1/types.wit", "line: option<u32>", "line: u32", "type `sluice:gate/types@0.1.0.finding` was"),
            ("mission-0.1/board.wit", "list-ready: func(limit: u32) -> list<work-item-id>;", "", "list-ready` is gone"),
            ("gate-0.1/artifacts.wit", "length: u32", "length: u64", "function `sluice:gate/artifacts@0.1.0.read` was"),
            ("scrubber-0.1/world.wit", "import sluice:plugin/settings@0.1.0;", "", "world `scrubber` no longer offers"),
            (
                "plugin-0.1/types.wit",
                "type json = string",
                "type json = list<u8>",
                "types@0.1.0.json` was string and is",
            ),
        ];
        for (file, from, to, expected) in edits {
            let path = root.join("wit").join(file);
            let before = std::fs::read_to_string(&path).unwrap();
            assert!(before.contains(from), "{file}: there is no `{from}`");
            std::fs::write(&path, before.replace(from, to)).unwrap();
            let told = check(&root).unwrap_err().to_string();
            assert!(told.contains(expected), "{file}: {told}");
            std::fs::write(&path, before).unwrap();
        }
        check(&root).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
    }
}
