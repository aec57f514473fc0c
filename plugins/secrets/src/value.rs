//! Where the value of a name lies and how it was given.
//!
//! Owns the many ways of writing it: `name = "value"`, `name: value`, `("name", 'value')`,
//! `<name>value</name>`, `name="x" value="y"`, `--name value`, `| name | value |`, and over several
//! lines or literals. Never judges the value; see `judge`.

use crate::alphabet::{behind_break, continues_with, is_blank, line_start, skip_blanks};
use crate::placeholder::is_placeholder;
use crate::random::{is_grouped, is_identifier, is_random};
use crate::words;

/// Longest value looked at; secrets beyond this have formats of their own.
const VALUE_MAX_BYTES: usize = 1_024;
/// Longest value that an operator gives: keys in base64.
const ASSIGNED_MAX_BYTES: usize = 8_192;
/// Longest value that a sentence tells.
const SAID_MAX_BYTES: usize = 100;
/// From this length on a value's inside is not looked at for further names.
pub(crate) const LONG_BYTES: usize = 129;
/// Most blanks accepted between name, operator and value.
const BLANKS_MAX: usize = 48;

/// How a value was given to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// By an operator.
    Assigned,
    /// As an argument.
    Passed,
    /// Between tags, or in the next cell.
    Enclosed,
    /// Behind a flag.
    Flagged,
    /// In a sentence: `is`, `was`, `:`.
    Said,
    /// It merely stands beside the name.
    Beside,
}

/// A value in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) is_quoted: bool,
    pub(crate) how: How,
    /// Whether code follows that makes it an expression: a call, an index.
    pub(crate) is_expression: bool,
    /// Whether it is made of several literals.
    pub(crate) is_joined: bool,
}

/// What is known of the name before the value is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub(crate) name_start: usize,
    pub(crate) name_end: usize,
    /// Whether the name begins with dashes or a slash, as flags do.
    pub(crate) is_flag: bool,
    /// Whether the name is a parameter of a URL.
    pub(crate) is_query: bool,
}

/// The value of the name that ends at `before.name_end`, when an operator or the like gives it one.
/// What a sentence says is found by `prose`.
pub(crate) fn after(text: &[u8], before: Before) -> Option<Value> {
    let plural = if text[before.name_end..].starts_with(b"(s)") { 3 } else { 0 };
    let (closed, closers) = skip_closers(text, before.name_end + plural);
    let at = skip_blanks(text, closed, BLANKS_MAX);
    let byte = *text.get(at)?;
    match byte {
        // `{ password } = body`: a pattern that takes apart.
        b'=' if text[before.name_end..closed].contains(&b'}') => None,
        b'=' | b':' => assigned(text, at, before),
        b'!' | b'+' | b'?' | b'-' if matches!(text.get(at + 1), Some(b'=' | b'>')) => assigned(text, at + 1, before),
        b'>' if closers > 0 || text[..before.name_start].ends_with(b"<") => {
            enclosed(text, inner_element(text, at + 1), b'<')
        }
        b'<' => next_element(text, at),
        b'.' if closers > 0 => method(text, at),
        b'\n' | b'\r' if is_name_of_pair(text, before.name_start) => paired(text, closed),
        b'\n' | b'\r' if closers > 0 && text[..before.name_start].ends_with(b"name=\"") => part_of_form(text, at),
        b'\n' | b'\r' if closers == 0 => below_label(text, at, before),
        b'|' if text[at..].starts_with(b"||=") => assigned(text, at + 2, before),
        b'|' => enclosed(text, skip_blanks(text, at + 1, BLANKS_MAX), b'|').filter(|_| closers == 0 || byte == b'|'),
        b',' if closers > 0 => paired(text, closed)
            .or_else(|| read(text, skip_blanks(text, at + 1, BLANKS_MAX), How::Passed).filter(|v| v.is_quoted)),
        b'(' => read(text, skip_blanks(text, at + 1, BLANKS_MAX), How::Passed).filter(|v| v.is_quoted),
        _ if closers > 0 && (at > closed || byte == b'\n') => paired(text, closed),
        _ if (before.is_flag || is_declared(text, before.name_start)) && at > closed => {
            let mut value = read(text, at, How::Flagged)?;
            value.end = groups_end(text, value.start, value.end).filter(|_| !value.is_quoted).unwrap_or(value.end);
            Some(value)
        }
        _ => None,
    }
}

