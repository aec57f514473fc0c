//! Which format an artifact has.
//!
//! Owns the recognition by content. What an artifact is called decides how readily it is taken for
//! a report at all; its content decides which.

use super::text::without_colours;

/// How much of an artifact's beginning is looked at.
pub const HEAD_BYTES: usize = 64 * 1024;

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `JUnit` XML.
    Junit,
    /// `Cobertura` XML.
    Cobertura,
    /// Test Anything Protocol, versions 12 to 14.
    Tap,
    /// What `cargo test` prints.
    Libtest,
    /// What `cargo test -- --format json` prints, and nextest's `libtest-json`.
    LibtestJson,
    /// What `cargo nextest run` prints.
    Nextest,
    /// What `go test -json` prints.
    GoJson,
    /// lcov tracefile.
    Lcov,
}

impl Format {
    /// The word for it in the verdict's data.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Cobertura => "cobertura",
            Self::Tap => "tap",
            Self::Libtest => "libtest",
            Self::LibtestJson => "libtest-json",
            Self::Nextest => "nextest",
            Self::GoJson => "go-json",
            Self::Lcov => "lcov",
        }
    }

    /// Whether it tells of coverage rather than of tests.
    pub const fn is_coverage(self) -> bool {
        matches!(self, Self::Cobertura | Self::Lcov)
    }
}

/// The format of what begins with `head`; none when it is none of them.
///
/// `anywhere` looks through the whole head, because tools print other things first; otherwise only
/// the first line counts, so that a text that quotes a report is not taken for one.
pub fn detect(head: &[u8], anywhere: bool) -> Option<Format> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = &head[..head.len().min(HEAD_BYTES)];
    if head.trim_ascii_start().first() == Some(&b'<') {
        return match root(head.trim_ascii_start())? {
            b"testsuites" | b"testsuite" => Some(Format::Junit),
            b"coverage" => Some(Format::Cobertura),
            _ => None,
        };
    }
    let plain = without_colours(head);
    let mut lines = plain.split(|&b| b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    if anywhere { lines.find_map(|line| of_line(line, true)) } else { of_line(lines.next()?, false) }
}

/// The local name of the root element, behind declarations and comments.
fn root(head: &[u8]) -> Option<&[u8]> {
    let mut rest = head;
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'!', ..] => b">",
            [b'<', name @ ..] => {
                let len = name.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))?;
                return name[..len].rsplit(|&b| b == b':').next();
            }
            _ => return None,
        };
        let at = rest.windows(end.len()).position(|window| window == end)?;
        rest = &rest[at + end.len()..];
    }
}

fn of_line(line: &[u8], lenient: bool) -> Option<Format> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let has = |words: &[u8]| line.windows(words.len()).any(|window| window == words);
    let trimmed = line.trim_ascii();
    if line.starts_with(b"TN:") || line.starts_with(b"SF:") {
        Some(Format::Lcov)
    } else if trimmed.starts_with(b"{") && has(b"\"Action\"") && (has(b"\"Package\"") || has(b"\"ImportPath\"")) {
        Some(Format::GoJson)
    } else if trimmed.starts_with(b"{")
        && has(b"\"type\"")
        && has(b"\"event\"")
        && (has(b"\"suite\"") || has(b"\"test\""))
    {
        Some(Format::LibtestJson)
    } else if line.starts_with(b"TAP version ") || is_plan(line) || (lenient && is_point(line)) {
        Some(Format::Tap)
    } else if line.starts_with(b"running ") && (line.ends_with(b" test") || line.ends_with(b" tests")) {
        Some(Format::Libtest)
    } else if trimmed.starts_with(b"Nextest run ID ")
        || (trimmed.starts_with(b"Starting ") && has(b" across "))
        || trimmed.starts_with(b"Summary [")
    {
        Some(Format::Nextest)
    } else {
        None
    }
}

/// `1..N`
fn is_plan(line: &[u8]) -> bool {
    line.strip_prefix(b"1..").is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
}

fn is_point(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"not ").unwrap_or(line);
    rest == b"ok" || rest.starts_with(b"ok ")
}

#[cfg(test)]
mod tests {
    use super::{Format, detect};

    #[test]
    fn formats_are_told_by_their_beginning() {
        for (head, format) in [
            ("<?xml version=\"1.0\"?>\n<!-- x --><testsuites>", Format::Junit),
            ("<testsuite name=\"x\"/>", Format::Junit),
            ("<!DOCTYPE coverage SYSTEM \"x.dtd\"><coverage line-rate=\"1\">", Format::Cobertura),
            ("\u{feff}TAP version 14\n1..1", Format::Tap),
            ("1..2\nok 1", Format::Tap),
            ("\nrunning 1 test\n", Format::Libtest),
            ("{ \"type\": \"suite\", \"event\": \"started\", \"test_count\": 1 }", Format::LibtestJson),
            ("{\"Time\":\"x\",\"Action\":\"start\",\"Package\":\"p\"}", Format::GoJson),
            ("    Starting 1 test across 1 binary\n", Format::Nextest),
            ("TN:\nSF:a.rs", Format::Lcov),
        ] {
            assert_eq!(detect(head.as_bytes(), false), Some(format), "{head}");
        }
    }

    #[test]
    fn noise_before_a_report_is_passed_over_only_where_one_is_expected() {
        let cargo =
            b"   Compiling x v0.1.0\n    Finished `test`\n     Running unittests src/lib.rs\n\nrunning 1 test\n";
        assert_eq!(detect(cargo, true), Some(Format::Libtest));
        assert_eq!(detect(cargo, false), None);
        assert_eq!(detect(b"ok then, all is well", false), None);
        assert_eq!(detect(b"ok 1 - works", true), Some(Format::Tap));
        for head in ["", "<html>", "<", "prose", "{\"a\":1}"] {
            assert_eq!(detect(head.as_bytes(), true), None, "{head}");
        }
    }
}
