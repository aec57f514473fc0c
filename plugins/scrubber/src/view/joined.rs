//! Views of places where a token is broken: over a line's end, or into string literals.
//!
//! Owns which breaks are worth a look. Formats read over breaks themselves; here is what breaks
//! inside of a prefix, an address, a number. Only what reaches over the break is believed.

use super::View;
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

/// Whether `byte` may be part of a token, an address or a number.
fn is_part(byte: u8) -> bool {
    static PARTS: [bool; 256] = {
        let (mut parts, mut byte) = ([false; 256], 0_u8);
        while byte < 128 {
            parts[byte as usize] =
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'+' | b'/' | b'=' | b':');
            byte += 1;
        }
        parts
    };
    PARTS[usize::from(byte)]
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

/// A break: the byte after what stands before it, and the first byte of what goes on.
struct Gap {
    end: usize,
    start: usize,
    /// Whether a comma parts the literals: then something must say that they are joined.
    is_list: bool,
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

/// The break at `place`: a line's end with quotes, marks and indentation around it, or the join of
/// two literals.
fn gap_at(text: &[u8], place: usize) -> Option<Gap> {
    match text[place] {
        b'\n' => return line_gap(text, place),
        b'<' => {
            let start = behind_tags(text, place)?;
            return Some(Gap { end: place, start, is_list: false });
        }
        b'\\' => {
            let start = behind_written_out(text, place)?;
            return Some(Gap { end: place, start, is_list: false });
        }
        _ => {}
    }
    // `abc""def`, `abc'""'def`: words of a shell that touch.
    let quotes = text[place..].iter().take(5).take_while(|b| matches!(b, b'"' | b'\'')).count();
    if matches!(quotes, 2 | 4) && place > 0 {
        let behind = place + quotes;
        let touches =
            text[place - 1].is_ascii_alphanumeric() && text.get(behind).is_some_and(u8::is_ascii_alphanumeric);
        if touches {
            return Some(Gap { end: place, start: behind, is_list: false });
        }
    }
    let mut i = place + 1;
    let (mut operators, mut commas) = (0, 0);
    while i < text.len() && i - place <= 24 {
        match text[i] {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'+' | b'.' | b'&' | b'~' | b'|' | b'<' | b'>' if operators < 2 => operators += 1,
            b',' | b'(' | b')' if commas < 3 => commas += 1,
            b'"' | b'\'' | b'`' if i > place + 1 => {
                let is_joined = operators > 0 || commas > 0 || text[i] == text[place];
                return is_joined.then_some(Gap { end: place, start: i + 1, is_list: commas > 0 });
            }
            _ => return None,
        }
        i += 1;
    }
    None
}

/// The break at the line's end at `place`, with quotes, marks and indentation around it.
fn line_gap(text: &[u8], place: usize) -> Option<Gap> {
    let is_trailer = |b: &u8| matches!(b, b'\r' | b' ' | b'\t' | b'\\' | b'"' | b'\'' | b'+' | b'=' | b'&');
    let trailing = text[..place].iter().rev().take(8).take_while(|b| is_trailer(b)).count();
    let is_leader = |b: &u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'#' | b'>' | b'*' | b'|' | b'+' | b'/');
    let leading = text[place + 1..].iter().take(40).take_while(|b| is_leader(b)).count();
    let is_row = leading > 1 && text[..place - trailing].last() == Some(&b'|');
    if let Some(end) = if is_row { cell_end(text, place, leading) } else { None } {
        return Some(Gap { end, start: place + 1 + leading, is_list: false });
    }
    // A literal that opens below is no part of the word above, nor the other way round.
    let quotes = |bytes: &[u8]| bytes.iter().filter(|b| matches!(b, b'"' | b'\'')).count();
    let is_even = trailing + leading == 0
        || quotes(&text[place - trailing..place]) == quotes(&text[place + 1..place + 1 + leading]);
    let end = place - trailing;
    let start = place + 1 + leading;
    // `2026-11-22`, `[12:30:01]`, `Nov 22`; a sentence ends with a mark.
    let opens = match text.get(start..start + 4) {
        Some([b'0'..=b'9' | b'[', ..] | [b'A'..=b'Z', _, _, b' ']) => leading == 0,
        _ => false,
    };
    let ends =
        end.checked_sub(1).is_some_and(|last| text[last].is_ascii_alphanumeric() || matches!(text[last], b'-' | b'_'));
    let start = if opens && ends { behind_prefix(text, end, start).unwrap_or(start) } else { start };
    is_even.then_some(Gap { end, start, is_list: false })
}

