//! Passwords that a sentence tells: `the password for the admin is hunter2`, `log in as bob / Pa55w`.
//!
//! Owns how far a value may stand from the word that announces it and which words may stand between.
//! What is all small letters is believed only where it ends the clause.

use crate::alphabet::{continues_with, is_blank, line_start, skip_blanks};
use crate::judge::{self, is_public};
use crate::kind::Kind;
use crate::names::{Class, Name};
use crate::openings::Shapes;
use crate::placeholder::is_placeholder;
use crate::random::{Makeup, bits_per_byte, is_grouped, is_identifier, is_random};
use crate::scan::{Found, Options};
use crate::value::{How, Value, read};
use crate::words;

/// Most words and bytes between a name and what it is said to be.
const WORDS_MAX: usize = 9;
const REACH_MAX_BYTES: usize = 96;
/// Longest word compared with a list.
const SPOKEN_MAX_BYTES: usize = 40;

/// What a value follows, in a few languages. Small letters.
#[rustfmt::skip]
const COPULAS: &[&str] = &[
    "type", "enter", "use", "try", "put", "still", "是", "は", "는", "은", "это", "为", "為", "that\'s", "remained", "is",
    "was", "are", "be", "been", "being", "equals", "=", "==", "->", "=>", "-->", ":", "–", "—", "-", "→", "⇒", "➜", "➡", "è", "ist", "war",
    "lautet", "est", "es", "é", "era", "är", "er", "jest", "to", "as", "of", "with", "send", "becomes", "reads",
    "says", "in", "into", "using", "it's", "is:", "remains", "its", "from", "von", "je", "será", "sera", "wäre", "sind", "sont",
];

/// Copulas that count only behind a verb of change: `set the password to`.
const WEAK_COPULAS: &[&str] =
    &["to", "as", "of", "with", "in", "into", "using", "-", "–", "—", "er", "es", "era", "be", "been", "from", "von"];

/// Words that may stand between a copula and the value.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "now", "still", "currently", "just", "simply", "probably", "called", "set", "to", "be", "the", "following",
    "going", "gonna", "always", "exactly", "literally", "obviously", "like", "a", "something", "like", "--", "jetzt",
    "noch", "immer", "maintenant", "ahora", "this", "one", "changed", "same", "string", "again", "i", "think",
    "actually", "really", "word", "value", "temporarily", "again,", "reset", "new", "old", "supposed", "temporary",
    "default", "initial", "believe",
];

static COPULA_SHAPES: Shapes = Shapes::of(COPULAS);
static FILLER_SHAPES: Shapes = Shapes::of(FILLERS);

fn is_copula(word: &str) -> bool {
    COPULA_SHAPES.may_have(word.as_bytes()) && COPULAS.contains(&word)
}

