//! Views of places where a token is broken: over a line's end, or into string literals.
//!
//! Owns which breaks are worth a look. Formats read over breaks themselves; here is what breaks
//! inside of a prefix, an address, a number. Only what reaches over the break is believed.

use super::View;
use super::gap::{Gap, gap_at, is_part};
use crate::span::Span;
use sluice_secrets::marks::pair_bits_at;

/// How much of the text on both sides belongs to a view, in bytes.
const AROUND_BYTES: usize = 96;
/// Most breaks joined in one view.
const BREAKS_MAX: usize = 12;
/// Longest line of digits that may be one of a column.
const DIGITS_MAX: usize = 14;

/// Whether a break may be at `byte`: behind most quotes a literal begins, or the next pair of an object; an angle
/// bracket opens a tag, a backslash the line's end that is written out.
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from using vectors")]
fn may_break(byte: u8, next: u8) -> bool {
    let is_quote = (byte == b'"') | (byte == b'\'') | (byte == b'`');
    let is_inside = ((next | 32).wrapping_sub(b'a') < 26) | (next.wrapping_sub(b'0') < 11);
    (byte == b'\n') | (is_quote & !is_inside) | (byte == b'<') | (byte == b'\\')
}

/// Adds what `find` sees across breaks of `text`.
pub(super) fn find(text: &[u8], find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) {
    let mut at = 0;
    for base in (0..text.len()).step_by(64) {
        let mut marks = pair_bits_at(text, base, may_break);
        while marks != 0 {
            let place = base + marks.trailing_zeros() as usize;
            marks &= marks - 1;
            if place >= at {
                at = look(text, place, find, found).max(place + 1);
            }
        }
    }
}

/// Looks across the break at `place`, if there is one; where the last break begins that was joined
/// with it, because those between need no view of their own.
#[inline(never)]
fn look(text: &[u8], place: usize, find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) -> usize {
    let Some(gap) = gap_at(text, place).filter(|gap| is_worth(text, gap, 10)) else { return place };
    if let Some(end) = column_end(text, place) {
        return end;
    }
    if gap.is_list && !is_called(text, place) {
        return place;
    }
    let (view, seams, last) = join(text, gap);
    for span in find(&view.bytes) {
        if seams.iter().any(|seam| span.start < *seam && *seam < span.end) {
            found.push(view.back(span));
        }
    }
    last
}

/// The end of the lines of digits around the line's end at `place`, where there are too many for one number.
fn column_end(text: &[u8], place: usize) -> Option<usize> {
    const REACH_BYTES: usize = BREAKS_MAX * (DIGITS_MAX + 1);
    if text[place] != b'\n' {
        return None;
    }
    let digits = |line: &&[u8]| (1..=DIGITS_MAX).contains(&line.len()) && line.iter().all(u8::is_ascii_digit);
    let above = &text[place.saturating_sub(REACH_BYTES)..place];
    let above = above.rsplit(|&b| b == b'\n').take(BREAKS_MAX).take_while(digits).count();
    let below = &text[place + 1..(place + REACH_BYTES).min(text.len())];
    let below = below.split(|&b| b == b'\n').take(BREAKS_MAX).take_while(digits);
    let (lines, len) = below.fold((0, 0), |(lines, len), line| (lines + 1, len + line.len() + 1));
    (above > 0 && above + lines > BREAKS_MAX).then_some(place + len)
}

/// Whether a function that joins literals is named near `place`.
fn is_called(text: &[u8], place: usize) -> bool {
    let near = &text[place.saturating_sub(AROUND_BYTES)..(place + 2 * AROUND_BYTES).min(text.len())];
    near.contains(&b'(') && near.windows(4).any(|word| matches!(word, b"conc" | b"join" | b"Join" | b"fmt." | b"CONC"))
}

/// Whether what the break parts may be one thing. Of a token so many characters must stand around the
/// first break; behind it anything goes that stands alone.
fn is_worth(text: &[u8], gap: &Gap, characters_min: usize) -> bool {
    let touches = |byte: Option<&u8>| byte.is_some_and(|b| is_part(*b));
    if !(touches(text[..gap.end].last()) && touches(text.get(gap.start))) {
        return is_split_number(text, gap);
    }
    let left = text[..gap.end].iter().rev().take(80).take_while(|b| is_part(**b)).count();
    let right = text[gap.start..].iter().take(80).take_while(|b| is_part(**b)).count();
    let (left, right) = (&text[gap.end - left..gap.end], &text[gap.start..gap.start + right]);
    if is_split_number(text, gap) {
        return true;
    }
    let digits = |bytes: &[u8]| bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let told = digits(left) + digits(right);
    let has_sign = opens_address(left, right) || right.contains(&b'@');
    // Most lines end with a word and begin with another.
    let is_of_token = |b: &u8| b.is_ascii_uppercase() || *b == b'_';
    let may_be = || left.last().is_some_and(is_of_token) || right.first().is_some_and(is_of_token);
    if told == 0 && !has_sign && characters_min > 0 && !gap.is_list && !may_be() {
        return false;
    }
    let between = &text[gap.end..gap.start];
    let is_literal = between.iter().any(|b| matches!(b, b'"' | b'\'' | b'`'));
    let is_tagged = matches!(between[0], b'<' | b'\\');
    // Keys of capitals and digits may begin with many capitals.
    let is_capitals = || left.iter().chain(right).all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let is_marked = || is_tagged || between.iter().any(|b| matches!(b, b'>' | b'#' | b'*' | b'|' | b'/' | b'+'));
    let digits_min = if told >= 2 || gap.is_list {
        0
    } else if is_capitals() {
        usize::from(!(is_literal || is_tagged))
    } else if is_marked() {
        // A name and capitals are as odd as a digit: `sk_live_kD`.
        usize::from(!(left.contains(&b'_') && right.iter().any(u8::is_ascii_uppercase)))
    } else {
        2
    };
    if !has_sign && told < digits_min.min(1) && characters_min > 0 {
        return false;
    }
    let characters_min = if between.contains(&b'|') { characters_min.min(7) } else { characters_min };
    let after = &text[gap.start + right.len()..];
    let ends = |b: &u8| matches!(b, b'\n' | b'\r' | b'"' | b'\'' | b'`' | b',' | b';' | b')' | b'\\' | b'<');
    // A cell ends with a bar, a line that goes on with a backslash; what follows a tag or a mark may be followed by words.
    let is_alone = || {
        after.first().is_none_or(ends)
            || after.starts_with(b" |")
            || after.starts_with(b" \\")
            || is_tagged && characters_min == 0
            || characters_min == 0 && right.len() >= 12 && is_mixed(right)
            || right.len() >= 6 && is_marked() && digits(right) > 0
    };
    let is_token = (characters_min == 0 || left.len() >= 2)
        && left.len() + right.len() >= characters_min
        && (characters_min == 0 || told >= digits_min)
        && !right.contains(&b':')
        && (is_literal || is_alone());
    let is_plain = |bytes: &[u8]| bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'/' | b'+'));
    let is_number = right.len() <= 14
        && digits(left) >= 2
        && digits(left) + digits(right) >= 8
        && (right[0].is_ascii_digit() || right[0] == b'-')
        && left.last().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && is_plain(right)
        && left.rsplit(|b| matches!(b, b'=' | b':')).next().is_some_and(is_plain);
    has_sign || is_token || is_number
}

