//! Documents given on the command line, in a file or on standard input.
//!
//! They are checked to be JSON and handed on as they stand: what a reader here would quietly change
//! (a member that stands twice, a number too large for a double) is for the host to refuse.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::value::RawValue;

use crate::cli::exit::Failure;

/// Largest document, in bytes (16 MiB): the largest batch a host takes.
const MAX_BYTES: u64 = 16 << 20;

/// A document.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Given {
    /// What to write, as JSON; `-` reads it from standard input
    #[arg(value_name = "JSON", allow_negative_numbers = true)]
    text: Option<String>,
    /// A file that holds it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Given {
    /// The document as JSON.
    pub(super) fn json(&self) -> Result<Box<RawValue>, Failure> {
        let (place, text) = self.read()?;
        parse(&place, text, "")
    }

    /// The same, or with `is_text` the text itself as a JSON string.
    pub(super) fn value(&self, is_text: bool) -> Result<Box<RawValue>, Failure> {
        let (place, text) = self.read()?;
        if is_text {
            return serde_json::value::to_raw_value(&text).map_err(|error| Failure::failed(error.to_string()));
        }
        parse(&place, text, "; to write a text, quote it as a JSON string ('\"some text\"'), or add --string")
    }

    fn read(&self) -> Result<(String, String), Failure> {
        match (&self.text, &self.file) {
            (Some(text), _) if text != "-" => Ok(("what was given".to_owned(), text.clone())),
            (None, Some(file)) => Ok((format!("`{}`", file.display()), read_file(file)?)),
            _ => Ok(("standard input".to_owned(), read_file(Path::new("-"))?)),
        }
    }
}

/// The JSON in a file; `-` is standard input.
pub(in crate::cli) fn json_file(path: &Path) -> Result<Box<RawValue>, Failure> {
    parse(&format!("`{}`", path.display()), read_file(path)?, "")
}

fn parse(place: &str, text: String, hint: &str) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(text).map_err(|error| Failure::bad_input(format!("{place} is not JSON: {error}{hint}")))
}

fn read_file(path: &Path) -> Result<String, Failure> {
    let is_standard_input = path == Path::new("-");
    let name = if is_standard_input { "standard input".to_owned() } else { format!("`{}`", path.display()) };
    let mut bytes = Vec::new();
    let read = if is_standard_input {
        std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::bad_input(format!("{name} cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::bad_input(format!("{name} has more than {MAX_BYTES} bytes; no request takes that")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::bad_input(format!("{name} is not UTF-8 text")))
}
