//! Globs over paths and names, matched without regard to ASCII case.
//!
//! `*` and `?` stay within one `/`-separated part, `**` does not, `[a-z]` and `[!a-z]` are classes,
//! `{a,b}` alternatives, `\` takes the next byte as it is. A pattern without `/` is matched against
//! the last part of a path, so `*.pem` finds one in any folder. Case is ignored because file
//! systems that ignore it would otherwise let `.ENV` past a rule against `.env`.
//!
//! Owns matching in time linear in path and pattern, whatever either holds. Never touches a file
//! system.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Longest pattern, and most alternatives its braces may expand to.
const PATTERN_MAX_BYTES: usize = 1_024;
const ALTERNATIVES_MAX: usize = 64;

/// Why a pattern is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadGlob(&'static str);

impl fmt::Display for BadGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadGlob {}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    Class {
        ranges: Vec<(u8, u8)>,
        negated: bool,
    },
    /// `*`
    Star,
    /// `**`
    Any,
    /// Before `Folders`: either nothing for both, or what `Folders` takes.
    MaybeFolders,
    /// The rest of `**/`: anything that ends with `/`.
    Folders,
}

/// One compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: String,
    alternatives: Vec<Vec<Token>>,
    whole_path: bool,
}

impl Glob {
    /// Compiles `pattern`.
    ///
    /// # Errors
    ///
    /// Empty, longer than 1,024 bytes, a bracket or brace without its partner, braces within
    /// braces, or more than 64 alternatives.
    pub fn new(pattern: &str) -> Result<Self, BadGlob> {
        if pattern.is_empty() {
            return Err(BadGlob("a glob must not be empty"));
        }
        if pattern.len() > PATTERN_MAX_BYTES {
            return Err(BadGlob("a glob is at most 1,024 bytes long"));
        }
        let alternatives = expand(pattern.as_bytes())?.iter().map(|plain| tokens(plain)).collect::<Result<_, _>>()?;
        Ok(Self { pattern: pattern.to_owned(), alternatives, whole_path: pattern.contains('/') })
    }

    /// Whether `path` matches.
    pub fn matches(&self, path: &str) -> bool {
        let subject = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        self.alternatives.iter().any(|tokens| run(tokens, subject.as_bytes()))
    }

    /// Whether `name` as a whole matches, also when it holds `/` and the pattern does not.
    pub fn matches_name(&self, name: &str) -> bool {
        self.alternatives.iter().any(|tokens| run(tokens, name.as_bytes()))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pattern = String::deserialize(deserializer)?;
        Self::new(&pattern).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.pattern)
    }
}

/// A list of patterns of which one suffices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Globs(Vec<Glob>);

impl Globs {
    /// Compiles all of `patterns`.
    ///
    /// # Errors
    ///
    /// Those of [`Glob::new`] for the first bad one.
    pub fn new(patterns: &[&str]) -> Result<Self, BadGlob> {
        patterns.iter().map(|pattern| Glob::new(pattern)).collect::<Result<_, _>>().map(Self)
    }

    /// The first pattern that `path` matches.
    pub fn find(&self, path: &str) -> Option<&Glob> {
        self.0.iter().find(|glob| glob.matches(path))
    }

    /// Whether no pattern is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patterns in the order listed.
    pub fn iter(&self) -> impl Iterator<Item = &Glob> {
        self.0.iter()
    }
}

/// Replaces `{a,b}` by its alternatives.
fn expand(pattern: &[u8]) -> Result<Vec<Vec<u8>>, BadGlob> {
    let mut done: Vec<Vec<u8>> = vec![Vec::new()];
    let mut at = 0;
    while at < pattern.len() {
        match pattern[at] {
            b'\\' if at + 1 < pattern.len() => {
                for text in &mut done {
                    text.extend_from_slice(&pattern[at..at + 2]);
                }
                at += 2;
            }
            b'{' => {
                let len = pattern[at..].iter().position(|&b| b == b'}').ok_or(BadGlob("a `{` lacks its `}`"))?;
                let inside = &pattern[at + 1..at + len];
                if inside.contains(&b'{') {
                    return Err(BadGlob("braces do not nest"));
                }
                done = done
                    .iter()
                    .flat_map(|text| inside.split(|&b| b == b',').map(move |word| [text.as_slice(), word].concat()))
                    .take(ALTERNATIVES_MAX + 1)
                    .collect();
                if done.len() > ALTERNATIVES_MAX {
                    return Err(BadGlob("braces give at most 64 alternatives"));
                }
                at += len + 1;
            }
            byte => {
                for text in &mut done {
                    text.push(byte);
                }
                at += 1;
            }
        }
    }
    Ok(done)
}

