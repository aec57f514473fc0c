//! From a core module to a component that the host accepts.
//!
//! Owns the encoding, the manifest's section, and the check that a component asks for nothing but
//! what its world offers. Never compiles. Read next: `wit/`, whose worlds the lists below follow.

use super::guest::{Kind, Manifest};
use anyhow::{Context, Result, bail};
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Parser, Payload, Validator};

/// The custom section, at the component's outermost level, that holds the manifest.
const MANIFEST_SECTION: &str = "sluice:manifest";

/// What every plugin may import.
const BASE_IMPORTS: &[&str] = &["sluice:plugin/types@0.1.0", "sluice:plugin/log@0.1.0", "sluice:plugin/settings@0.1.0"];

/// What a kind of plugin may import besides, and the interface it has to export.
fn world_of(kind: Kind) -> (&'static [&'static str], &'static str) {
    match kind {
        Kind::Gate => (&["sluice:gate/types@0.1.0", "sluice:gate/artifacts@0.1.0"], "sluice:gate/evaluator@0.1.0"),
        Kind::Reducer => (
            &["sluice:mission/types@0.1.0", "sluice:mission/board@0.1.0", "sluice:mission/commands@0.1.0"],
            "sluice:mission/reducer@0.1.0",
        ),
        Kind::Scrubber => (&["sluice:scrubber/types@0.1.0"], "sluice:scrubber/text@0.1.0"),
    }
}

/// Makes a component of a core module that was compiled with bindings of a world, and appends
/// `manifest` (one line of JSON).
pub(super) fn encode(module: &[u8], manifest: &str) -> Result<Vec<u8>> {
    let mut component = wit_component::ComponentEncoder::default().module(module)?.validate(true).encode()?;
    let section = CustomSection { name: MANIFEST_SECTION.into(), data: manifest.as_bytes().into() };
    section.append_to_component(&mut component);
    Ok(component)
}

/// Refuses a component that is not valid, imports what its world does not offer, or does not
/// export what its kind has to.
pub(super) fn validate(component: &[u8], manifest: &Manifest) -> Result<()> {
    Validator::new().validate_all(component).context("not a valid component")?;
    let (own_imports, export) = world_of(manifest.kind);
    let surface = surface_of(component)?;
    let unknown: Vec<&String> = surface
        .imports
        .iter()
        .filter(|name| !BASE_IMPORTS.contains(&name.as_str()) && !own_imports.contains(&name.as_str()))
        .collect();
    if !unknown.is_empty() {
        bail!("imports what a {:?} is not offered: {unknown:?}", manifest.kind);
    }
    if !surface.exports.iter().any(|name| name == export) {
        bail!("does not export {export}");
    }
    Ok(())
}

/// The names a component imports and exports at its outermost level.
#[derive(Debug, Default, PartialEq, Eq)]
struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn surface_of(component: &[u8]) -> Result<Surface> {
    let mut surface = Surface::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    surface.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    surface.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, InstanceType, Module, ModuleSection,
    };

    fn manifest(kind: Kind) -> Manifest {
        Manifest {
            name: "guest".to_owned(),
            version: "0.1.0".to_owned(),
            kind,
            contract: "0.1".to_owned(),
            description: "A guest.".to_owned(),
            settings_schema: serde_json::Value::Null,
        }
    }

    /// A component that imports an empty instance, with a module inside.
    fn importing(name: &str) -> Vec<u8> {
        let mut component = Component::new();
        let mut types = ComponentTypeSection::new();
        types.instance(&InstanceType::new());
        component.section(&types);
        let mut imports = ComponentImportSection::new();
        imports.import(name, ComponentTypeRef::Instance(0));
        component.section(&imports);
        component.section(&ModuleSection(&Module::new()));
        component.finish()
    }

    #[test]
    fn an_import_that_the_world_does_not_offer_is_refused_by_name() {
        for (name, kind) in [
            ("wasi:cli/environment@0.2.0", Kind::Gate),
            ("sluice:mission/board@0.1.0", Kind::Gate),
            ("sluice:gate/artifacts@0.1.0", Kind::Reducer),
            ("sluice:gate/artifacts@0.1.0", Kind::Scrubber),
        ] {
            let error = validate(&importing(name), &manifest(kind)).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn the_export_of_its_kind_is_required() {
        let error = validate(&importing("sluice:gate/artifacts@0.1.0"), &manifest(Kind::Gate)).unwrap_err();
        assert_eq!(error.to_string(), "does not export sluice:gate/evaluator@0.1.0");
    }

    #[test]
    fn bytes_that_are_no_component_are_refused() {
        assert!(validate(b"\0asm\x0d\0\x01\0\xff", &manifest(Kind::Gate)).is_err());
        assert!(
            encode(&Module::new().finish(), "{}").is_ok_and(|bytes| validate(&bytes, &manifest(Kind::Gate)).is_err())
        );
    }

    #[test]
    fn prebuilt_components_carry_their_manifest_where_the_host_looks_for_it() {
        let root = crate::root();
        for guest in crate::plugins::guest::find(&root).unwrap() {
            // A missing one is told by `check`.
            let Ok(component) = std::fs::read(guest.prebuilt()) else { continue };
            let mut found = Vec::new();
            let mut depth = 0;
            for payload in Parser::new(0).parse_all(&component) {
                match payload.unwrap() {
                    Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                    Payload::End(_) => depth -= 1,
                    Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                        found.push((depth, section.data().to_vec()));
                    }
                    _ => {}
                }
            }
            assert_eq!(found, [(0, guest.manifest_text.clone().into_bytes())], "{}", guest.name());
            validate(&component, &guest.manifest).unwrap();
        }
    }
}
