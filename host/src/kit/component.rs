//! From a core module to a component that a host takes.

use std::fs;
use std::path::Path;

use wit_component::ComponentEncoder;

use super::KitError;
use super::source::PluginSource;
use super::toolchain::{Profile, Toolchain};
use crate::domain::artifact::Digest;
use crate::plugins::manifest;

/// Digits of a digest in the version of what is built for its author.
const TAG_DIGITS: usize = 12;

/// Compiles a plugin and makes the component. Whether a host takes it is the plugin host's to say.
///
/// # Errors
/// It does not compile, or was compiled with something else than the bindings of one world.
pub fn build(plugin: &PluginSource, profile: Profile, offline: bool) -> Result<Vec<u8>, KitError> {
    let module = Toolchain::find(&plugin.folder)?.compile(plugin, profile, offline)?;
    encode(&module, &plugin.manifest_text)
}

/// Compiles a plugin for its author's eyes and makes the component, under a version of its own: a registry never takes other
/// bytes under a version that it has. Gives the plugin as it says of itself then.
///
/// # Errors
/// As of [`build`].
pub fn build_for_watch(plugin: &PluginSource, offline: bool) -> Result<(PluginSource, Vec<u8>), KitError> {
    let module = Toolchain::find(&plugin.folder)?.compile(plugin, Profile::Watch, offline)?;
    let mut made_of = module.clone();
    made_of.extend_from_slice(plugin.manifest_text.as_bytes());
    let digest = Digest::of(&made_of);
    let version = version_for_watch(&plugin.manifest.version, &digest.as_str()[..TAG_DIGITS]);
    let plugin = plugin.clone().with_version(&version);
    let component = encode(&module, &plugin.manifest_text)?;
    Ok((plugin, component))
}

/// `1.2.3` as `1.2.3-dev.x0a1b2c3d`: before that version, and different for other bytes. The letter is there because
/// a part of digits alone must not begin with a zero.
fn version_for_watch(version: &str, tag: &str) -> String {
    let (numbers, build) = version.split_once('+').map_or((version, String::new()), |(v, b)| (v, format!("+{b}")));
    let separator = if numbers.contains('-') { '.' } else { '-' };
    format!("{numbers}{separator}dev.x{tag}{build}")
}

/// Makes a component of a core module that was compiled with the bindings of a world, with `manifest` (one line of JSON) in
/// the section where the host looks for it.
///
/// # Errors
/// [`KitError::Component`].
pub fn encode(module: &[u8], manifest: &str) -> Result<Vec<u8>, KitError> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true);
    let made = encoder.module(module).and_then(ComponentEncoder::encode);
    let mut component = made.map_err(|error| KitError::Component { reason: format!("{error:#}") })?;
    append_section(&mut component, manifest::SECTION, manifest.as_bytes());
    Ok(component)
}

/// Appends a custom section at the outermost level.
fn append_section(component: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut section = leb128(name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(content);
    component.push(0);
    component.extend(leb128(section.len()));
    component.extend(section);
}

/// A number as WebAssembly writes it: seven bits a byte, the least first.
fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Writes a component beside its place and moves it there, so that nobody ever reads half of one.
///
/// # Errors
/// [`KitError::File`].
pub fn write(path: &Path, component: &[u8]) -> Result<(), KitError> {
    let aside = path.with_extension("wasm.part");
    fs::write(&aside, component).map_err(KitError::writing(&aside))?;
    fs::rename(&aside, path).map_err(KitError::writing(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_webassembly_has_them() {
        assert_eq!(leb128(0), [0]);
        assert_eq!(leb128(127), [0x7f]);
        assert_eq!(leb128(624_485), [0xe5, 0x8e, 0x26], "the example of the specification");
    }

    #[test]
    fn what_is_built_for_its_author_comes_before_its_version() {
        for (version, expected) in [
            ("1.2.3", "1.2.3-dev.x01ab"),
            ("1.2.3-rc.1", "1.2.3-rc.1.dev.x01ab"),
            ("1.2.3+linux", "1.2.3-dev.x01ab+linux"),
        ] {
            let made = version_for_watch(version, "01ab");
            assert_eq!(made, expected);
            assert!(semver::Version::parse(&made).is_ok(), "{made}");
        }
        let version = |text| semver::Version::parse(text).unwrap();
        assert!(version("1.2.3-dev.x01ab") < version("1.2.3"));
    }

    #[test]
    fn what_is_no_plugin_is_refused_with_a_reason() {
        let empty = b"\0asm\x01\0\0\0";
        let reason = encode(b"text", "{}").unwrap_err().to_string();
        assert!(reason.contains("cannot be made a component: "), "{reason}");
        // A module without bindings becomes a component of nothing, which the plugin host refuses.
        assert!(encode(empty, "{}").is_ok_and(|bytes| crate::plugins::PluginHost::inspect(&bytes).is_err()));
    }
}