fn tokens(plain: &[u8]) -> Result<Vec<Token>, BadGlob> {
    let mut tokens = Vec::new();
    let mut rest = plain;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let token = match first {
            b'*' if tail.starts_with(b"*/") => {
                rest = &tail[2..];
                tokens.push(Token::MaybeFolders);
                Token::Folders
            }
            b'*' if tail.starts_with(b"*") => {
                rest = &tail[1..];
                Token::Any
            }
            b'*' => Token::Star,
            b'?' => Token::One,
            b'[' => {
                let (token, after) = class(tail)?;
                rest = after;
                token
            }
            b'\\' => match tail {
                [escaped, after @ ..] => {
                    rest = after;
                    Token::Byte(escaped.to_ascii_lowercase())
                }
                [] => return Err(BadGlob("a glob must not end with `\\`")),
            },
            byte => Token::Byte(byte.to_ascii_lowercase()),
        };
        tokens.push(token);
    }
    Ok(tokens)
}

fn class(tail: &[u8]) -> Result<(Token, &[u8]), BadGlob> {
    let (negated, body) = match tail {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, tail),
    };
    // A `]` right at the start is a member, as in POSIX.
    let len = body.iter().skip(1).position(|&b| b == b']').ok_or(BadGlob("a `[` lacks its `]`"))? + 1;
    let mut ranges = Vec::new();
    let mut members = &body[..len];
    while let [from, rest @ ..] = members {
        if let [b'-', to, after @ ..] = rest {
            ranges.push((from.to_ascii_lowercase(), to.to_ascii_lowercase()));
            members = after;
        } else {
            let from = from.to_ascii_lowercase();
            ranges.push((from, from));
            members = rest;
        }
    }
    Ok((Token::Class { ranges, negated }, &body[len + 1..]))
}

/// Walks all positions of the pattern at once, so that no input makes it backtrack.
fn run(tokens: &[Token], subject: &[u8]) -> bool {
    let Some((tokens, subject)) = without_literal_ends(tokens, subject) else {
        return false;
    };
    let (mut states, mut next) = (vec![false; tokens.len() + 1], vec![false; tokens.len() + 1]);
    states[0] = true;
    close(tokens, &mut states);
    for byte in subject.iter().map(u8::to_ascii_lowercase) {
        next.fill(false);
        for (at, token) in tokens.iter().enumerate().filter(|&(at, _)| states[at]) {
            match token {
                Token::Byte(own) => next[at + 1] |= *own == byte,
                Token::One => next[at + 1] |= byte != b'/',
                Token::Class { ranges, negated } => {
                    let inside = ranges.iter().any(|&(from, to)| (from..=to).contains(&byte));
                    next[at + 1] |= byte != b'/' && inside != *negated;
                }
                Token::Star => next[at] |= byte != b'/',
                Token::Any => next[at] = true,
                Token::MaybeFolders => {}
                Token::Folders => {
                    next[at] = true;
                    next[at + 1] |= byte == b'/';
                }
            }
        }
        close(tokens, &mut next);
        if !next.contains(&true) {
            return false;
        }
        std::mem::swap(&mut states, &mut next);
    }
    states[tokens.len()]
}

/// Compares the literal bytes at both ends, which settles nearly every path, and gives what is left
/// of pattern and subject; none when they differ.
fn without_literal_ends<'t, 's>(tokens: &'t [Token], subject: &'s [u8]) -> Option<(&'t [Token], &'s [u8])> {
    let (mut tokens, mut subject) = (tokens, subject);
    while let [Token::Byte(own), rest @ ..] = tokens {
        let (first, tail) = subject.split_first()?;
        if first.to_ascii_lowercase() != *own {
            return None;
        }
        (tokens, subject) = (rest, tail);
    }
    while let [rest @ .., Token::Byte(own)] = tokens {
        let (last, head) = subject.split_last()?;
        if last.to_ascii_lowercase() != *own {
            return None;
        }
        (tokens, subject) = (rest, head);
    }
    Some((tokens, subject))
}

