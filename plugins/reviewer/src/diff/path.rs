//! File names in diff headers: quoting, prefixes, time stamps.

/// The name `/dev/null` stands for: no file on this side.
const NULL: &[u8] = b"/dev/null";

/// Prefixes that git puts before names: old and new, and with `diff.mnemonicPrefix` commit, index,
/// object and work tree.
const PREFIXES: &[&[u8]] = &[b"a/", b"b/", b"c/", b"i/", b"o/", b"w/"];

/// The name behind `--- ` or `+++ `: unquoted, without a time stamp; none for `/dev/null`.
pub(super) fn side(text: &[u8]) -> Option<Vec<u8>> {
    let name = match unquote(text) {
        Some((name, _)) => name,
        None => text.split(|&b| b == b'\t').next().unwrap_or_default().to_vec(),
    };
    (name != NULL).then_some(name)
}

/// The name behind `rename from ` and the like.
pub(super) fn plain(text: &[u8]) -> Vec<u8> {
    unquote(text).map_or_else(|| text.to_vec(), |(name, _)| name)
}

/// The two names of `diff --git OLD NEW`. None when both are unquoted and differ in more than
/// their prefix, for then a blank in a name cannot be told from the one between them.
pub(super) fn pair(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    if let Some((old, rest)) = unquote(text) {
        let rest = rest.strip_prefix(b" ")?;
        return Some((old, plain(rest)));
    }
    if text.ends_with(b"\"") {
        let open = text.windows(2).position(|window| window == b" \"")?;
        return Some((text[..open].to_vec(), plain(&text[open + 1..])));
    }
    let blanks = || (0..text.len()).filter(|&at| text[at] == b' ');
    let split = |at: usize| (&text[..at], &text[at + 1..]);
    // Equal names have equal lengths, which leaves one blank to try; prefixes may differ a little.
    let middle = text.len() / 2;
    blanks()
        .filter(|at| at.abs_diff(middle) <= 64)
        .map(split)
        .find(|(old, new)| old == new || (has_folder(old) && without_first(old) == without_first(new)))
        .map(|(old, new)| (old.to_vec(), new.to_vec()))
}

fn has_folder(name: &[u8]) -> bool {
    name.contains(&b'/')
}

/// The name without its first folder, as `git apply -p1` reads it.
pub(super) fn without_first(name: &[u8]) -> &[u8] {
    name.iter().position(|&b| b == b'/').map_or(name, |slash| &name[slash + 1..])
}

/// The name without one of git's own prefixes.
pub(super) fn without_prefix(name: &[u8]) -> &[u8] {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(*prefix)).unwrap_or(name)
}

/// Whether the name starts with one of git's own prefixes.
pub(super) fn has_prefix(name: &[u8]) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A name in git's C-style quotes and what stands behind it; none when it is not quoted.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        match rest {
            [b'"', tail @ ..] => return Some((name, tail)),
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                name.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = tail;
            }
            [b'\\', escape, tail @ ..] => {
                name.push(match escape {
                    b'a' => 0x07,
                    b'b' => 0x08,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 0x0b,
                    b'f' => 0x0c,
                    b'r' => b'\r',
                    other => *other,
                });
                rest = tail;
            }
            [byte, tail @ ..] => {
                name.push(*byte);
                rest = tail;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{pair, side};

    fn names(header: &str) -> Option<(String, String)> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        pair(header.as_bytes()).map(|(old, new)| (text(old), text(new)))
    }

    #[test]
    fn both_names_are_found_where_they_can_be() {
        let both = |old: &str, new: &str| Some((old.to_owned(), new.to_owned()));
        assert_eq!(names("a/src/x.rs b/src/x.rs"), both("a/src/x.rs", "b/src/x.rs"));
        assert_eq!(names("a/two words b/two words"), both("a/two words", "b/two words"));
        assert_eq!(names("x.rs x.rs"), both("x.rs", "x.rs"));
        assert_eq!(names("old/x new1/x"), both("old/x", "new1/x"));
        assert_eq!(names(r#""a/\303\244" "b/\303\244""#), both("a/ä", "b/ä"));
        assert_eq!(names(r#"a/plain "b/q\tt""#), both("a/plain", "b/q\tt"));
        assert_eq!(names("a/one b/other"), None);
    }

    #[test]
    fn sides_lose_quotes_and_time_stamps() {
        let text = |raw: &str| side(raw.as_bytes()).map(|name| String::from_utf8(name).unwrap());
        assert_eq!(text("a/x y\t2026-01-01 00:00:00 +0000").as_deref(), Some("a/x y"));
        assert_eq!(text(r#""b/\"q\"\\z""#).as_deref(), Some(r#"b/"q"\z"#));
        assert_eq!(text("/dev/null"), None);
        assert_eq!(text("/dev/null\t1970-01-01"), None);
        assert_eq!(text("\"open").as_deref(), Some("\"open"));
    }
}
