//! Answers as JSON: one document, or text for people.

use serde::Serialize;

use super::exit::Failure;

/// Prints `value` as one JSON document.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?;
    print(&text)
}

/// Prints text and a line's end. A reader that went away (`| head`) is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("failed to write the answer: {error}")))
        }
        _ => Ok(()),
    }
}

/// Text for a terminal: control characters other than a line's end are made visible, so that
/// what a plugin or a process wrote cannot steer the terminal.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}
