//! Views of stretches that are spaced out: `A K I A ...`, `p a s s w o r d = x`, `ghp_ 0a1B 2c3D ...`.
//!
//! Owns which stretches are: groups of one length, with blanks between them, again and again. What is
//! found must lie in such a stretch; groups of four belong to cards and accounts, which are read as they
//! stand. Never looks at what the groups say.

use super::View;
use crate::span::Span;
use sluice_secrets::marks::bits_at;

/// Longest groups looked at.
const GROUP_MAX_BYTES: usize = 5;
/// Fewest groups of a stretch; most of it, in bytes.
const GROUPS_MIN: usize = 6;
const STRETCH_MAX_BYTES: usize = 512;
/// How much of the line on both sides belongs to a view, in bytes.
const AROUND_BYTES: usize = 64;

/// Adds what `find` sees in the spaced stretches of `text`; it is told whether guesses are welcome.
pub(super) fn find(text: &[u8], find: &impl Fn(&[u8], bool) -> Vec<Span>, found: &mut Vec<Span>) {
    let is_blank = |byte: u8| byte == b' ';
    let mut blanks = u128::from(bits_at(text, 0, is_blank));
    let mut done = 0;
    for base in (0..text.len()).step_by(64) {
        blanks |= u128::from(bits_at(text, base + 64, is_blank)) << 64;
        // A stretch has blanks at one distance; that of words is never the same for long.
        let mut starts = (2..=GROUP_MAX_BYTES + 1).fold(0, |starts, step| {
            let two = blanks & blanks >> step;
            starts | two & two >> (2 * step) & blanks >> (4 * step)
        }) & u128::from(u64::MAX);
        // `s k - ant-...`: a few single characters in front of the rest of a token.
        starts |= blanks & blanks >> 2 & blanks >> 4 & u128::from(u64::MAX);
        // Blank after blank is an indentation.
        starts &= !(blanks & blanks >> 1 & blanks >> 2 & blanks >> 3);
        while starts != 0 {
            let at = base + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            if at >= done {
                done = look(text, at, find, found).max(at + 1);
            }
        }
        blanks >>= 64;
    }
}

/// Looks at the stretch whose second group follows the blank at `at`; where it ends.
#[inline(never)]
fn look(text: &[u8], at: usize, find: &impl Fn(&[u8], bool) -> Vec<Span>, found: &mut Vec<Span>) -> usize {
    let is_part = |b: &&u8| b.is_ascii_graphic();
    let len = text[at + 1..].iter().take(GROUP_MAX_BYTES + 1).take_while(is_part).count();
    let first = text[..at].iter().rev().take(len).take_while(is_part).count();
    if len == 0 || len > GROUP_MAX_BYTES {
        return at;
    }
    // A longer word in front is the sentence's.
    let is_first = first == len && !text[..at - len].last().is_some_and(u8::is_ascii_alphanumeric);
    let start = if is_first { at - len } else { at + 1 };
    let mut groups = vec![start];
    let mut end = start + len;
    while end - start < STRETCH_MAX_BYTES {
        let blanks = text[end..].iter().take(4).take_while(|b| **b == b' ').count();
        let next = end + blanks;
        let group = text[next.min(text.len())..].iter().take(len + 1).take_while(is_part).count();
        if !(1..=3).contains(&blanks) || group == 0 {
            break;
        }
        groups.push(next);
        end = next + group.min(len);
        // The last may be shorter, or begin what is not spaced.
        if group != len {
            break;
        }
    }
    // Words of one length are words still.
    let is_of_words = |b: &u8| b.is_ascii_lowercase() || matches!(b, b' ' | b',' | b'.' | b';' | b':' | b'!' | b'?');
    let is_wordy = len > 1 && text[start..end].iter().all(is_of_words);
    // Four by four are cards and accounts too: those are no disguise.
    if is_wordy {
        return end;
    }
    if len == 1 && (3..GROUPS_MIN).contains(&groups.len()) && opens_token(text, start, end) {
        return look_at(text, &groups, len, end, find, found);
    }
    if groups.len() < GROUPS_MIN || len == 4 && groups.len() <= 8 {
        return at + 1;
    }
    look_at(text, &groups, len, end, find, found)
}

/// Whether a long row with a digit goes on behind the single characters that stand from `start` to `end`, the last of which
/// is its first.
fn opens_token(text: &[u8], start: usize, end: usize) -> bool {
    let rest = &text[end - 1..(end + 40).min(text.len())];
    let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
    let is_free = start.checked_sub(1).is_none_or(|before| !text[before].is_ascii_alphanumeric());
    is_free && len >= 12 && rest[..len].iter().any(u8::is_ascii_digit)
}

/// Looks at the stretch of `groups` of `len` characters that ends at `end`; where it ends.
fn look_at(
    text: &[u8],
    groups: &[usize],
    len: usize,
    end: usize,
    find: &impl Fn(&[u8], bool) -> Vec<Span>,
    found: &mut Vec<Span>,
) -> usize {
    let start = groups[0];
    let from = line_start(text, start);
    let mut view = View::with_capacity(AROUND_BYTES * 4);
    (from..start).for_each(|at| view.push(text[at], at));
    let seam = view.bytes.len();
    for &group in groups {
        (group..(group + len).min(end)).for_each(|at| view.push(text[at], at));
    }
    let seam_end = view.bytes.len();
    let to =
        text[end..].iter().take(AROUND_BYTES).position(|&b| b == b'\n').map_or(end + AROUND_BYTES, |len| end + len);
    let to = to.min(text.len());
    (end..to).for_each(|at| view.push(text[at], at));
    view.end = to;
    let is_inside =
        |span: &Span| span.start < seam_end && span.end > seam && span.end.min(seam_end) - span.start.max(seam) > 1;
    let is_behind = |span: &Span| span.start >= seam_end && len == 1;
    // Groups of several may be a digest's, of which only what has a form of its own is believed.
    found.extend(
        find(&view.bytes, len == 1)
            .into_iter()
            .filter(|span| is_inside(span) || is_behind(span))
            .map(|span| view.back(span)),
    );
    end
}

fn line_start(text: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(AROUND_BYTES);
    text[from..at].iter().rposition(|&b| b == b'\n').map_or(from, |newline| from + newline + 1)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::view::testing::cut;

    fn all(text: &str) -> Vec<&str> {
        cut(text, |text, token, found| find(text, &|text, _| token(text), found))
    }

    #[test]
    fn groups_of_one_length_are_read_together() {
        assert_eq!(all("key: t o k _ q 7 Z r 2 L k W."), ["t o k _ q 7 Z r 2 L k W"]);
        assert_eq!(all("to k_ q7 Zr 2L kW"), ["to k_ q7 Zr 2L kW"]);
        assert!(all("it is so on we go at it tok_ q7Zr2LkW").is_empty());
    }
}