/// The value that the text behind `name` gives it in words.
pub(crate) fn after(text: &[u8], name: &Name, options: &Options, found: &mut Vec<Found>) {
    if !(options.guess && options.prose) {
        return;
    }
    let mut at = name.end;
    at +=
        text[at..].iter().take(4).take_while(|b| matches!(b, b'"' | b'\'' | b'`' | b'*' | b')' | b'_' | b']')).count();
    // `when it asks for the password, type ...`.
    at += usize::from(text.get(at) == Some(&b','));
    let end = (at + REACH_MAX_BYTES).min(text.len());
    // `Token::Ident` is a path.
    if text[name.end..].starts_with(b"::") {
        return;
    }
    // `my passcode's hunter2`, `with the password hunter2`.
    let is_short_copula = text[name.end..].starts_with(b"'s ");
    at += usize::from(is_short_copula && text.get(at) == Some(&b's'));
    // What is told of a key is long and no word: where nothing like it follows, no sentence need be read.
    let is_key = name.class == Class::Hint
        || name.class == Class::Secret && !text[name.start..name.end].eq_ignore_ascii_case(b"secret");
    if is_key && !may_hold_key(&text[at.min(end)..end]) {
        return;
    }
    let is_paired = follows_user(text, name.start);
    let mut is_due = is_short_copula || is_paired || name.is_foreign || is_led(text, name.start);
    let mut is_sure = is_short_copula || is_paired;
    let mut first = 0;
    let mut is_replaced = false;
    // `whats the db pw`: the answer stands on the next line.
    is_due |= is_asked(text, name);
    for number in 0..WORDS_MAX {
        let next = skip_space(text, at, is_due);
        let glued = text.get(next).is_some_and(|b| matches!(b, b'"' | b'\'' | b'`' | 0x80..));
        let Some(word) = word_at(text, next)
            .filter(|word| word.1 <= end && (next > at || glued || matches!(text[next], b':' | b'=' | b'?')))
        else {
            return;
        };
        let raw = &text[word.0..word.1];
        // What is longer than any word of a list is none of them; only its end counts.
        let mut lower = [0; SPOKEN_MAX_BYTES];
        let spoken = lowered(raw, &mut lower);
        let plain = spoken.trim_end_matches([',', '.', ';', '!', '?']);
        let is_quote = matches!(raw[0], b'"' | b'\'' | b'`');
        if matches!(plain, "not" | "n't" | "never" | "isn't" | "wasn't" | "no" | "nicht") {
            return;
        }
        // `"assword:" { send`.
        if raw == b":\"" && number == 0 {
            is_due = true;
        }
        // `<Katja> its hunter2`: who answers.
        let is_speaker = raw.starts_with(b"<") && raw.ends_with(b">") && is_due;
        if raw == b"{" || raw == b":\"" || is_speaker || (number < 2 && raw.len() == 1 && raw[0].is_ascii_digit()) {
            first = number + 1;
            at = word.1;
            continue;
        }
        // A sentence in another script goes on to the value, which is not.
        if raw.iter().all(|b| !b.is_ascii()) && name.is_foreign && !is_copula(plain) && !is_quote {
            (is_due, at) = (true, word.1);
            continue;
        }
        if is_due && FILLER_SHAPES.may_have(plain.as_bytes()) && FILLERS.contains(&plain) && !is_quote {
            at = word.1;
            continue;
        }
        if (is_copula(plain) || spoken == "?") && !is_quote {
            is_due = true;
            is_replaced |= matches!(plain, "from" | "von");
            is_sure |= !WEAK_COPULAS.contains(&plain) && spoken != "?";
            at = word.1;
            continue;
        }
        if (is_due || number == first || is_quote)
            && let Some(one) = told(text, word, name, Telling { is_due, is_sure, is_first: number == first }, options)
        {
            found.push(one);
            // `changed from OLD to NEW`.
            let behind =
                one.end + text[one.end..].iter().take(1).take_while(|b| matches!(b, b'"' | b'\'' | b'`')).count();
            if is_replaced && [" to ", " zu ", " auf ", " into "].iter().any(|word| continues_with(text, behind, word))
            {
                (at, is_replaced, first) = (behind, false, number + 1);
                continue;
            }
            return;
        }
        if is_sure && (raw.ends_with(b",") || raw.ends_with(b".")) {
            return;
        }
        // What follows a colon or an equal sign is told as if by a copula.
        is_due = raw.ends_with(b":") || raw.ends_with(b"=");
        is_sure = is_due;
        at = word.1;
        if plain.len() < spoken.len() && !spoken.ends_with(',') && number > 0 {
            return;
        }
    }
}

/// Whether eight bytes stand together somewhere that are no word in small letters.
fn may_hold_key(reach: &[u8]) -> bool {
    let (mut len, mut odd) = (0, 0);
    reach.iter().any(|b| {
        let is_gap = b.is_ascii_whitespace();
        len = if is_gap { 0 } else { len + 1 };
        odd = if is_gap { 0 } else { odd + usize::from(!b.is_ascii_lowercase()) };
        len >= 8 && odd > 0 || len >= 14
    })
}