/// `<key>name</key> <string>value</string>`: the content of the element behind the closing tag at `at`.
fn next_element(text: &[u8], at: usize) -> Option<Value> {
    let close = at + text[at..].iter().take(32).position(|&b| b == b'>')?;
    let blanks = text[close + 1..].iter().take(48).take_while(|b| b.is_ascii_whitespace()).count();
    let open = close + 1 + blanks;
    let is_element =
        text.get(at + 1) == Some(&b'/') && text.get(open) == Some(&b'<') && text.get(open + 1) != Some(&b'/');
    let content = open + text.get(open..)?.iter().take(32).position(|&b| b == b'>')? + 1;
    if is_element { enclosed(text, content, b'<') } else { None }
}

/// Where the content of the element `<value>` begins, when one follows at `at`; else `at`.
fn inner_element(text: &[u8], at: usize) -> usize {
    let open = at + text[at..].iter().take(48).take_while(|b| b.is_ascii_whitespace()).count();
    ["<value>", "<string>"].iter().find(|tag| continues_with(text, open, tag)).map_or(at, |tag| open + tag.len())
}

/// `find("password").send_keys("value")`: the argument of the method at `at`.
fn method(text: &[u8], at: usize) -> Option<Value> {
    let name = text[at + 1..].iter().take(24).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let open = at + 1 + name;
    (name > 0 && text.get(open) == Some(&b'('))
        .then(|| read(text, open + 1, How::Passed))
        .flatten()
        .filter(|v| v.is_quoted)
}

/// `auth=('user', 'password')`, `login("user", "password")`: the second of two literals behind a name
/// that ends at `end`.
pub(crate) fn second_argument(text: &[u8], end: usize) -> Option<(usize, usize)> {
    let at = skip_blanks(text, end, 4);
    let open = if matches!(text.get(at), Some(b'=' | b':')) { skip_blanks(text, at + 1, 4) } else { at };
    let is_open = |b: &u8| matches!(b, b'(' | b'[');
    let first = skip_blanks(text, open + 1, 8);
    if !text.get(open).is_some_and(is_open) || !matches!(text.get(first), Some(b'"' | b'\'')) {
        return None;
    }
    let user = read(text, first, How::Passed).filter(|value| value.is_quoted)?;
    let comma = skip_blanks(text, user.end + 1, 4);
    let second = skip_blanks(text, comma + 1, 8);
    if text.get(comma) != Some(&b',') || !matches!(text.get(second), Some(b'"' | b'\'')) {
        return None;
    }
    let value = read(text, second, How::Passed).filter(|value| value.is_quoted)?;
    let bytes = &text[value.start..value.end];
    let user = &text[user.start..user.end];
    let is_name = !user.is_empty()
        && user.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@' | b'\\'));
    let is_value = bytes.len() >= 5 && !bytes.iter().any(u8::is_ascii_whitespace) && !is_placeholder(bytes);
    let mixes =
        bytes.iter().any(u8::is_ascii_alphabetic) && bytes.iter().any(|b| !b.is_ascii_alphabetic()) || is_random(bytes);
    (is_name && is_value && mixes && !words::is_technical(bytes) && !is_identifier_with_words(bytes))
        .then_some((value.start, value.end))
}

fn is_identifier_with_words(bytes: &[u8]) -> bool {
    is_identifier(bytes) && bytes.iter().filter(|b| b.is_ascii_digit()).count() < 2
}

/// Whether the line in front of a name says that it is one: `- name: PASSWORD`.
fn is_name_of_pair(text: &[u8], start: usize) -> bool {
    let lead = text[line_start(text, start, 48)..start].trim_ascii();
    [&b"name:"[..], b"- name:", b"key:", b"- key:"].iter().any(|name| lead.ends_with(name))
}

