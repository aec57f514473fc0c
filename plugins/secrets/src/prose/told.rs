//! Whether a word of a sentence is the secret that the sentence tells.
//!
//! Owns how a value is believed by the way it is told and by what it is made of. Never looks for it; see
//! `prose` and `before`.

use crate::alphabet::{continues_with, is_blank, skip_blanks};
use crate::judge::{self, is_public};
use crate::kind::Kind;
use crate::names::{Class, Name};
use crate::placeholder::is_placeholder;
use crate::random::{Makeup, bits_per_byte, is_grouped, is_identifier, is_random, rarity};
use crate::scan::{Found, Options};
use crate::value::{How, Value, read};
use crate::words;

/// How a value is told.
#[derive(Clone, Copy)]
pub(super) struct Telling {
    /// Behind a copula.
    pub(super) is_due: bool,
    /// Behind one that means nothing else.
    pub(super) is_sure: bool,
    /// As the first word behind the name.
    pub(super) is_first: bool,
}

/// The secret that `word` tells of what `name` announces.
pub(super) fn told(
    text: &[u8],
    word: (usize, usize),
    name: &Name,
    telling: Telling,
    options: &Options,
) -> Option<Found> {
    let how = if telling.is_due { How::Said } else { How::Beside };
    let value = trimmed(text, read(text, word.0, how)?);
    let bytes = &text[value.start..value.end];
    // `name="pw"` is no value: the literal in it may be.
    // Nor is the next key of a document.
    let is_key = text.get(value.end) == Some(&b':') && text.get(value.end + 1).is_some_and(u8::is_ascii_whitespace);
    let is_cut = !value.is_quoted && (matches!(text.get(value.end), Some(b'"' | b'\'' | b'`')) || is_key);
    // `token: Kind = 5`: what an equal sign follows is a type.
    let is_color = matches!(bytes, [b'#', digits @ ..] if (3..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit));
    let is_declared =
        text[value.end..].starts_with(b" = ") || is_color || judge::is_type(bytes) || judge::is_number(bytes);
    if bytes.len() < 3
        || bytes.len() < 4 && name.class != Class::Code
        || is_cut
        || is_placeholder(bytes)
        || is_public(bytes)
        || value.is_expression
        || judge::is_outcome(text, name, bytes)
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
    let (_, pairs) = rarity(bytes);
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
