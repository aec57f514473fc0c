//! Cobertura XML: line and branch coverage.
//!
//! Owns which numbers are believed: the counts of the root element, else the lines of the classes.
//! A report that has only a rate is read as parts of ten thousand.

use super::xml::{Token, Xml, XmlError};
use crate::report::{Event, Sink, malformed};
use std::io::Read;

/// Reads a report.
///
/// # Errors
///
/// The XML breaks its rules, or the stream fails.
pub(super) fn read(stream: impl Read, sink: &mut dyn Sink) -> Result<(), XmlError> {
    let mut xml = Xml::new(stream);
    let mut root = Root::default();
    let mut listed = Listed::default();
    // Lines are listed twice, under their method and under their class.
    let mut in_methods = false;
    loop {
        match xml.next_token()? {
            Token::Start => match xml.name() {
                "coverage" => root = Root::of(&xml),
                "methods" => in_methods = true,
                "line" if !in_methods => listed.line(&xml),
                _ => {}
            },
            Token::End if xml.name() == "methods" => in_methods = false,
            Token::End | Token::Text => {}
            Token::Eof => break,
        }
    }
    let is_listed = listed.lines.1 > 0;
    let lines = root.lines.or(is_listed.then_some(listed.lines)).or(root.line_rate);
    match lines {
        Some((covered, total)) if covered <= total => sink.on(Event::Lines(covered, total)),
        Some(_) => malformed(sink, None, "it has more covered lines than lines"),
        None => malformed(sink, None, "it holds no line coverage"),
    }
    let branches = root.branches.or((listed.branches.1 > 0).then_some(listed.branches)).or(root.branch_rate);
    match branches {
        Some((covered, total)) if covered <= total => sink.on(Event::Branches(covered, total)),
        Some(_) => malformed(sink, None, "it has more covered branches than branches"),
        None => {}
    }
    Ok(())
}

/// What the root element says.
#[derive(Debug, Default)]
struct Root {
    lines: Option<(u64, u64)>,
    branches: Option<(u64, u64)>,
    line_rate: Option<(u64, u64)>,
    branch_rate: Option<(u64, u64)>,
}

impl Root {
    fn of<R: Read>(xml: &Xml<R>) -> Self {
        let count = |name: &str| xml.attribute(name).and_then(|text| text.trim().parse::<u64>().ok());
        let pair = |covered: &str, valid: &str| count(covered).zip(count(valid)).filter(|(_, valid)| *valid > 0);
        let rate = |name: &str| xml.attribute(name).and_then(rate_of);
        Self {
            lines: pair("lines-covered", "lines-valid"),
            branches: pair("branches-covered", "branches-valid"),
            line_rate: rate("line-rate"),
            // Writers that do not measure branches say `0` or `1` here; only counts are believed.
            branch_rate: rate("branch-rate").filter(|(covered, _)| (1..10_000).contains(covered)),
        }
    }
}

/// A rate between 0 and 1 as parts of ten thousand.
fn rate_of(text: &str) -> Option<(u64, u64)> {
    let rate = text.trim().parse::<f64>().ok().filter(|rate| (0.0..=1.0).contains(rate))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lies between 0 and 10,000")]
    let parts = (rate * 10_000.0).floor() as u64;
    Some((parts, 10_000))
}

/// What the classes list.
#[derive(Debug, Default)]
struct Listed {
    lines: (u64, u64),
    branches: (u64, u64),
}

impl Listed {
    fn line<R: Read>(&mut self, xml: &Xml<R>) {
        let hits = xml.attribute("hits").and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or(0.0);
        self.lines.0 += u64::from(hits > 0.0);
        self.lines.1 += 1;
        // `condition-coverage="50% (1/2)"`
        let condition = xml.attribute("condition-coverage").and_then(|text| text.split_once('('));
        let parts = condition.and_then(|(_, parts)| parts.trim_end().trim_end_matches(')').split_once('/'));
        if let Some((covered, total)) = parts
            && let (Ok(covered), Ok(total)) = (covered.trim().parse::<u32>(), total.trim().parse::<u32>())
        {
            self.branches.0 += u64::from(covered);
            self.branches.1 += u64::from(total);
        }
    }
}
