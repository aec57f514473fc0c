//! How much there is to policies, and how deep they go, before the policy engine reads them.
//!
//! The engine goes down a policy as deep as its parts are nested, and checks all of it against every kind
//! of question it could be asked. What is bounded here keeps a text from ending the process, or from
//! holding it up; whoever writes policies for people to read comes nowhere near.

use std::ops::Range;

/// Brackets within each other.
const DEPTH_MAX: usize = 32;
/// Operators, members, brackets and words such as `has` in one policy: each may lie within the one before.
const CHAIN_MAX: usize = 250;
/// Parts of all policies together, those of a template for each of its links.
pub(super) const WEIGHT_MAX: usize = 60_000;
/// Bytes of a word or a text that weigh as much as a part.
const BYTES_OF_PART: usize = 32;

/// What goes too far.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch {
    /// Where, in bytes.
    pub(super) offset: usize,
    pub(super) message: String,
}

/// The parts of each policy of a text, in the order in which they stand there.
///
/// # Errors
/// [`TooMuch`], for the first policy that is too deep. What is no policy at all is the parser's to tell.
pub(super) fn weights(text: &str) -> Result<Vec<usize>, TooMuch> {
    let mut weights = Vec::new();
    let mut of = Parts::default();
    for (place, token) in (Tokens { bytes: text.as_bytes(), at: 0 }) {
        match token {
            Token::End => {
                weights.push(of.weight);
                of = Parts::default();
                continue;
            }
            Token::Open => of.depth += 1,
            Token::Close => of.depth = of.depth.saturating_sub(1),
            Token::Link | Token::Part => {}
        }
        of.weight += 1 + place.len() / BYTES_OF_PART;
        of.chain += usize::from(matches!(token, Token::Open | Token::Link));
        let message = if of.depth > DEPTH_MAX {
            format!("brackets lie within each other more than {DEPTH_MAX} deep; several policies may say the same")
        } else if of.chain > CHAIN_MAX {
            format!(
                "the policy has more than {CHAIN_MAX} operators, members and brackets; several policies, or a set in \
                 brackets, may say the same"
            )
        } else {
            continue;
        };
        return Err(TooMuch { offset: place.start, message });
    }
    Ok(weights)
}

#[derive(Default)]
struct Parts {
    depth: usize,
    chain: usize,
    weight: usize,
}

/// What counts of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    /// What may lie within the one before.
    Link,
    /// What costs a little.
    Part,
    /// The end of a policy.
    End,
}

struct Tokens<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Tokens<'_> {
    fn skip(&mut self, goes_on: impl Fn(u8) -> bool) -> &[u8] {
        let from = self.at;
        while self.bytes.get(self.at).copied().is_some_and(&goes_on) {
            self.at += 1;
        }
        &self.bytes[from..self.at]
    }

    /// To the end of a text in quotes, of which the first was passed.
    fn skip_text(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'"' {
                return;
            }
        }
    }
}

impl Iterator for Tokens<'_> {
    /// What counts, and where.
    type Item = (Range<usize>, Token);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let from = self.at;
            let byte = *self.bytes.get(from)?;
            self.at += 1;
            let token = match byte {
                b'/' if self.bytes.get(self.at) == Some(&b'/') => {
                    self.skip(|byte| byte != b'\n' && byte != b'\r');
                    continue;
                }
                b'"' => {
                    self.skip_text();
                    Token::Part
                }
                b'(' | b'[' | b'{' => Token::Open,
                b')' | b']' | b'}' => Token::Close,
                b';' => Token::End,
                b'&' | b'|' | b'+' | b'-' | b'*' | b'.' | b'!' | b'<' | b'>' | b'=' => {
                    self.skip(|next| next == byte && matches!(byte, b'&' | b'|' | b'='));
                    Token::Link
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                    self.at = from;
                    match self.skip(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                        b"if" | b"has" | b"like" | b"in" | b"is" | b"when" | b"unless" => Token::Link,
                        _ => Token::Part,
                    }
                }
                b'0'..=b'9' => {
                    self.skip(|byte| byte.is_ascii_digit());
                    Token::Part
                }
                _ => continue,
            };
            return Some((from..self.at.min(self.bytes.len()), token));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_and_what_is_quoted_or_remarked_is_not() {
        let text = "@id(\"a;((((\") // ((((;\r permit (principal, action, resource);\n";
        let counted = weights(text);
        // id ( text ) permit ( principal action resource ): names, brackets and the text.
        assert_eq!(counted, Ok(vec![10]), "{text}");
        assert_eq!(weights("\"\\\"(((\" ; ; no end"), Ok(vec![1, 0]));
        let long = format!("\"{}\";", "x".repeat(10 * BYTES_OF_PART));
        assert_eq!(weights(&long), Ok(vec![11]), "long texts are heavy");
        // A remark ends where the parser ends it.
        let deep = "(".repeat(DEPTH_MAX + 1);
        for hidden in [format!("// x\r{deep}"), format!("// x\n{deep}"), format!("\"\\\\\"{deep}")] {
            assert!(weights(&hidden).is_err(), "{hidden:?}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_told_with_its_place() {
        let deep = format!("permit (principal, action, resource);\n{}", "(".repeat(DEPTH_MAX + 1));
        let told = weights(&deep).expect_err("it is too deep");
        assert_eq!(told.offset, deep.len() - 1);
        assert!(told.message.contains("32 deep"), "{}", told.message);
        for link in ["&& a ", "|| a ", ".a", "+ 1 ", "if a then a else ", "[0]", "!", "- "] {
            let told = weights(&link.repeat(CHAIN_MAX + 1)).expect_err(link);
            assert!(told.message.contains("more than 250"), "{link}: {}", told.message);
            assert!(weights(&link.repeat(CHAIN_MAX)).is_ok(), "{link}");
            let apart = format!("{};", link.repeat(10)).repeat(CHAIN_MAX);
            assert_eq!(weights(&apart).map(|weights| weights.len()), Ok(CHAIN_MAX), "{link}");
        }
    }
}