/// Whether the line that ends with the name asks for what it names.
fn is_asked(text: &[u8], name: &Name) -> bool {
    let is_last = matches!(text.get(name.end), Some(b'\n' | b'\r'));
    is_last && name.class == Class::Password && {
        let lead = text[line_start(text, name.start, 64)..name.start].to_ascii_lowercase();
        [&b"what"[..], b"whats", b"was ist", b"quel", b"cual"]
            .iter()
            .any(|word| lead.windows(word.len()).any(|w| w == *word))
    }
}

/// The end of `raw` in small letters, in `lower`.
fn lowered<'l>(raw: &[u8], lower: &'l mut [u8; SPOKEN_MAX_BYTES]) -> &'l str {
    let tail = &raw[raw.len().saturating_sub(SPOKEN_MAX_BYTES)..];
    for (to, from) in lower.iter_mut().zip(tail) {
        *to = from.to_ascii_lowercase();
    }
    let lower = &lower[..tail.len()];
    // A character that was cut leaves nothing that any list has.
    std::str::from_utf8(lower).unwrap_or_else(|_| if raw.ends_with(b",") { "~," } else { "~" })
}

/// Whether what stands in front of the name says that a value follows: `with the password`.
fn is_led(text: &[u8], start: usize) -> bool {
    let mut lead = text[line_start(text, start, 32)..start].trim_ascii_end();
    for article in [&b" the"[..], b" this", b" a", b" my", b" your"] {
        lead = lead.strip_suffix(article).unwrap_or(lead);
    }
    [&b"with"[..], b"using", b"use", b"enter", b"type", b"via"].iter().any(|word| {
        let tail = &lead[lead.len().saturating_sub(word.len())..];
        tail.eq_ignore_ascii_case(word)
    })
}

/// Whether a user stands in front of the name: `user bob, password`, `with login bob and password`.
fn follows_user(text: &[u8], start: usize) -> bool {
    const JOINS: [&[u8]; 5] = [b", ", b" and ", b" with ", b" & ", b"; "];
    let before = &text[..start];
    if !(before.ends_with(b" ") && JOINS.iter().any(|word| before.ends_with(word))) {
        return false;
    }
    let lead = &text[line_start(text, start, 64)..start];
    let Some(lead) = JOINS.iter().find_map(|word| lead.strip_suffix(*word)) else { return false };
    // The user is the last word, and what says so the one before it.
    let Some(blank) = lead.iter().rposition(|&b| is_blank(b)) else { return false };
    let before = lead[..blank].trim_ascii_end().to_ascii_lowercase();
    let before = before.strip_suffix(b" is").unwrap_or(&before);
    let before = before.strip_suffix(b":").unwrap_or(before);
    [&b"user"[..], b"username", b"login", b"account", b"user name", b"userid"].iter().any(|word| before.ends_with(word))
}

/// The words of a passphrase without quotes, behind a name that says so, up to the end of the clause.
pub(crate) fn passphrase(text: &[u8], name: &Name) -> Option<(usize, usize)> {
    if name.class != Class::Password || !text[name.start..name.end].to_ascii_lowercase().ends_with(b"phrase") {
        return None;
    }
    let at = skip_blanks(text, name.end, 2);
    let start = match text.get(at)? {
        b':' | b'=' => skip_blanks(text, at + 1, 8),
        _ if continues_with(text, at, "is ") => at + 3,
        _ => return None,
    };
    let len =
        text[start..].iter().take(80).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-')).count();
    let words = text[start..start + len].trim_ascii_end();
    let count = words.split(|b| *b == b' ').count();
    ((4..=8).contains(&count) && words::is_phrase(words)).then_some((start, start + words.len()))
}

/// How a value is told.
#[derive(Clone, Copy)]
struct Telling {
    /// Behind a copula.
    is_due: bool,
    /// Behind one that means nothing else.
    is_sure: bool,
    /// As the first word behind the name.
    is_first: bool,
}

