//! Rules over lines: secrets, conflict markers, invisible characters, the operator's patterns.
//!
//! Owns which line breaks which rule. One finding for each rule and line, however often the line
//! breaks it. Never puts a line's text into a message, but for a token's public prefix.

use crate::invisible;
use crate::piece::PIECE_MAX_BYTES;
use crate::rule::Reporter;
use crate::settings::{CustomPattern, Settings};
use regex_lite::Regex;
use sluice_rules::{Globs, Level};
use sluice_secrets::{Found, Kind, Options};

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a str,
    pub(crate) line: Option<u32>,
    /// Whether the line starts here, or is a further piece of a long one.
    pub(crate) first: bool,
    /// Whether it is a line that a diff adds, or one of a text artifact.
    pub(crate) in_diff: bool,
}

/// The rules, ready for use.
pub(crate) struct Content<'s> {
    options: Options,
    allowed: &'s [String],
    ignored: &'s Globs,
    allow_comment: &'s [u8],
    patterns: Vec<(&'s CustomPattern, String, Regex)>,
    /// Rules already reported for the present line.
    reported: Vec<String>,
    in_conflict: bool,
    /// Whether secrets are looked for in the present file.
    guards_secrets: bool,
    /// Which patterns apply to the present file.
    applies: Vec<bool>,
}

impl<'s> Content<'s> {
    /// Compiles the operator's patterns.
    pub(crate) fn new(settings: &'s Settings) -> Result<Self, String> {
        let patterns = settings
            .custom_patterns
            .iter()
            .map(|custom| match custom.compile() {
                Ok(regex) => Ok((custom, format!("custom/{}", custom.name), regex)),
                Err(error) => Err(format!("settings member `custom_patterns`: pattern {}: {error}", custom.name)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            options: Options { min_entropy: settings.secrets_min_entropy, guess: true, prose: false },
            allowed: &settings.secrets_allow,
            ignored: &settings.secrets_ignore_paths,
            allow_comment: settings.allow_comment.as_bytes(),
            applies: vec![true; patterns.len()],
            patterns,
            reported: Vec::new(),
            in_conflict: false,
            guards_secrets: true,
        })
    }

    /// Tells that lines of another file follow.
    pub(crate) fn start_file(&mut self, path: &str) {
        self.in_conflict = false;
        self.guards_secrets = self.ignored.find(path).is_none();
        for (applies, (custom, ..)) in self.applies.iter_mut().zip(&self.patterns) {
            *applies = custom.paths.is_empty() || custom.paths.find(path).is_some();
        }
    }

    /// Applies all rules to one line, or one piece of it.
    pub(crate) fn line(&mut self, text: &[u8], place: Place<'_>, reporter: &mut Reporter<'_>) {
        if place.first {
            self.reported.clear();
        }
        if self.guards_secrets {
            self.secrets(text, place, reporter);
        }
        if place.in_diff && place.first {
            self.conflict(text, place, reporter);
        }
        self.invisible(text, place, reporter);
        self.custom(text, place, reporter);
    }

    fn secrets(&mut self, text: &[u8], place: Place<'_>, reporter: &mut Reporter<'_>) {
        // A piece as long as pieces can be is cut off, and the next one repeats its end; a diff's first lacks the sign.
        let is_cut = text.len() == PIECE_MAX_BYTES - usize::from(place.in_diff && place.first);
        for found in sluice_secrets::find(text, &self.options) {
            // What is guessed of half a token is left to whoever sees all of it.
            if is_cut && found.kind.is_guess() && found.end == text.len() {
                continue;
            }
            let secret = &text[found.start..found.end];
            if self.allowed.iter().any(|allowed| allowed.as_bytes() == secret) {
                continue;
            }
            let has_comment = !self.allow_comment.is_empty()
                && text.windows(self.allow_comment.len()).any(|window| window == self.allow_comment);
            let rule = format!("secrets/{}", found.kind.name());
            if has_comment && !reporter.is_disabled(&rule) {
                let message = format!("a comment allows {} here", found.kind.title());
                self.report_once("secrets/allowed", Level::Info, message, place, reporter);
                continue;
            }
            let level = if found.kind.is_guess() { Level::Error } else { Level::Critical };
            self.report_once(&rule, level, secret_message(found, secret, place.in_diff), place, reporter);
        }
    }

    /// A line of equal signs alone also underlines headings, so it counts only behind an opening.
    fn conflict(&mut self, text: &[u8], place: Place<'_>, reporter: &mut Reporter<'_>) {
        let text = text.trim_ascii_end();
        let is_marker = |mark: u8| {
            text.len() >= 7 && text[..7].iter().all(|&b| b == mark) && text.get(7).is_none_or(|&b| b == b' ')
        };
        let opens = is_marker(b'<');
        let is_conflict = opens || is_marker(b'>') || is_marker(b'|') || (self.in_conflict && text == b"=======");
        self.in_conflict |= opens;
        if is_conflict {
            let message = "adds a merge conflict marker; resolve the conflict".to_owned();
            self.report_once("conflict/markers", Level::Error, message, place, reporter);
        }
    }

    fn invisible(&mut self, text: &[u8], place: Place<'_>, reporter: &mut Reporter<'_>) {
        for (trick, character) in invisible::tricks(text) {
            // Logs are full of colour codes, and a text artifact is not what will be merged.
            if !place.in_diff && trick != invisible::Trick::Bidi {
                continue;
            }
            let code = u32::from(character);
            let message = format!("holds the character U+{code:04X}: {}", trick.effect());
            self.report_once(trick.rule(), Level::Warning, message, place, reporter);
        }
    }

    fn custom(&mut self, text: &[u8], place: Place<'_>, reporter: &mut Reporter<'_>) {
        if self.patterns.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(text);
        let hits: Vec<usize> = (0..self.patterns.len())
            .filter(|&index| self.applies[index] && self.patterns[index].2.is_match(&text))
            .collect();
        for index in hits {
            let (custom, rule, _) = &self.patterns[index];
            let (level, message, rule) = (custom.severity, custom.message.clone(), rule.clone());
            self.report_once(&rule, level, message, place, reporter);
        }
    }

    fn report_once(
        &mut self,
        rule: &str,
        level: Level,
        message: String,
        place: Place<'_>,
        reporter: &mut Reporter<'_>,
    ) {
        if self.reported.iter().all(|reported| reported != rule) {
            self.reported.push(rule.to_owned());
            reporter.report(rule, level, message, place.path, place.line);
        }
    }
}

fn secret_message(found: Found, secret: &[u8], in_diff: bool) -> String {
    let verb = if in_diff { "adds" } else { "contains" };
    let title = found.kind.title();
    let prefix = public_prefix(found.kind, secret);
    format!("{verb} {title}{prefix}; remove it, revoke it, and read it from the environment or a secret store instead")
}

/// The first four characters of tokens that all begin alike; nothing of anything else.
fn public_prefix(kind: Kind, secret: &[u8]) -> String {
    let is_token = kind.has_public_prefix();
    match secret.get(..4).and_then(|prefix| str::from_utf8(prefix).ok()) {
        Some(prefix) if is_token => format!(" ({prefix}...)"),
        _ => String::new(),
    }
}