/// Where what stands in the last cell of the row ends, when the row below goes on with it: its first cells are empty.
fn cell_end(text: &[u8], place: usize, leading: usize) -> Option<usize> {
    let bars = text[place + 1..place + 1 + leading].iter().filter(|b| **b == b'|').count();
    let row = text[..place].trim_ascii_end().strip_suffix(b"|").filter(|_| bars >= 2)?;
    Some(row.trim_ascii_end().len())
}

/// Longest line of a log that may go on a token, in bytes, and how many words may stand in front of it.
const PREFIXED_MAX_BYTES: usize = 192;
const PREFIX_MAX_WORDS: usize = 5;

/// Where the last word of the line at `start` begins, when all before it is what a log writes in front of each line: a
/// time and who writes. The token above ends at `end`.
#[inline(never)]
fn behind_prefix(text: &[u8], end: usize, start: usize) -> Option<usize> {
    let above = text[..end].iter().rev().take(80).take_while(|b| is_part(**b) && **b != b'=').count();
    let (lead, piece) = (&text[..end - above], &text[end - above..end]);
    let is_odd =
        piece.iter().any(u8::is_ascii_digit) || piece.contains(&b'_') && piece.iter().any(u8::is_ascii_uppercase);
    let is_token = above >= 6 && is_odd;
    // A short piece is one when the line above is written the same way.
    let lead = lead.strip_suffix(b" ").filter(|lead| matches!(lead.last(), Some(b':' | b']')));
    if !is_token && lead.is_none() {
        return None;
    }
    let line = &text[start..(start + PREFIXED_MAX_BYTES).min(text.len())];
    let line = &line[..line.iter().position(|&b| b == b'\n').unwrap_or(line.len())];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let blank = line.iter().rposition(|&b| b == b' ')?;
    let (prefix, word) = (&line[..blank], &line[blank + 1..]);
    let is_time = |w: &[u8]| w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit();
    let has_time = prefix.windows(3).take(32).any(is_time);
    let is_words = prefix.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'=' | b'"' | b'\'') || *b == b' ');
    let words = prefix.iter().filter(|b| **b == b' ').count() + 1;
    let is_rest = !word.is_empty() && word.iter().all(|b| is_part(*b) && *b != b':');
    let writer = &prefix[prefix.iter().rposition(|&b| b == b' ').map_or(0, |blank| blank + 1)..];
    let is_same = || lead.is_some_and(|lead| lead.ends_with(writer));
    (has_time && is_words && words <= PREFIX_MAX_WORDS && is_rest && (is_token || is_same()))
        .then_some(start + blank + 1)
}

/// Tags that change how words look and not which they are.
const INLINE_TAGS: [&[u8]; 17] = [
    b"br", b"wbr", b"span", b"b", b"i", b"em", b"strong", b"u", b"font", b"code", b"mark", b"s", b"small", b"tt",
    b"nobr", b"sub", b"sup",
];

/// Where the text goes on behind the tags at `place`, when none of them begins another cell or paragraph.
fn behind_tags(text: &[u8], place: usize) -> Option<usize> {
    const TAGS_MAX: usize = 6;
    const TAG_MAX_BYTES: usize = 48;
    let mut at = place;
    for _ in 0..TAGS_MAX {
        let Some(tag) = text[at..].strip_prefix(b"<") else { break };
        let tag = &tag[..tag.len().min(TAG_MAX_BYTES)];
        let close = tag.iter().position(|&b| b == b'>')?;
        let name = tag[..close].strip_prefix(b"/").unwrap_or(&tag[..close]);
        let len = name.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        if !INLINE_TAGS.iter().any(|inline| name[..len].eq_ignore_ascii_case(inline)) {
            return None;
        }
        at += close + 2;
        at += text[at..].iter().take(2).take_while(|b| matches!(b, b'\r' | b'\n')).count();
    }
    (at > place).then_some(at)
}

/// Where the text goes on behind the ends of lines at `place` that are written out: `\n`, `\r\n`.
fn behind_written_out(text: &[u8], place: usize) -> Option<usize> {
    let mut at = place;
    while at - place < 6 && matches!(text.get(at..at + 2), Some([b'\\', b'n' | b'r' | b't'])) {
        at += 2;
    }
    at += text[at..].iter().take(8).take_while(|b| **b == b' ').count();
    (at > place && place > 0).then_some(at)
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