fn told(text: &[u8], word: (usize, usize), name: &Name, telling: Telling, options: &Options) -> Option<Found> {
    let how = if telling.is_due { How::Said } else { How::Beside };
    let value = trimmed(text, read(text, word.0, how)?);
    let bytes = &text[value.start..value.end];
    // `name="pw"` is no value: the literal in it may be.
    // Nor is the next key of a document.
    let is_key = text.get(value.end) == Some(&b':') && text.get(value.end + 1).is_some_and(u8::is_ascii_whitespace);
    let is_cut = !value.is_quoted && (matches!(text.get(value.end), Some(b'"' | b'\'' | b'`')) || is_key);
    // `token: Kind = 5`: what an equal sign follows is a type.
    let is_declared = text[value.end..].starts_with(b" = ") || judge::is_type(bytes) || judge::is_number(bytes);
    if bytes.len() < 3
        || bytes.len() < 4 && name.class != Class::Code
        || is_cut
        || is_placeholder(bytes)
        || is_public(bytes)
        || value.is_expression
        || is_declared
    {
        return None;
    }
    if options.min_entropy > 4.5 && bits_per_byte(bytes) < options.min_entropy {
        return None;
    }
    let is_password = || match name.class {
        Class::Password => tells_password(text, &value, telling),
        Class::Code => {
            let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
            let is_card = digits == 3
                && bytes.len() == 3
                && text[name.start..].len() > 2
                && matches!(text[name.start] | 32, b'c');
            (digits >= 4 || is_card)
                && bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b' ' | b'#' | b'*'))
                && (telling.is_due || telling.is_first)
        }
        _ => false,
    };
    if is_password() {
        return Some(Found { kind: Kind::PASSWORD, start: value.start, end: value.end, confidence: 0.6 });
    }
    let is_bare_secret = name.class == Class::Secret && text[name.start..name.end].eq_ignore_ascii_case(b"secret");
    if is_bare_secret
        && telling.is_sure
        && bytes.iter().filter(|b| b.is_ascii_digit()).count() >= 2
        && tells_password(text, &value, telling)
    {
        return Some(Found { kind: Kind::PASSWORD, start: value.start, end: value.end, confidence: 0.5 });
    }
    let is_key = match name.class {
        Class::Secret => {
            bytes.len() >= 8
                && !is_identifier(bytes)
                && !words::is_technical(bytes)
                && (is_random(bytes) || judge::is_uuid(bytes) || is_mixed(bytes))
        }
        Class::Hint => telling.is_due && bytes.len() >= 16 && is_random(bytes) && !judge::is_uuid(bytes),
        _ => false,
    };
    is_key.then_some(Found { kind: Kind::GENERIC_SECRET, start: value.start, end: value.end, confidence: 0.5 })
}

/// Letters and digits and something else, or letters and digits changing often.
fn is_mixed(bytes: &[u8]) -> bool {
    let makeup = Makeup::of(bytes);
    makeup.letters() > 0 && makeup.digits > 0 && (makeup.symbols > 0 || makeup.switches >= 3)
}

