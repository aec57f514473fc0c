//! Classes of bytes and the edges of words.
//!
//! Owns the alphabets that formats are written in, and the one question every matcher asks: may a
//! word start here? Never judges what a word means; see `random` and `placeholder`.

/// Whether `byte` belongs to the alphabet that a pattern calls `class`.
///
/// `a` letters and digits, `w` those and `_-`, `t` those and `.~`, `b` base64 (`+/=`, `_-`), `h` hex,
/// `d` digits, `u` upper case and digits, `l` lower case and digits, `U` upper case, `L` lower case.
pub(crate) const fn has(class: u8, byte: u8) -> bool {
    match class {
        b'a' => byte.is_ascii_alphanumeric(),
        b'w' => is_word(byte),
        b't' => is_word(byte) || matches!(byte, b'.' | b'~'),
        b'b' => is_base64(byte),
        b'h' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        b'u' => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        b'l' => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
        b'U' => byte.is_ascii_uppercase(),
        b'L' => byte.is_ascii_lowercase(),
        _ => false,
    }
}

/// Letters, digits, `_`, `-`.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Both base64 alphabets and their padding.
pub(crate) const fn is_base64(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'+' | b'/' | b'=')
}

/// Blanks within a line.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether a word may start at `at`: the byte before is no letter or digit, or ends an escape (`\n`).
pub(crate) fn is_boundary(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let ends_escape = matches!(before, [.., b'\\', b'n' | b't' | b'r']);
    ends_escape || before.last().is_none_or(|&b| !(b.is_ascii_alphanumeric() || b >= 0x80))
}

/// Whether a word may end before `at`.
pub(crate) fn is_end(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|b| !b.is_ascii_alphanumeric())
}

/// Whether `text` continues at `at` with `word`, which is lower case, in any case.
pub(crate) fn continues_with(text: &[u8], at: usize, word: &str) -> bool {
    text.get(at..at + word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word.as_bytes()))
}

/// The position behind blanks, of which at most `max` are stepped over.
pub(crate) fn skip_blanks(text: &[u8], at: usize, max: usize) -> usize {
    at + text[at.min(text.len())..].iter().take(max).take_while(|&&b| is_blank(b)).count()
}

/// The start of the line that `at` stands on, at most `max` bytes back.
pub(crate) fn line_start(text: &[u8], at: usize, max: usize) -> usize {
    let from = at.saturating_sub(max);
    text[from..at].iter().rposition(|&b| b == b'\n').map_or(from, |newline| from + newline + 1)
}

/// The end of the line that `at` stands on, at most `max` bytes on.
pub(crate) fn line_end(text: &[u8], at: usize, max: usize) -> usize {
    let to = (at + max).min(text.len());
    text[at..to].iter().position(|&b| b == b'\n').map_or(to, |newline| at + newline)
}

/// Where a value that is broken at `at` goes on: behind a line break with its indentation, or
/// behind the join of two string literals (`" + "`, `' . '`, `"\n"`). None where nothing is broken.
pub(crate) fn behind_break(text: &[u8], at: usize) -> Option<usize> {
    let quote = text.get(at).copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    let mut i = at + usize::from(quote.is_some());
    let (mut newlines, mut operators) = (0, 0);
    // Sixty blanks are deeper than any indentation seen in practice.
    while i < text.len() && i - at <= 64 {
        match text[i] {
            b' ' | b'\t' | b'\r' => {}
            b'\n' => newlines += 1,
            b'\\' if quote.is_none() && matches!(text.get(i + 1), Some(b'\n' | b'\r')) => {}
            b'\\' if quote.is_some() && operators == 0 => {}
            b'+' | b'.' | b'&' | b'~' | b'<' | b'>' | b'|' if quote.is_some() && operators < 2 => operators += 1,
            b'=' if quote.is_none() && matches!(text.get(i + 1), Some(b'\n' | b'\r')) => {}
            _ => break,
        }
        i += 1;
    }
    if newlines > 2 {
        return None;
    }
    match quote {
        Some(_) => {
            let opens = matches!(text.get(i), Some(b'"' | b'\'' | b'`'));
            (opens && (operators > 0 || i > at + 1)).then_some(i + 1)
        }
        None => (newlines > 0).then_some(i),
    }
}