/// Marks what is reachable without a byte: every wildcard may match nothing.
fn close(tokens: &[Token], states: &mut [bool]) {
    for at in 0..tokens.len() {
        if states[at] {
            match tokens[at] {
                Token::Star | Token::Any => states[at + 1] = true,
                // Behind it stands its `Folders`: enter that, or skip both.
                Token::MaybeFolders => {
                    states[at + 1] = true;
                    states[at + 2] = true;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, Globs};
    use proptest::prelude::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Glob::new(pattern).unwrap().matches(path)
    }

    #[test]
    fn a_bare_name_matches_in_any_folder() {
        assert!(matches("*.pem", "deep/down/server.pem"));
        assert!(matches(".env", ".env") && matches(".env", "app/.ENV"));
        assert!(!matches(".env", "app/.env.example"));
        assert!(matches("id_rsa*", "home/id_rsa.pub"));
    }

    #[test]
    fn stars_respect_folders_and_double_stars_do_not() {
        assert!(matches("src/*.rs", "src/lib.rs") && !matches("src/*.rs", "src/a/lib.rs"));
        assert!(matches("src/**", "src/a/b/c.rs") && !matches("src/**", "lib/src/a"));
        assert!(matches("a/**/b", "a/b") && matches("a/**/b", "a/x/y/b"));
        assert!(!matches("a/**/b", "a/xb") && !matches("a/**/b", "ab"));
        assert!(matches("**/tests/**", "tests/a.rs") && matches("**/tests/**", "x/tests/a.rs"));
        assert!(!matches("**/tests/**", "mytests/a.rs"));
        assert!(matches("**/.git/**", ".git/hooks/post-checkout"));
    }

    #[test]
    fn classes_braces_and_escapes_work() {
        assert!(matches("*.{ts,tsx}", "a/b.tsx") && !matches("*.{ts,tsx}", "a/b.tsxx"));
        assert!(matches("file[0-9].txt", "file7.txt") && !matches("file[!0-9].txt", "file7.txt"));
        assert!(matches("a\\*b", "a*b") && !matches("a\\*b", "axb"));
        assert!(matches("a?c", "abc") && !matches("x/a?c", "x/a/c"));
    }

    #[test]
    fn bad_patterns_are_refused_with_a_reason() {
        for (pattern, reason) in [
            ("", "empty"),
            ("a[b", "`[`"),
            ("a{b", "`{`"),
            ("{a,{b}}", "nest"),
            ("a\\", "`\\`"),
            (&"{a,b}".repeat(7), "64"),
            (&"a".repeat(1_025), "1,024"),
        ] {
            let message = Glob::new(pattern).unwrap_err().to_string();
            assert!(message.contains(reason), "{pattern}: {message}");
        }
        assert!(Glob::new(&"{a,b}".repeat(6)).is_ok());
    }

    #[test]
    fn names_match_as_a_whole() {
        let glob = Glob::new("example.com/*").unwrap();
        assert!(glob.matches_name("example.com/pkg") && !glob.matches_name("x/example.com/pkg"));
        assert!(Glob::new("unit*").unwrap().matches_name("unit::tests"));
        assert_eq!(Globs::new(&["a", "b*"]).unwrap().find("x/bc").unwrap().as_str(), "b*");
    }

    #[test]
    fn a_hostile_path_costs_linear_time() {
        // Backtracking over this takes longer than the age of the universe.
        let pattern = format!("x/{}b", "**/*a*".repeat(30));
        assert!(!matches(&pattern, &format!("x/{}", "a/".repeat(2_000))));
    }

    proptest! {
        #[test]
        fn nothing_panics(pattern in "[a-c*?/\\[\\]!{},\\\\-]{0,24}", path in "[a-c/.]{0,24}") {
            if let Ok(glob) = Glob::new(&pattern) {
                glob.matches(&path);
            }
        }

        #[test]
        fn a_path_matches_itself(path in "[a-z/.]{1,24}") {
            prop_assert!(Glob::new(&path).unwrap().matches_name(&path));
        }
    }
}