fn tells_password(text: &[u8], value: &Value, telling: Telling) -> bool {
    let bytes = &text[value.start..value.end];
    if is_grouped(bytes) && telling.is_due {
        return true;
    }
    if bytes.iter().any(u8::is_ascii_whitespace) {
        return value.is_quoted && words::is_phrase(bytes);
    }
    // A word of another language is one of the sentence's.
    let is_foreign_word =
        !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok_and(|word| word.chars().all(char::is_alphabetic));
    if is_foreign_word && !value.is_quoted {
        return false;
    }
    let makeup = Makeup::of(bytes);
    if makeup.digits > 0 && makeup.letters() > 0 || makeup.symbols > 0 && makeup.letters() > 0 {
        let is_clause =
            bytes.iter().any(|b| matches!(b, b'(' | b')' | b'{' | b'}' | b'<' | b'>')) && makeup.digits == 0;
        let is_contraction = makeup.digits == 0 && makeup.symbols == 1 && bytes.contains(&b'\'');
        let is_named = is_identifier(bytes) && words::has_credential_word(bytes) && makeup.digits < 2;
        let is_code = makeup.digits == 0 && matches!(bytes[0], b'&' | b'*' | b'$' | b'@' | b'<' | b'[' | b'{');
        let is_worded =
            makeup.separators > 0 && makeup.digits > 0 && !words::names_something(bytes) && bytes.len() >= 8;
        // Without a copula a word with a capital and a number may be a name: `password for Room12`.
        return !(is_clause || is_contraction || is_named || is_code || words::is_technical(bytes))
            && (telling.is_due || telling.is_first || value.is_quoted)
            && (telling.is_due
                || value.is_quoted
                || (makeup.symbols + makeup.switches > 0 && (!is_identifier(bytes) || makeup.digits >= 2)
                    || is_worded));
    }
    if makeup.letters() == 0 {
        return (telling.is_sure || (telling.is_due && makeup.digits >= 6))
            && makeup.digits >= 4
            && makeup.separators == 0;
    }
    // Most words that merely stand there are told from a value at once.
    if bytes.len() < 5 || !(value.is_quoted || telling.is_due || telling.is_first && is_random(bytes)) {
        return false;
    }
    if words::names_something(bytes) && !is_random(bytes) {
        return false;
    }
    if value.is_quoted {
        return telling.is_due || telling.is_first;
    }
    if telling.is_first && is_random(bytes) {
        return true;
    }
    let (_, pairs) = crate::random::rarity(bytes);
    let is_odd = makeup.upper > 0 && makeup.lower > 0 && bytes[1..].iter().any(u8::is_ascii_uppercase);
    pairs > 0 && (telling.is_due && is_odd || telling.is_sure && ends_clause(text, value.end))
}

/// Whether nothing of the sentence, or a new clause, follows at `at`.
pub(crate) fn ends_clause(text: &[u8], at: usize) -> bool {
    let next = skip_blanks(text, at, 8);
    match text.get(next) {
        None => true,
        Some(b) if !is_blank(*b) && !b.is_ascii_alphanumeric() => true,
        Some(_) => [
            "and ", "but ", "for ", "so ", "if ", "please", "on ", "until ", "thanks", "by the", "und ", "et ", "y ",
            "not ", "btw", "in case", "or ",
        ]
        .iter()
        .any(|word| continues_with(text, next, word)),
    }
}

/// Leaves out what closes the sentence around a bare value.
pub(crate) fn trimmed(text: &[u8], mut value: Value) -> Value {
    if !value.is_quoted {
        while value.end > value.start + 1
            && matches!(text[value.end - 1], b'.' | b',' | b';' | b')' | b':' | b'?' | b'*')
        {
            value.end -= 1;
        }
        while value.start + 1 < value.end && matches!(text[value.start], b'(' | b'*') {
            value.start += 1;
        }
    }
    value
}

pub(crate) fn skip_space(text: &[u8], at: usize, over_line: bool) -> usize {
    let next = skip_blanks(text, at, 8);
    let is_newline = |at: usize| matches!(text.get(at), Some(b'\n' | b'\r'));
    if over_line && is_newline(next) {
        let behind = next + text[next..].iter().take(2).take_while(|b| matches!(b, b'\n' | b'\r')).count();
        return skip_blanks(text, behind, 48);
    }
    next
}

/// The word that starts at `at`: a quoted literal with its quotes, else up to the next blank.
pub(crate) fn word_at(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = *text.get(at)?;
    if matches!(first, b'"' | b'\'' | b'`')
        && let Some(close) = text[at + 1..].iter().take(96).position(|&b| b == first || b == b'\n')
        && text[at + 1 + close] == first
    {
        return Some((at, at + close + 2));
    }
    let len = text[at..].iter().take(REACH_MAX_BYTES * 4).take_while(|b| !b.is_ascii_whitespace()).count();
    (len > 0).then_some((at, at + len))
}

/// What stands between a value and the word for it, when the value comes first.
#[rustfmt::skip]
const LEADS: &[&str] = &[
    " is the", " is my", " is our", " is your", " is his", " is her", " is the new", " as the", " as my", " as our",
    " as your", " as a", " as", " for the", " was the", " is the admin", ", that's the", " that's the",
    " that is the", " that's my", " that's our", " for my", " for our", " for your", " for his", " for her",
    " (that's the", " (the", " (my", " (that is the", " (it's the", ", the", ", my", " — the", " - the", " are the",
    " was my", " was our", " into the", " in the", " into my", " for the admin", " as its", " as their", " should be the", " will be the", " is still the", " is now the",
];