/// Whether a word in front of a name says that a value follows behind a blank: `ENV NAME value`.
fn is_declared(text: &[u8], start: usize) -> bool {
    let lead = text[line_start(text, start, 48)..start].trim_ascii();
    [&b"ENV"[..], b"ARG", b"setenv", b"set -x", b"set -gx", b"set -Ux", b"enable"].contains(&lead)
}

/// Steps over quotes, brackets and emphasis that close behind a name: its end and how many.
fn skip_closers(text: &[u8], at: usize) -> (usize, usize) {
    let is_closer = |b: &&u8| matches!(b, b'"' | b'\'' | b'`' | b']' | b'\\' | b'*' | b')' | b'}');
    let count = text[at..].iter().take(5).take_while(is_closer).count();
    (at + count, count)
}

/// The value behind the operator that stands at `at`.
fn assigned(text: &[u8], at: usize, before: Before) -> Option<Value> {
    let mut i = at + 1;
    // `Token::new` is a path, `::set-env name=TOKEN::` a command of a build.
    if text[at] == b':' && text.get(i) == Some(&b':') {
        let line = &text[line_start(text, before.name_start, 64)..before.name_start];
        return if line.starts_with(b"::") { read(text, i + 1, How::Assigned) } else { None };
    }
    while i - at < 3 && text.get(i).is_some_and(|b| matches!(b, b'=' | b'>' | b'~')) {
        i += 1;
    }
    // `"assword:"` is a whole literal: what is expected, not what is given.
    let opener = before.name_start.checked_sub(1).map(|i| text[i]);
    if at == before.name_end
        && text[at] == b':'
        && matches!(text.get(i), Some(b'"' | b'\''))
        && opener == text.get(i).copied()
    {
        return None;
    }
    // `**Password:** value`.
    i += if text[i..].starts_with(b"** ") { 2 } else { 0 };
    i = skip_blanks(text, i, BLANKS_MAX);
    if text[i.min(text.len())..].starts_with(b"<%=") {
        i = skip_blanks(text, i + 3, BLANKS_MAX);
    }
    if let Some(typed) = behind_type(text, at, i) {
        return read(text, typed, How::Assigned).filter(|value| value.is_quoted);
    }
    match text.get(i)? {
        b'\r' | b'\n' => below(text, i, before),
        b'|' | b'>' => {
            below(text, i + 1 + text[i + 1..].iter().take_while(|b| matches!(b, b'-' | b'+')).count(), before)
        }
        _ => {
            // A list of pairs is not read to its end for each of them.
            let rest = &text[i..];
            let near = rest.iter().take(LONG_BYTES).take_while(|&&b| is_bare(b)).count();
            let near = if near == LONG_BYTES { next_pair(rest, near, before) } else { None };
            let mut value = read_up_to(text, i, How::Assigned, near.unwrap_or(ASSIGNED_MAX_BYTES))?;
            if !value.is_quoted {
                let (rest, len) = (&text[value.start..], value.end - value.start);
                let pair = near.or_else(|| next_pair(rest, len, before));
                value.end = value.start + pair.unwrap_or(len);
                value.end = groups_end(text, value.start, value.end).unwrap_or(value.end);
            }
            Some(value)
        }
    }
}

/// The value alone on the line below its name: YAML's block, a form, a chat message.
fn below(text: &[u8], at: usize, before: Before) -> Option<Value> {
    let newline = at + text[at..].iter().take(4).position(|&b| b == b'\n')?;
    let indent = skip_blanks(text, newline + 1, BLANKS_MAX);
    let value = read(text, indent, How::Assigned)?;
    let rest = skip_blanks(text, value.end + usize::from(value.is_quoted), BLANKS_MAX);
    let ends = text.get(rest).is_none_or(|b| matches!(b, b'\n' | b'\r' | b'"' | b'\'' | b','));
    let is_pair = text[value.start..value.end].iter().any(|b| matches!(b, b':' | b'=')) && !value.is_quoted;
    let is_item = text.get(indent) == Some(&b'-');
    (ends && !is_pair && !is_item && indent > before.name_end).then_some(value)
}

