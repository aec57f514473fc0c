//! From a plugin's directory to a component that a host takes: what its language makes of it, and its manifest.

use std::fs;
use std::path::Path;

use super::KitError;
use super::language::Profile;
use super::source::PluginSource;
use crate::domain::artifact::Digest;
use crate::plugins::manifest;

/// Digits of a digest in the version of what is built for its author.
const TAG_DIGITS: usize = 12;

/// Builds a plugin. Whether a host takes it is the plugin host's to say.
///
/// # Errors
/// It does not compile, or there is nothing to compile it with.
pub fn build(plugin: &PluginSource, profile: Profile, offline: bool) -> Result<Vec<u8>, KitError> {
    let component = plugin.language.component(plugin, profile, offline)?;
    Ok(with_manifest(component, &plugin.manifest_text))
}

/// Builds a plugin for its author's eyes, under a version of its own: a registry never takes other bytes under a version that
/// it has. Gives the plugin as it says of itself then.
///
/// # Errors
/// As of [`build`].
pub fn build_for_watch(plugin: &PluginSource, offline: bool) -> Result<(PluginSource, Vec<u8>), KitError> {
    let component = plugin.language.component(plugin, Profile::Watch, offline)?;
    let digest = Digest::of(&with_manifest(component.clone(), &plugin.manifest_text));
    let version = version_for_watch(&plugin.manifest.version, &digest.as_str()[..TAG_DIGITS]);
    let plugin = plugin.clone().with_version(&version);
    let component = with_manifest(component, &plugin.manifest_text);
    Ok((plugin, component))
}

/// `1.2.3` as `1.2.3-dev.x0a1b2c3d`: before that version, and different for other bytes. The letter is there because
/// a part of digits alone must not begin with a zero.
fn version_for_watch(version: &str, tag: &str) -> String {
    let (numbers, build) = version.split_once('+').map_or((version, String::new()), |(v, b)| (v, format!("+{b}")));
    let separator = if numbers.contains('-') { '.' } else { '-' };
    format!("{numbers}{separator}dev.x{tag}{build}")
}

/// A component with `manifest` (one line of JSON) in the section where the host looks for it.
fn with_manifest(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    append_section(&mut component, manifest::SECTION, manifest.as_bytes());
    component
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
}
