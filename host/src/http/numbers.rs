//! Finds numbers that a reader would quietly change: integers beyond 64 bits, and what is too large
//! or too small for a double.
//!
//! Fractions are doubles and as exact as those are. The text is walked a second time only when
//! the first reading came upon a number that may be such a one.

use std::fmt::Write as _;

/// A number that cannot be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inexact {
    /// Where it stands: `value.a[3]`; empty when it is the whole text.
    pub(super) path: String,
    /// What it says.
    pub(super) literal: String,
}

enum Within {
    Object { name: String, has_name: bool },
    Array { index: usize },
}

/// The first number of `text`, which is JSON at least up to there, that cannot be held.
pub(super) fn first_inexact(text: &[u8]) -> Option<Inexact> {
    let mut within: Vec<Within> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'{' => within.push(Within::Object { name: String::new(), has_name: false }),
            b'[' => within.push(Within::Array { index: 0 }),
            b'}' | b']' => {
                within.pop();
            }
            b':' => {
                if let Some(Within::Object { has_name, .. }) = within.last_mut() {
                    *has_name = true;
                }
            }
            b',' => match within.last_mut() {
                Some(Within::Array { index }) => *index += 1,
                Some(Within::Object { has_name, .. }) => *has_name = false,
                None => {}
            },
            b'"' => {
                let end = end_of_string(text, at);
                if let Some(Within::Object { name, has_name: false }) = within.last_mut() {
                    *name = serde_json::from_slice(text.get(at..end)?).unwrap_or_default();
                }
                at = end;
                continue;
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &&u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let end = at + text[at..].iter().take_while(is_part).count();
                let literal = std::str::from_utf8(&text[at..end]).unwrap_or_default();
                if is_inexact(literal) {
                    return Some(Inexact { path: path_of(&within), literal: literal.to_owned() });
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place after the string that begins at `start`.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match text.get(at) {
            None => return text.len(),
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

fn is_inexact(literal: &str) -> bool {
    if !literal.contains(['.', 'e', 'E']) {
        return literal.parse::<i64>().is_err() && literal.parse::<u64>().is_err();
    }
    let mantissa = literal.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    literal.parse::<f64>().is_ok_and(|value| value.is_infinite() || (value == 0.0 && !is_zero))
}

fn path_of(within: &[Within]) -> String {
    let mut path = String::new();
    for place in within {
        match place {
            Within::Array { index } => {
                // A String takes every write.
                let _ = write!(path, "[{index}]");
            }
            Within::Object { name, .. } => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_be_changed_are_found_where_they_stand() {
        let found = |text: &str| first_inexact(text.as_bytes()).map(|found| (found.path, found.literal));
        let some = |path: &str, literal: &str| Some((path.to_owned(), literal.to_owned()));
        for exact in [
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "1e308",
            "-0",
            "0e9",
            "5e-324",
            r#"{"1e999":"123456789012345678901"}"#,
            r#"["\"99999999999999999999", 1]"#,
        ] {
            assert_eq!(found(exact), None, "{exact}");
        }
        assert_eq!(found("18446744073709551616"), some("", "18446744073709551616"));
        assert_eq!(found("-9223372036854775809"), some("", "-9223372036854775809"));
        assert_eq!(found(r#"{"a":[1,{"b\"":[2, 1e400]}]}"#), some("a[1].b\"[1]", "1e400"));
        assert_eq!(found(r#"{"x":{"y":[]},"z":-1E-400}"#), some("z", "-1E-400"));
        assert_eq!(found(r#"[[1],[2,3],{"k":"v"},1e999]"#), some("[3]", "1e999"));
    }
}