/// `Content-Disposition: form-data; name="password"`, an empty line, and the value.
fn part_of_form(text: &[u8], at: usize) -> Option<Value> {
    let breaks = text[at..].iter().take(5).take_while(|b| matches!(b, b'\r' | b'\n')).count();
    let newlines = text[at..at + breaks].iter().filter(|b| **b == b'\n').count();
    if newlines == 2 { read(text, at + breaks, How::Assigned) } else { None }
}

/// `Password` alone on a line, and below it, alone too, a value with digits in it.
fn below_label(text: &[u8], at: usize, before: Before) -> Option<Value> {
    let is_label = is_first_of_line(text, before.name_start) && text[before.name_start].is_ascii_alphabetic();
    let value = below(text, at, before).filter(|_| is_label)?;
    let bytes = &text[value.start..value.end];
    let has_mark = bytes.iter().any(u8::is_ascii_digit) && bytes.iter().any(u8::is_ascii_alphabetic);
    (has_mark && bytes.len() >= 6).then_some(value)
}

/// Where the value of a typed declaration begins: `token: &str = "..."`.
fn behind_type(text: &[u8], operator: usize, at: usize) -> Option<usize> {
    if text[operator] != b':' {
        return None;
    }
    let is_type = |b: &&u8| b.is_ascii_alphanumeric() || b"_<>[]?&'. |*".contains(b);
    let len = text.get(at..)?.iter().take(48).take_while(is_type).count();
    let equals = at + len;
    let opens = text.get(at).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'&');
    (len > 0
        && opens
        && text.get(equals) == Some(&b'=')
        && !matches!(text.get(equals + 1), Some(b'=' | b'>'))
        && text[equals - 1] == b' ')
        .then(|| skip_blanks(text, equals + 1, BLANKS_MAX))
}

/// The value in a pair of attributes, of which the first holds the name: `key="Password"
/// value="..."`, `- name: PASSWORD` with `value: ...` below.
pub(crate) fn paired(text: &[u8], at: usize) -> Option<Value> {
    const LABELS: [&str; 7] = ["value", "defaultvalue", "default_value", "default", "content", "secret", "plaintext"];
    let is_between = |b: &&u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'"' | b'\'' | b'{' | b'(');
    let between = text.get(at..)?.iter().take(64).take_while(is_between).count();
    let i = at + between;
    let label = LABELS.iter().find(|label| continues_with(text, i, label))?;
    let (closed, _) = skip_closers(text, i + label.len());
    let operator = skip_blanks(text, closed, BLANKS_MAX);
    if between == 0 || !matches!(text.get(operator), Some(b'=' | b':')) {
        return None;
    }
    read(text, skip_blanks(text, operator + 1, BLANKS_MAX), How::Assigned)
}

/// The value up to `close`.
fn enclosed(text: &[u8], at: usize, close: u8) -> Option<Value> {
    let at = if continues_with(text, at, "<![cdata[") { at + 9 } else { at };
    let rest = text.get(at..)?;
    let len =
        rest.iter().take(VALUE_MAX_BYTES).position(|&b| b == close || b == b'\n' || (close == b'<' && b == b']'))?;
    // An element is closed by a tag; `Vec<Token>()` is none.
    if close == b'<' && !matches!(rest.get(len..len + 2), Some([b'<', b'/' | b'b' | b'!'] | [b']', _])) {
        return None;
    }
    let cell = &rest[..len];
    let (lead, tail) = (cell.len() - cell.trim_ascii_start().len(), cell.trim_ascii_end().len());
    let (lead, tail) = strip_code(cell, lead, tail);
    (lead < tail).then_some(Value {
        start: at + lead,
        end: at + tail,
        is_quoted: true,
        how: How::Enclosed,
        is_expression: false,
        is_joined: false,
    })
}

/// Leaves out backticks around a cell.
fn strip_code(cell: &[u8], lead: usize, tail: usize) -> (usize, usize) {
    match cell.get(lead..tail) {
        Some([b'`', .., b'`']) if tail - lead > 2 => (lead + 1, tail - 1),
        _ => (lead, tail),
    }
}

