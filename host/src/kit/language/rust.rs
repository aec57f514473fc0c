//! Rust: a library that cargo compiles to a core module, with the SDK's bindings of its world.
//!
//! The SDK travels as a copy in `sdk/`, since it is published nowhere: its sources are those of `plugins/sdk`, its manifest
//! is rewritten to stand alone, and its paths to the contract lead to the copy of `wit/` beside it. Read next: `cargo` for the
//! compiler, `lock` for the versions that a plugin is built with.

use std::path::Path;

use wit_component::ComponentEncoder;

use super::cargo::Toolchain;
use super::{Language, Profile, lock};
use crate::kit::KitError;
use crate::kit::source::PluginSource;
use crate::kit::template::{Example, TemplateFile, embedded};

/// The language.
#[derive(Debug)]
pub(super) struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn project_files(&self) -> &'static [&'static str] {
        &["Cargo.toml"]
    }

    fn preparation(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_source(&self, place: &Path) -> bool {
        let sources = ["Cargo.toml", "Cargo.lock", "manifest.json", "build.rs", "src", "sdk", "wit"];
        sources.iter().any(|source| place.starts_with(source))
    }

    fn files(&self, name: &str, example: &Example) -> Vec<TemplateFile> {
        let mut files = vec![
            TemplateFile::new("Cargo.toml", example.filled(embedded::CARGO_TOML, name)),
            TemplateFile::new("Cargo.lock", lock::of(name)),
            TemplateFile::new("README.md", example.filled(embedded::RUST_README, name)),
            TemplateFile::new("rustfmt.toml", embedded::RUSTFMT_TOML),
            TemplateFile::new(".gitignore", embedded::RUST_GITIGNORE),
            TemplateFile::new("src/lib.rs", example.filled(example.rust, name)),
            TemplateFile::new("sdk/Cargo.toml", sdk_manifest()),
        ];
        files.extend(embedded::WIT.iter().map(|(path, text)| TemplateFile::new(format!("wit/{path}"), *text)));
        // In the repository the SDK lies one directory deeper than here.
        let source = |text: &str| text.replace("../../wit/", "../wit/");
        files.extend(embedded::SDK.iter().map(|(path, text)| TemplateFile::new(format!("sdk/{path}"), source(text))));
        files
    }

    fn component(&self, plugin: &PluginSource, profile: Profile, offline: bool) -> Result<Vec<u8>, KitError> {
        encode(&Toolchain::find(&plugin.folder)?.compile(&plugin.folder, profile, offline)?)
    }
}

/// Makes a component of a core module that was compiled with the bindings of a world.
fn encode(module: &[u8]) -> Result<Vec<u8>, KitError> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true);
    let made = encoder.module(module).and_then(ComponentEncoder::encode);
    made.map_err(|error| KitError::Component { reason: format!("{error:#}") })
}

/// The SDK's manifest, standing alone: what it inherits is written out, and what its own tests need is left out.
fn sdk_manifest() -> String {
    let text = embedded::SDK_CARGO_TOML;
    let kept = text.split_once("[dev-dependencies]").map_or(text, |(before, _)| before);
    let inherited = [
        // First, since it ends as the next one does.
        ("rust-version.workspace = true\n", String::new()),
        ("version.workspace = true", format!("version = \"{}\"", env!("CARGO_PKG_VERSION"))),
        ("edition.workspace = true", "edition = \"2024\"".to_owned()),
        ("license.workspace = true", format!("license = \"{}\"", env!("CARGO_PKG_LICENSE"))),
        ("publish.workspace = true", "publish = false".to_owned()),
        ("[lints]\nworkspace = true", "[lints.rust]\nunsafe_code = \"deny\"".to_owned()),
    ];
    let text = inherited.iter().fold(kept.to_owned(), |text, (from, to)| text.replace(from, to));
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_plugin_is_refused_with_a_reason() {
        let empty = b"\0asm\x01\0\0\0";
        let reason = encode(b"text").unwrap_err().to_string();
        assert!(reason.contains("cannot be made a component: "), "{reason}");
        // A module without bindings becomes a component of nothing, which the plugin host refuses.
        assert!(encode(empty).is_ok_and(|bytes| crate::plugins::PluginHost::inspect(&bytes).is_err()));
    }

    #[test]
    fn the_sdk_stands_alone() {
        let sdk: toml::Table = sdk_manifest().parse().unwrap();
        assert!(sdk["package"].get("rust-version").is_none() && sdk.get("dev-dependencies").is_none());
        assert_eq!(sdk["package"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    }
}
