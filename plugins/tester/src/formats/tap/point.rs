//! A test point: `not ok 3 - adds numbers # TODO later`.

use crate::formats::text::leading_number;
use crate::report::seconds;

/// What follows the `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    /// It was not run.
    Skip,
    /// It is expected to fail.
    Todo,
}

/// One point.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) ok: bool,
    pub(super) number: Option<u64>,
    pub(super) name: String,
    pub(super) directive: Option<Directive>,
    pub(super) duration_s: Option<f64>,
}

impl Point {
    /// Reads a line without its indentation; none when it is no point.
    pub(super) fn parse(content: &str) -> Option<Self> {
        let (ok, rest) = match content.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, content.strip_prefix("ok")?),
        };
        if !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
            return None;
        }
        let rest = rest.trim_start();
        let (number, rest) = match leading_number(rest) {
            Some((number, rest)) if rest.is_empty() || rest.starts_with([' ', '\t']) => {
                (Some(number), rest.trim_start())
            }
            _ => (None, rest),
        };
        let (name, words) = split_directive(rest);
        let name = name.trim().strip_prefix("- ").unwrap_or(name.trim()).trim().trim_start_matches("- ");
        let lower = words.to_ascii_lowercase();
        let directive = if lower.starts_with("skip") {
            Some(Directive::Skip)
        } else if lower.starts_with("todo") {
            Some(Directive::Todo)
        } else {
            None
        };
        let time = lower.strip_prefix("time=").and_then(|time| time.strip_suffix("ms"));
        let name = match (name, number) {
            ("" | "-", Some(number)) => format!("test {number}"),
            ("" | "-", None) => "(a test without a name)".to_owned(),
            (name, _) => name.replace("\\#", "#").replace("\\\\", "\\"),
        };
        Some(Self { ok, number, name, directive, duration_s: time.and_then(seconds).map(|ms| ms / 1_000.0) })
    }
}

/// Splits at a `#` that stands behind a blank and is not escaped, and introduces a directive or a
/// time. Any other is part of the name.
fn split_directive(text: &str) -> (&str, &str) {
    let is_directive = |words: &str| {
        let lower = words.get(..5).unwrap_or(words).to_ascii_lowercase();
        lower.starts_with("skip") || lower.starts_with("todo") || lower.starts_with("time=")
    };
    for (at, _) in text.match_indices('#') {
        let is_free = at == 0 || text[..at].ends_with([' ', '\t']);
        let words = text[at + 1..].trim();
        if is_free && is_directive(words) {
            return (&text[..at], words);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::{Directive, Point};

    fn read(line: &str) -> (bool, Option<u64>, String, Option<Directive>) {
        let point = Point::parse(line).unwrap();
        (point.ok, point.number, point.name, point.directive)
    }

    #[test]
    fn points_are_read() {
        assert_eq!(read("ok"), (true, None, "(a test without a name)".into(), None));
        assert_eq!(read("ok 1"), (true, Some(1), "test 1".into(), None));
        assert_eq!(read("not ok 2 - adds # sums"), (false, Some(2), "adds # sums".into(), None));
        assert_eq!(read("ok 3 - x # SKIP no net"), (true, Some(3), "x".into(), Some(Directive::Skip)));
        assert_eq!(read("ok 3 # skipped no net"), (true, Some(3), "test 3".into(), Some(Directive::Skip)));
        assert_eq!(read("not ok 4 - y # todo"), (false, Some(4), "y".into(), Some(Directive::Todo)));
        assert_eq!(read("ok 5 - a \\# todo not"), (true, Some(5), "a # todo not".into(), None));
        assert_eq!(read("ok - 3 blind mice"), (true, None, "3 blind mice".into(), None));
        assert!((Point::parse("ok 1 - x # time=1500ms").unwrap().duration_s.unwrap() - 1.5).abs() < 1e-9);
        for line in ["okay", "not okay", "notok 1", "1..2", "# ok"] {
            assert_eq!(Point::parse(line), None, "{line}");
        }
    }
}
