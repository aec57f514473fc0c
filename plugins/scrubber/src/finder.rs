//! Everything that looks for something, ready for use.
//!
//! Owns the order of the finders and what is let through: kinds that are switched off, values that
//! the operator allows, and what stands for something redacted before.

use crate::settings::Policy;
use crate::span::{Span, merge};
use crate::{network, personal, view};
use regex_lite::Regex;
use sluice_secrets::Options;
use std::borrow::Cow;

/// What is put in place of a redaction starts so; nothing is looked for inside of it.
const REPLACEMENT_OPENING: &str = "[REDACTED:";

/// All finders under one policy.
pub(crate) struct Finder<'s> {
    policy: &'s Policy<'s>,
    options: Options,
    patterns: Vec<(&'s str, f32, Regex)>,
}

impl<'s> Finder<'s> {
    /// # Errors
    ///
    /// A pattern of the settings does not compile.
    pub(crate) fn new(policy: &'s Policy<'s>) -> Result<Self, String> {
        let settings = policy.settings;
        let patterns = settings
            .custom_patterns
            .iter()
            .filter(|custom| policy.wants(&custom.kind))
            .map(|custom| match custom.compile() {
                Ok(regex) => Ok((custom.kind.as_str(), custom.confidence, regex)),
                Err(error) => Err(format!("settings member `custom_patterns`: {}: {error}", custom.kind)),
            })
            .collect::<Result<_, _>>()?;
        let guess = policy.wants("generic_secret") || policy.wants("password");
        let options = Options { min_entropy: settings.min_entropy, guess, prose: true };
        Ok(Self { policy, options, patterns })
    }

    /// Everything found, sorted and disjoint.
    pub(crate) fn find(&self, text: &str) -> Vec<Span> {
        let bytes = text.as_bytes();
        let mut found = self.plain(bytes, true);
        view::find(bytes, &|bytes, guess| self.plain(bytes, guess), &mut found);
        for (kind, confidence, regex) in &self.patterns {
            let spans = regex.find_iter(text).filter(|one| !one.is_empty()).map(|one| Span {
                start: one.start(),
                end: one.end(),
                kind: Cow::Owned((*kind).to_owned()),
                confidence: *confidence,
            });
            found.extend(spans);
        }
        for span in &mut found {
            span.start = text.floor_char_boundary(span.start);
            span.end = text.ceil_char_boundary(span.end);
        }
        found.retain(|span| span.start < span.end && self.must_go(&text[span.start..span.end]));
        merge(found)
    }

    /// What is found in a text as it stands, guesses among it when they are welcome.
    fn plain(&self, text: &[u8], guess: bool) -> Vec<Span> {
        let wants = |kind: &str| self.policy.wants(kind);
        let options = Options { guess: guess && self.options.guess, ..self.options };
        let mut found: Vec<Span> = sluice_secrets::find(text, &options)
            .into_iter()
            .filter(|found| wants(found.kind.name()))
            .map(|found| Span {
                start: found.start,
                end: found.end,
                kind: found.kind.name().into(),
                confidence: found.confidence,
            })
            .collect();
        personal::find(text, &wants, &mut found);
        if wants("ipv4") {
            network::ipv4(text, &mut found);
        }
        if wants("ipv6") {
            network::ipv6(text, &mut found);
        }
        found
    }

    /// Not what the operator allows, and not what stands for something redacted before.
    fn must_go(&self, found: &str) -> bool {
        let is_replacement =
            found.starts_with(REPLACEMENT_OPENING) && found.ends_with(']') && found.matches('[').count() == 1;
        !is_replacement && !self.policy.settings.allow.iter().any(|allowed| allowed == found)
    }
}