/// The value that begins at `at`: a literal, or what stands there up to a blank.
pub(crate) fn read(text: &[u8], at: usize, how: How) -> Option<Value> {
    let max = match how {
        How::Assigned => ASSIGNED_MAX_BYTES,
        How::Said | How::Beside => SAID_MAX_BYTES,
        // A bare argument is an expression.
        How::Passed => 0,
        How::Enclosed | How::Flagged => VALUE_MAX_BYTES,
    };
    read_up_to(text, at, how, max)
}

/// The value that begins at `at`, which has at most `max` bytes when it is no literal.
fn read_up_to(text: &[u8], at: usize, how: How, max: usize) -> Option<Value> {
    let prefix = text
        .get(at..)?
        .iter()
        .take(3)
        .take_while(|b| matches!(b, b'b' | b'r' | b'f' | b'u' | b'@' | b'#' | b'\\' | b'B' | b'R' | b'L' | b'N' | b'$'))
        .count();
    // A letter belongs to the literal only when the quote follows at once.
    if let Some(&quote) = text.get(at + prefix).filter(|b| matches!(b, b'"' | b'\'' | b'`')) {
        let value = quoted(text, at + prefix, quote, how);
        if value.is_some() {
            return value;
        }
    }
    if let Some(open) = [&b"q("[..], b"qq(", b"q{", b"qq{"].iter().find(|open| text[at..].starts_with(open)) {
        return perl_quoted(text, at + open.len(), how);
    }
    bare(text, at, how, max)
}

/// The end of the groups of one length, with single blanks between them, of which the first stands from `start` to
/// `end`: `abcd efgh ijkl mnop`, as keys are shown to be typed.
fn groups_end(text: &[u8], start: usize, end: usize) -> Option<usize> {
    const GROUPS_MAX: usize = 16;
    let len = end - start;
    if !(4..=6).contains(&len) || !text[start..end].iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let mut stop = end;
    for _ in 1..GROUPS_MAX {
        let group = text.get(stop + 1..stop + 1 + len).filter(|group| group.iter().all(u8::is_ascii_alphanumeric));
        let is_next = text.get(stop) == Some(&b' ') && group.is_some();
        if !is_next || text.get(stop + 1 + len).is_some_and(u8::is_ascii_alphanumeric) {
            break;
        }
        stop += len + 1;
    }
    (stop > end && is_grouped(&text[start..stop])).then_some(stop)
}

/// `q(value)`, `qq{value}`.
fn perl_quoted(text: &[u8], start: usize, how: How) -> Option<Value> {
    let close = if text[start - 1] == b'(' { b')' } else { b'}' };
    let len = text[start..].iter().take(VALUE_MAX_BYTES).position(|&b| b == close || b == b'\n')?;
    (len > 0 && text[start + len] == close).then_some(Value {
        start,
        end: start + len,
        is_quoted: true,
        how,
        is_expression: false,
        is_joined: false,
    })
}

fn quoted(text: &[u8], quote_at: usize, quote: u8, how: How) -> Option<Value> {
    let is_escaped = quote_at > 0 && text[quote_at - 1] == b'\\';
    // Three quotes open a long string; its value starts behind the third.
    let tripled = text[quote_at..].starts_with(&[quote; 3]);
    let start = quote_at + if tripled { 3 } else { 1 };
    let mut close = closing_quote(text, start, quote, is_escaped)?;
    // Further literals that are joined to this one belong to the value.
    let mut is_joined = false;
    for _ in 0..8 {
        let Some(next) = behind_break(text, close).filter(|_| !tripled && !is_escaped) else { break };
        let Some(further) = closing_quote(text, next, text[next - 1], false) else { break };
        close = further;
        is_joined = true;
    }
    let end = if is_escaped { close - 1 } else { close };
    (start < end).then_some(Value { start, end, is_quoted: true, how, is_expression: false, is_joined })
}