/// Whether a generator made `token`: letters of both cases and digits.
fn is_mixed(token: &[u8]) -> bool {
    token.iter().any(u8::is_ascii_digit)
        && token.iter().any(u8::is_ascii_uppercase)
        && token.iter().any(u8::is_ascii_lowercase)
}

/// Whether a number in groups is parted by a mark of quotation or between two literals.
fn is_split_number(text: &[u8], gap: &Gap) -> bool {
    let is_parted = text[gap.end..gap.start].iter().any(|b| matches!(b, b'"' | b'\'' | b'>'));
    if !is_parted || gap.is_list {
        return false;
    }
    let is_part =
        |b: &&u8| b.is_ascii_digit() || b.is_ascii_uppercase() || matches!(b, b' ' | b'-' | b'.' | b'+' | b'/');
    let left = text[..gap.end].iter().rev().take(28).take_while(is_part).count();
    let right = text[gap.start..].iter().take(28).take_while(is_part).count();
    let digits = |bytes: &[u8]| bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let (left, right) = (&text[gap.end - left..gap.end], &text[gap.start..gap.start + right]);
    digits(left) >= 3 && digits(left) + digits(right) >= 9
}

/// Whether an address begins on the left and may go on on the right: behind a whole one a digit does not.
fn opens_address(left: &[u8], right: &[u8]) -> bool {
    left.iter().rposition(|&b| b == b'@').is_some_and(|at| {
        let is_whole = left[at..].contains(&b'.') && left.last().is_some_and(u8::is_ascii_alphabetic);
        !(is_whole && right[0].is_ascii_digit())
    })
}

/// The text around a break without it, and without the breaks that follow close by. The seams are
/// positions in the view; the last number is where the last break begins in the text.
fn join(text: &[u8], first: Gap) -> (View, Vec<usize>, usize) {
    let from = first.end.saturating_sub(AROUND_BYTES);
    let mut view = View::with_capacity(4 * AROUND_BYTES);
    let mut seams = Vec::new();
    // The bracket of a list is none of the value's.
    let is_bracket = |at: usize| {
        first.is_list && matches!(text[at], b'[' | b'(') && matches!(text.get(at + 1), Some(b'"' | b'\'' | b'`'))
    };
    (from..first.end).filter(|at| !is_bracket(*at)).for_each(|at| view.push(text[at], at));
    let mut gap = first;
    let mut last_break = gap.end;
    loop {
        seams.push(view.bytes.len());
        let limit = (gap.start + AROUND_BYTES).min(text.len());
        let mut at = gap.start;
        let mut next = None;
        while at < limit {
            if matches!(text[at], b'\n' | b'"' | b'\'' | b'`' | b'<' | b'\\')
                && let Some(further) = gap_at(text, at)
            {
                next = Some(further).filter(|further| {
                    further.end >= gap.start && seams.len() < BREAKS_MAX && is_worth(text, further, 0)
                });
                break;
            }
            view.push(text[at], at);
            at += 1;
        }
        view.end = at;
        let Some(further) = next else { break };
        while view.starts.last().is_some_and(|start| *start >= further.end) {
            view.bytes.pop();
            view.starts.pop();
        }
        gap = further;
        last_break = gap.end;
    }
    // A seam at the very end joins nothing.
    let last = view.bytes.len().saturating_sub(1);
    for seam in &mut seams {
        *seam = (*seam).min(last);
    }
    (view, seams, last_break)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::view::testing::cut;

    fn all(text: &str) -> Vec<&str> {
        cut(text, |text, token, found| find(text, token, found))
    }

    #[test]
    fn what_is_broken_is_seen_as_one() {
        for text in ["x tok_q\n  7Zr2LkW", "x tok_q7\n# Zr2L\n# kW", "x tok_q7Zr2L\" + \"kW", "to' . 'k_q7Zr2LkW"] {
            let all = all(text);
            assert!(all.len() == 1 && all[0].ends_with('W') && all[0].starts_with('t'), "{text}: {all:?}");
        }
        assert!(all("tok_q7Zr2LkW\nnext").is_empty());
    }
}
