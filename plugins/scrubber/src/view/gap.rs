//! Where a token may be broken and where it goes on: line ends with what mail, comments, tables and logs put around them,
//! tags, and the joins of literals.
//!
//! Never looks at whether what is parted is worth it; see `joined`.

/// A break: the byte after what stands before it, and the first byte of what goes on.
pub(super) struct Gap {
    pub(super) end: usize,
    pub(super) start: usize,
    /// Whether a comma parts the literals: then something must say that they are joined.
    pub(super) is_list: bool,
}

/// Whether `byte` may be part of a token, an address or a number.
pub(super) fn is_part(byte: u8) -> bool {
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

/// The break at `place`: a line's end with quotes, marks and indentation around it, or the join of
/// two literals.
pub(super) fn gap_at(text: &[u8], place: usize) -> Option<Gap> {
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
    let below = &text[place + 1..place + 1 + leading];
    let has_empty = below.iter().position(|b| *b == b'|') != below.iter().rposition(|b| *b == b'|');
    let row = text[..place].trim_ascii_end().strip_suffix(b"|").filter(|_| has_empty)?;
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
    let words = prefix.split(|b| *b == b' ').count();
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
