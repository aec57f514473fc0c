//! Answers as JSON: one document, or text for people.

use serde::Serialize;

use super::exit::Failure;
pub(super) use crate::wire::visible;

/// Prints `value` as one JSON document.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?;
    print(&text)
}

/// Prints `value` as one line of JSON, for answers that are many documents.
pub(super) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    json_line_while_read(value).map(|_| ())
}

/// The same, for what goes on until nobody reads it any more; whether somebody does.
pub(super) fn json_line_while_read(value: &impl Serialize) -> Result<bool, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::failed(error.to_string()))?;
    print_while_read(&text)
}

/// Prints text and a line's end. A reader that went away (`| head`) is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    print_while_read(text).map(|_| ())
}

/// The same, for what goes on until nobody reads it any more; whether somebody does.
pub(super) fn print_while_read(text: &str) -> Result<bool, Failure> {
    use std::io::Write as _;
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::failed(format!("failed to write the answer: {error}"))),
    }
}