/// The position of the quote that closes a literal whose content begins at `start`.
fn closing_quote(text: &[u8], start: usize, quote: u8, is_escaped: bool) -> Option<usize> {
    let mut skips = false;
    for (i, &b) in text[start..].iter().enumerate().take(ASSIGNED_MAX_BYTES) {
        match b {
            _ if skips && !(is_escaped && b == quote) => skips = false,
            b'\\' => skips = true,
            b'\n' => return None,
            _ if b == quote => return Some(start + i),
            _ => {}
        }
    }
    None
}

fn bare(text: &[u8], at: usize, how: How, max: usize) -> Option<Value> {
    let rest = text.get(at..)?;
    let len = rest.iter().take(max).take_while(|&&b| is_bare(b)).count();
    let mut end = len;
    // A sentence's or a list's punctuation is not part of the value before it.
    while end > 0 && matches!(rest[end - 1], b',' | b';' | b'.' | b')' | b']' | b'}' | b'>' | b':' | b'\\') {
        end -= 1;
    }
    // A character of which a part was cut off goes as a whole.
    while end > 0 && rest.get(end).is_some_and(|b| b & 0xc0 == 0x80) {
        end += 1;
    }
    let value = &rest[..end];
    let opens = value.iter().position(|b| matches!(b, b'(' | b'[' | b'{'));
    let is_path = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b':' | b'-' | b'>');
    // Behind a path's separator digits belong to the names of types: `Guid::from_u128(`.
    let has_path = value.windows(2).any(|pair| pair == b"::");
    let is_call = opens
        .is_some_and(|open| open > 0 && value[..open].iter().all(|b| is_path(b) || has_path && b.is_ascii_digit()));
    let goes_on = matches!(rest.get(len), Some(b'"' | b'\''))
        && rest[..len].last().is_some_and(|b| matches!(b, b'(' | b'[' | b'{'));
    let is_expression = is_call || goes_on || (value.is_empty() && len > 0) || is_code_path(value);
    (end > 0).then_some(Value { start: at, end: at + end, is_quoted: false, how, is_expression, is_joined: false })
}

/// `::core::Kind`, `module::NAME`: a path of a program.
fn is_code_path(value: &[u8]) -> bool {
    value.windows(2).any(|pair| pair == b"::")
        && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'<' | b'>'))
}

/// Where in the first `len` bytes of `rest` a bare value ends because the next pair of a list begins:
/// `password=a;user=b`, `token=a&b=c`, `{password: a, user: b}`.
fn next_pair(rest: &[u8], len: usize, before: Before) -> Option<usize> {
    let bytes = &rest[..len];
    let is_query = before.is_query;
    (1..len).find(|&i| {
        let begins_pair = || {
            let rest = &bytes[i + 1..];
            let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')).count();
            name > 0 && matches!(rest.get(name), Some(b'=' | b':'))
        };
        match bytes[i] {
            b'&' | b'#' if is_query => true,
            byte @ (b'&' | b';' | b',' | b'|') => begins_pair() || (byte == b';' && rest.get(len) == Some(&b' ')),
            b'<' => true,
            b'}' => bytes[i..].iter().all(|b| matches!(b, b'}' | b']' | b')' | b',' | b';')),
            _ => false,
        }
    })
}

fn is_bare(byte: u8) -> bool {
    !(byte.is_ascii_whitespace() || byte.is_ascii_control() || matches!(byte, b'"' | b'\'' | b'`'))
}

/// Whether the name that starts at `start` is the first of its line, but for `export`, a list's
/// dash, `set`, a comment's mark or a declaration's first word.
pub(crate) fn is_first_of_line(text: &[u8], start: usize) -> bool {
    let from = line_start(text, start, 48);
    let lead = text[from..start].trim_ascii();
    let is_mark = lead.iter().all(|&b| {
        matches!(b, b'-' | b'#' | b'/' | b'*' | b'>' | b'"' | b'\'' | b'{' | b'<' | b'$' | b';') || is_blank(b)
    });
    let starts_line = from == 0 || text[from - 1] == b'\n';
    starts_line
        && (is_mark
            || [&b"export"[..], b"set", b"ENV", b"ARG", b"env", b"- name:", b"declare", b"setenv"].contains(&lead))
}
