//! The settings an operator bound to the plugin, as the plugin's own struct.
//!
//! Owns how they are read and how an error names the member at fault. Never validates beyond the
//! struct: ranges and syntax belong to the plugin's `check_settings`. A settings struct derives
//! `Deserialize` with `#[serde(default, deny_unknown_fields)]`, so that a typing error is refused
//! and what is left out has its documented default.
//! Read next: `wit/plugin-0.1/settings.wit`, `wit/plugin-0.1/settings-check.wit`.

use serde::de::DeserializeOwned;

/// The bound settings of this call.
///
/// In native tests they are what [`crate::testing::set_settings`] left on this thread, else none.
///
/// # Errors
///
/// A sentence that names the member at fault, as of [`parse_text`].
pub fn parse<T: DeserializeOwned + Default>() -> Result<T, String> {
    parse_text(&text())
}

/// Settings given as JSON text; what `check_settings` is called with.
///
/// Empty text and `{}` both mean 'nothing was bound' and give the defaults.
///
/// # Errors
///
/// A sentence that names the member at fault: of the wrong type, unknown, or missing.
pub fn parse_text<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    // A struct is also readable from a JSON array, by position, which no operator means.
    if !text.trim_start().starts_with('{') {
        return Err("settings must be one JSON object".to_owned());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if path == "." { format!("settings: {inner}") } else { format!("settings member `{path}`: {inner}") }
    })?;
    reader.end().map_err(|error| format!("settings: {error}"))?;
    Ok(value)
}

#[cfg(target_arch = "wasm32")]
fn text() -> String {
    crate::base::sluice::plugin::settings::get()
}

#[cfg(not(target_arch = "wasm32"))]
fn text() -> String {
    crate::testing::settings_text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Limits {
        max_files: u32,
        nested: Nested,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Nested {
        globs: Vec<String>,
    }

    impl Default for Limits {
        fn default() -> Self {
            Limits { max_files: 7, nested: Nested::default() }
        }
    }

    #[test]
    fn nothing_bound_gives_the_defaults() {
        assert_eq!(parse_text::<Limits>("").unwrap().max_files, 7);
        assert_eq!(parse_text::<Limits>(" {} ").unwrap(), Limits::default());
    }

    #[test]
    fn an_error_names_the_member() {
        let wrong_type = parse_text::<Limits>(r#"{"nested":{"globs":["a",4]}}"#).unwrap_err();
        assert!(wrong_type.contains("`nested.globs[1]`"), "{wrong_type}");
        let unknown = parse_text::<Limits>(r#"{"max_file":3}"#).unwrap_err();
        assert!(unknown.contains("`max_file`"), "{unknown}");
        let range = parse_text::<Limits>(r#"{"max_files":-1}"#).unwrap_err();
        assert!(range.contains("`max_files`"), "{range}");
    }

    #[test]
    fn only_one_whole_object_is_accepted() {
        assert!(parse_text::<Limits>("[3]").is_err());
        assert!(parse_text::<Limits>(r#"{"max_files":3} x"#).is_err());
        assert!(parse_text::<Limits>("null").is_err());
    }

    #[test]
    fn bound_settings_reach_the_plugin() {
        crate::testing::set_settings(r#"{"max_files":3}"#);
        assert_eq!(parse::<Limits>().unwrap().max_files, 3);
        crate::testing::set_settings("{}");
        assert_eq!(parse::<Limits>().unwrap().max_files, 7);
    }
}
