//! Finds `file:line` in what a failing test said.
//!
//! Owns which of several places is the likely one: the first in a file of the project, that is one
//! with a relative path, else the first at all.

/// How much of a text is searched.
const SEARCHED_MAX_BYTES: usize = 16 * 1024;

/// The file and line that `text` points at; none when it points at none.
pub(super) fn find(text: &str) -> Option<(&str, u32)> {
    let mut first = None;
    for line in text.get(..SEARCHED_MAX_BYTES).unwrap_or(text).lines() {
        // Python: `File "tests/test_x.py", line 12, in test_y`.
        let python = line.trim_start().strip_prefix("File \"").and_then(|rest| rest.split_once("\", line "));
        let found = match python {
            Some((path, rest)) => super::text::leading_number(rest).and_then(|(line, _)| place(path, line)),
            None => in_line(line),
        };
        match found {
            Some(found) if is_relative(found.0) => return Some(found),
            Some(found) => first = first.or(Some(found)),
            None => {}
        }
    }
    first
}

/// `path.ext:12` anywhere in a line.
fn in_line(line: &str) -> Option<(&str, u32)> {
    let bytes = line.as_bytes();
    for colon in bytes.iter().enumerate().filter(|(_, b)| **b == b':').map(|(at, _)| at) {
        let Some((number, _)) = super::text::leading_number(line.get(colon + 1..).unwrap_or_default()) else {
            continue;
        };
        let is_path = |b: &&u8| {
            b.is_ascii_alphanumeric() || matches!(**b, b'/' | b'\\' | b'.' | b'_' | b'-' | b'@' | b'+' | 0x80..)
        };
        let len = bytes[..colon].iter().rev().take(512).take_while(is_path).count();
        let Some(path) = line.get(colon - len..colon) else {
            continue;
        };
        let is_url = line[..colon - len].ends_with(':') && path.starts_with("//");
        if !is_url && let Some(found) = place(path, number) {
            return Some(found);
        }
    }
    None
}

fn place(path: &str, line: u64) -> Option<(&str, u32)> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let (stem, extension) = name.rsplit_once('.')?;
    let is_extension = (1..=6).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric())
        && extension.bytes().any(|b| b.is_ascii_alphabetic());
    let line = u32::try_from(line).ok().filter(|line| *line > 0)?;
    // `example.com:443` is no file; sources do not end in the domains that tests talk to.
    let is_host = matches!(extension, "com" | "org" | "net" | "io" | "dev" | "local");
    (is_extension && !stem.is_empty() && !is_host).then_some((path, line))
}

fn is_relative(path: &str) -> bool {
    !(path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':'))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn places_of_many_languages_are_found() {
        for (text, path, line) in [
            ("thread 'a' panicked at src/lib.rs:10:5:\nassertion failed", "src/lib.rs", 10),
            ("thread 'a' panicked at 'boom', src/lib.rs:7:9", "src/lib.rs", 7),
            ("    math_test.go:12: got 3, want 4", "math_test.go", 12),
            ("    at Object.<anonymous> (test/sum.test.js:5:10)", "test/sum.test.js", 5),
            ("  File \"tests/test_sum.py\", line 8, in test_sum", "tests/test_sum.py", 8),
            ("tests/test_sum.py:8: AssertionError", "tests/test_sum.py", 8),
            ("\tat app.SumTest.adds(SumTest.java:21)", "SumTest.java", 21),
            ("at /rustc/abc/library/core/src/panicking.rs:1\nat src/x.rs:3", "src/x.rs", 3),
            ("/home/u/p/x.rs:3", "/home/u/p/x.rs", 3),
        ] {
            assert_eq!(find(text), Some((path, line)), "{text}");
        }
    }

    #[test]
    fn times_hosts_and_versions_are_no_places() {
        for text in [
            "12:30:45",
            "http://localhost:8080",
            "example.com:443",
            "v1.2:3",
            "ratio 1.5:1",
            "a.rs:0",
            "x.rs:99999999999",
            "",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
