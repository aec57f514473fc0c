//! {{name}}: a scrubber that points at the numbers of tickets, so that the host cuts them out.
//!
//! A scrubber is asked about each text before it is remembered or promoted. It points at stretches and never copies
//! what it found into its report; the host cuts. An error blocks the text.

use serde::Deserialize;
use sluice_plugin::scrubber::{Redaction, ScrubInput, ScrubReport, Scrubber};
use sluice_plugin::settings;

/// The most a report may hold (`wit/scrubber-0.1/types.wit`); a text with more is blocked.
const REDACTIONS_MAX: usize = 10_000;

/// What an operator can say; the schema in `manifest.json` describes the same.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    prefix: String,
    replacement: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { prefix: "ACME-".to_owned(), replacement: "[ticket]".to_owned() }
    }
}

/// The scrubber.
pub struct Tickets;

impl Scrubber for Tickets {
    fn scrub(input: &ScrubInput) -> Result<ScrubReport, String> {
        let settings: Settings = settings::parse()?;
        let mut redactions = Vec::new();
        for (start, prefix) in input.text.match_indices(settings.prefix.as_str()) {
            let digits = input.text[start + prefix.len()..].bytes().take_while(u8::is_ascii_digit).count();
            let is_free = redactions.last().is_none_or(|before: &Redaction| start >= before.end as usize);
            if digits == 0 || !is_free {
                continue;
            }
            redactions.push(Redaction {
                kind: "ticket".to_owned(),
                start: offset(start)?,
                end: offset(start + prefix.len() + digits)?,
                confidence: 1.0,
                replacement: settings.replacement.clone(),
            });
        }
        let found = redactions.len();
        let blocked = found > REDACTIONS_MAX;
        redactions.truncate(REDACTIONS_MAX);
        Ok(ScrubReport {
            blocked,
            summary: format!("{found} numbers of tickets"),
            redactions,
            data: serde_json::json!({"found": found}).to_string(),
        })
    }

    fn check_settings(text: &str) -> Result<(), String> {
        let settings: Settings = settings::parse_text(text)?;
        if settings.prefix.is_empty() {
            return Err("settings member `prefix`: cannot be empty".to_owned());
        }
        Ok(())
    }
}

/// Offsets are 32 bits wide; a text has at most 1 MiB.
fn offset(at: usize) -> Result<u32, String> {
    u32::try_from(at).map_err(|_| format!("byte {at} is beyond any text"))
}

sluice_plugin::export_scrubber!(Tickets);

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_plugin::testing::set_settings;

    fn scrubbed(text: &str) -> Vec<(u32, u32)> {
        let input = ScrubInput { text: text.to_owned(), data: "{}".to_owned() };
        Tickets::scrub(&input).unwrap().redactions.iter().map(|found| (found.start, found.end)).collect()
    }

    #[test]
    fn numbers_are_found_where_they_stand() {
        set_settings("{}");
        assert_eq!(scrubbed("see ACME-12 and ACME-345"), [(4, 11), (16, 24)]);
        assert_eq!(scrubbed("ACME- and acme-1"), []);
    }
}