/// The last words of all of [`LEADS`].
const LAST_WORDS: [&[u8]; 12] =
    [b"the", b"my", b"our", b"your", b"his", b"her", b"new", b"a", b"as", b"admin", b"its", b"their"];

/// Whether the last word of `line` is one that a lead ends with.
fn ends_with_lead(line: &[u8]) -> bool {
    let tail = &line[line.len().saturating_sub(7)..];
    let word = tail.iter().rposition(|b| matches!(b, b' ' | b'(')).map_or(tail, |at| &tail[at + 1..]);
    LAST_WORDS.iter().any(|last| word.eq_ignore_ascii_case(last))
}

/// A glance at the last two words of `before`, of which one must be the last of a lead.
fn may_follow_lead(before: &[u8]) -> bool {
    let line = before.trim_ascii_end();
    let shorter = without_word(line);
    ends_with_lead(line) || ends_with_lead(shorter) || ends_with_lead(without_word(shorter))
}

/// `line` without its last word.
fn without_word(line: &[u8]) -> &[u8] {
    let is_part = |b: &&u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'\'');
    line[..line.len() - line.iter().rev().take_while(is_part).count()].trim_ascii_end()
}

/// `hunter2 is the password`, `use 'hunter2' as the password`: the value in front of the word that
/// stands at `at`.
pub(crate) fn before(text: &[u8], at: usize, options: &Options, found: &mut Vec<Found>) {
    if !(options.guess && options.prose) || at < 8 {
        return;
    }
    let from = at.saturating_sub(96);
    if !may_follow_lead(&text[from..at]) {
        return;
    }
    let line = &text[from..at];
    let line = &line[line.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1)..];
    let line = line.trim_ascii_end();
    // One word or two may say whose or which: `as the admin password`, `for the admin login password`.
    let shorter = without_word(line);
    let shorter = if ends_with_lead(shorter) { shorter } else { without_word(shorter) };
    if !(ends_with_lead(line) || ends_with_lead(shorter)) {
        return;
    }
    let lower = line.to_ascii_lowercase();
    let shorter = &lower[..shorter.len()];
    let longest =
        |bytes: &[u8]| LEADS.iter().filter(|words| bytes.ends_with(words.as_bytes())).map(|words| words.len()).max();
    let (lower, lead) = match (longest(&lower), longest(shorter)) {
        (Some(lead), _) => (lower.as_slice(), lead),
        (None, Some(lead)) => (shorter, lead),
        (None, None) => return,
    };
    let head = line[..lower.len() - lead].trim_ascii_end();
    let head = head.strip_suffix(b",").unwrap_or(head);
    let value = match head.last() {
        Some(&quote @ (b'"' | b'\'' | b'`')) => {
            head[..head.len() - 1].iter().rposition(|&b| b == quote).map(|open| (open + 1, head.len() - 1))
        }
        _ => Some((head.iter().rposition(u8::is_ascii_whitespace).map_or(0, |blank| blank + 1), head.len())),
    };
    let Some((start, end)) = value.filter(|(start, end)| end - start >= 5) else { return };
    let bytes = &head[start..end];
    let makeup = Makeup::of(bytes);
    let is_code = bytes.iter().any(|b| matches!(b, b'(' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b';' | b'`'));
    let is_strong = makeup.letters() > 0
        && makeup.digits + makeup.symbols > 0
        && !is_code
        && !bytes.iter().any(u8::is_ascii_whitespace);
    if is_strong
        && !is_placeholder(bytes)
        && !is_public(bytes)
        && !words::is_technical(bytes)
        && !words::has_credential_word(bytes)
    {
        let offset = at
            - (text[from..at].len()
                - (text[from..at].iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1)));
        found.push(Found { kind: Kind::PASSWORD, start: offset + start, end: offset + end, confidence: 0.5 });
    }
}
