//! Makes components of text: the core modules under `guests/*.wat`, wrapped in a world of `wit/`,
//! with a manifest appended.
//!
//! A guest's text may hold placeholders such as `{pages}`, so that one file tries a limit from
//! both sides.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Name of the custom section that holds a manifest.
pub const SECTION: &str = "sluice:manifest";

/// The worlds of `wit/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// `sluice:mission/mission-reducer`.
    Reducer,
    /// `sluice:gate/gate`.
    Gate,
    /// `sluice:scrubber/scrubber`.
    Scrubber,
}

impl World {
    /// The kind in a manifest.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Reducer => "reducer",
            Self::Gate => "gate",
            Self::Scrubber => "scrubber",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Reducer => "mission-0.1",
            Self::Gate => "gate-0.1",
            Self::Scrubber => "scrubber-0.1",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Reducer => "sluice:mission/mission-reducer@0.1.0",
            Self::Gate => "sluice:gate/gate@0.1.0",
            Self::Scrubber => "sluice:scrubber/scrubber@0.1.0",
        }
    }
}

/// The text of `guests/<name>.wat` with each `{placeholder}` replaced.
pub fn text(name: &str, values: &[(&str, &str)]) -> String {
    let path = repository().join("tests/guests").join(name).with_extension("wat");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    values.iter().fold(text, |text, (placeholder, value)| {
        let placeholder = format!("{{{placeholder}}}");
        assert!(text.contains(&placeholder), "{name} has no {placeholder}");
        text.replace(&placeholder, value)
    })
}

/// The component of `guests/<name>.wat`, with a manifest.
pub fn component(world: World, name: &str, values: &[(&str, &str)]) -> Vec<u8> {
    with_manifest(&encode(world, "", &text(name, values)), &manifest(world.kind()))
}

/// The component of a core module in text, without a manifest. `more` is WIT: packages and, in a
/// world named `more` of a package `test:more`, imports beyond the world's own.
pub fn encode(world: World, more: &str, core: &str) -> Vec<u8> {
    let mut module = wat::parse_str(core).expect("the guest's text is a module");
    let mut resolve = Resolve::default();
    for package in ["plugin-0.1", world.package()] {
        resolve.push_path(repository().join("wit").join(package)).expect("`wit/` parses");
    }
    let name = if more.is_empty() {
        world.name()
    } else {
        let include = format!("package test:more;\nworld all {{ include {}; include more; }}\n", world.name());
        resolve.push_str("more.wit", &format!("{include}{more}")).expect("the test's WIT parses");
        "test:more/all"
    };
    let packages: Vec<_> = resolve.packages.iter().map(|(id, _)| id).collect();
    let world = resolve.select_world(&packages, Some(name)).expect("the world is there");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("a module takes sections");
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).expect("the module fits its world");
    encoder.encode().expect("the module becomes a component")
}

/// A manifest for a plugin named `hostile`, without settings.
pub fn manifest(kind: &str) -> Value {
    json!({
        "name": "hostile",
        "version": "0.1.0",
        "kind": kind,
        "contract": "0.1",
        "description": "Misbehaves, to be caught.",
        "settings_schema": { "type": "object", "additionalProperties": false },
    })
}

/// `component` with `manifest` as its section.
pub fn with_manifest(component: &[u8], manifest: &Value) -> Vec<u8> {
    with_section(component, SECTION, manifest.to_string().as_bytes())
}

/// What somebody could install: the component of `guests/<guest>.wat` under a name and a version of its own.
pub fn plugin(world: World, name: &str, version: &str, guest: &str, values: &[(&str, &str)]) -> Vec<u8> {
    let mut manifest = manifest(world.kind());
    manifest["name"] = json!(name);
    manifest["version"] = json!(version);
    with_manifest(&encode(world, "", &text(guest, values)), &manifest)
}

/// A gate that decides `pass`, `fail` or `needs_human`, whatever it is asked.
pub fn gate_that(outcome: &str, name: &str, version: &str) -> Vec<u8> {
    let number = ["pass", "fail", "needs_human"].iter().position(|word| *word == outcome).expect("an outcome");
    let bytes = name.len().to_string();
    let values = [("outcome", number.to_string()), ("summary", name.to_owned()), ("bytes", bytes)];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    plugin(World::Gate, name, version, "decide", &values)
}

/// `component` with a custom section at its outermost level.
pub fn with_section(component: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut section = leb128(name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    let mut bytes = component.to_vec();
    bytes.push(0);
    bytes.extend(leb128(section.len()));
    bytes.extend(section);
    bytes
}

/// `component` under another name and version: its manifest is replaced.
///
/// # Panics
/// When it has no manifest.
pub fn renamed(component: &[u8], name: &str, version: &str) -> Vec<u8> {
    let (mut kept, mut at) = (component[..8].to_vec(), 8);
    let mut manifest = Value::Null;
    while at < component.len() {
        let (start, id) = (at, component[at]);
        at += 1;
        let length = read_leb128(component, &mut at);
        let content = at;
        at += length;
        if id == 0 {
            let mut inside = content;
            let name_length = read_leb128(component, &mut inside);
            let (section, rest) = component[inside..at].split_at(name_length);
            if section == SECTION.as_bytes() {
                manifest = serde_json::from_slice(rest).expect("a manifest is JSON");
                continue;
            }
        }
        kept.extend_from_slice(&component[start..at]);
    }
    assert!(manifest.is_object(), "the component has a manifest");
    manifest["name"] = json!(name);
    manifest["version"] = json!(version);
    with_manifest(&kept, &manifest)
}

fn read_leb128(bytes: &[u8], at: &mut usize) -> usize {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return number;
        }
        shift += 7;
    }
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits fit");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
