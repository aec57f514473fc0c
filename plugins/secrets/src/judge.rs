//! Whether a value is a secret, given what its name promises and how it was given.
//!
//! Owns the line between `password: hunter2` and `password: string`. A literal is believed more
//! readily than a bare word, because in code a bare word is an expression; a setting's bare word is
//! a literal again. Never looks for values; see `value` and `prose`.

use crate::alphabet::line_start;
use crate::kind::Kind;
use crate::names::{Class, FOREIGN, Name};
use crate::placeholder::is_placeholder;
use crate::prose::ends_clause;
use crate::random::{Makeup, bits_per_byte, is_grouped, is_identifier, is_named_digest, is_random, rarity};
use crate::scan::{Found, Options};
use crate::value::{How, Value, is_first_of_line};
use crate::words;
use std::borrow::Cow;

/// Shortest value worth a look.
const VALUE_MIN_BYTES: usize = 4;

/// The find that `value`, given to `name`, is; none when it is nothing secret.
pub(crate) fn judge(text: &[u8], name: &Name, value: &Value, options: &Options) -> Option<Found> {
    let literal = joined(&text[value.start..value.end], value);
    let bytes = literal.as_ref();
    let found = |kind: Kind| {
        let confidence = if kind.is_guess() { 0.6 } else { 0.9 };
        Some(Found { kind, start: value.start, end: value.end, confidence })
    };
    if name.class == Class::Code && is_card_code(bytes, text, name) {
        return found(Kind::PASSWORD);
    }
    if bytes.len() < VALUE_MIN_BYTES
        || is_label(bytes)
        || value.is_expression
        || is_placeholder(bytes)
        || is_public(bytes)
    {
        return None;
    }
    if name.is_aws_secret && is_aws_secret(bytes) {
        return found(Kind::AWS_SECRET_KEY);
    }
    if in_connection_string(text, name, value) {
        return found(Kind::CONNECTION_PASSWORD);
    }
    if !options.guess
        || is_tally(text, name, value)
        || is_of_resource(text, name.start)
        || is_outcome(text, name, bytes)
    {
        return None;
    }
    // `name=value` without blanks is how commands and forms write it; code of that kind has calls.
    let is_tight = text.get(name.end) == Some(&b'=') && value.start == name.end + 1;
    let is_setting = is_first_of_line(text, name.start) || name.is_upper || is_tight || is_told(text, name, value);
    // `pw = pulse width`: a word in front of others is one of theirs.
    let is_worded = !value.is_quoted && bytes.iter().all(u8::is_ascii_lowercase) && !ends_clause(text, value.end);
    match name.class {
        Class::Password if is_worded => None,
        Class::Password => is_password(bytes, value, is_setting, options).then(|| found(Kind::PASSWORD)).flatten(),
        Class::Secret => is_secret(bytes, value, is_setting, options).then(|| found(Kind::GENERIC_SECRET)).flatten(),
        Class::Hint if is_pair(bytes) => found(Kind::PASSWORD),
        // `key: PHB7 FUBK QQPX NAAW`: what an authenticator is set up with.
        Class::Hint if is_grouped(bytes) && !bytes.iter().any(u8::is_ascii_lowercase) && bytes.contains(&b' ') => {
            found(Kind::GENERIC_SECRET)
        }
        Class::Hint if is_named_digest(bytes) => None,
        Class::Hint => is_key(bytes, options).then(|| found(Kind::GENERIC_SECRET)).flatten(),
        Class::Code => is_code(bytes, value).then(|| found(Kind::PASSWORD)).flatten(),
    }
}

/// `Contraseña`, `パスワード`: the word that a form shows, in another language.
fn is_label(bytes: &[u8]) -> bool {
    if bytes.is_ascii() {
        return false;
    }
    let text = String::from_utf8_lossy(bytes);
    let is_of_letters = text.chars().all(|c| c.is_alphabetic() || c == 'ー');
    text.chars().filter(|c| !c.is_ascii()).count() >= 2 && is_of_letters
        || FOREIGN.contains(&text.to_lowercase().as_str())
}

/// `--- PASS: TestLogin2Factor`: the name of a test that passed.
pub(crate) fn is_outcome(text: &[u8], name: &Name, bytes: &[u8]) -> bool {
    const OPENINGS: [&[u8]; 6] = [b"Test", b"test", b"Benchmark", b"Example", b"Fuzz", b"Spec"];
    text[name.start..name.end] == *b"PASS"
        && OPENINGS.iter().any(|opening| bytes.starts_with(opening))
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'.' | b':' | b'-'))
}

/// `arn:aws:secretsmanager:...:secret:prod/db-a1B2c3`: where a secret is kept.
fn is_of_resource(text: &[u8], start: usize) -> bool {
    let lead = &text[start.saturating_sub(96)..start];
    let is_edge = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'=');
    lead.ends_with(b":") && lead.rsplit(is_edge).next().is_some_and(|word| word.starts_with(b"arn:"))
}

/// `pass: 1412 fail: 0`: how many did.
fn is_tally(text: &[u8], name: &Name, value: &Value) -> bool {
    let rest = &text[value.end..(value.end + 32).min(text.len())];
    let rest = rest.split(|&b| b == b'\n').next().unwrap_or_default();
    text[name.start..name.end].eq_ignore_ascii_case(b"pass")
        && text[value.start..value.end].iter().all(u8::is_ascii_digit)
        && rest.windows(4).any(|word| word.eq_ignore_ascii_case(b"fail") || word.eq_ignore_ascii_case(b"skip"))
}

/// The three or four digits on a card.
fn is_card_code(bytes: &[u8], text: &[u8], name: &Name) -> bool {
    let is_card = [&b"cvv"[..], b"cvc", b"cvn"].iter().any(|word| {
        text[name.start..name.end].len() <= 8
            && text[name.start..].len() >= 3
            && text[name.start..name.start + 3].eq_ignore_ascii_case(word)
    });
    is_card && (3..=4).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit)
}

/// The value without what joins its literals: `hun` and `ter2` of `"hun" + "ter2"`.
fn joined<'t>(bytes: &'t [u8], value: &Value) -> Cow<'t, [u8]> {
    let is_quote = |b: &u8| matches!(b, b'"' | b'\'' | b'`');
    if !value.is_joined {
        return Cow::Borrowed(bytes);
    }
    let parts: Vec<&[u8]> = bytes.split(is_quote).collect();
    Cow::Owned(parts.into_iter().step_by(2).collect::<Vec<_>>().concat())
}

/// Whether a line of words ends with the value: `sudo password = hunter2`. Declarations of programs
/// have words of their own in front.
fn is_told(text: &[u8], name: &Name, value: &Value) -> bool {
    const KEYWORDS: [&[u8]; 16] = [
        b"let", b"var", b"const", b"val", b"auto", b"final", b"def", b"my", b"local", b"static", b"private", b"public",
        b"string", b"mut", b"return", b"if",
    ];
    let lead = text[line_start(text, name.start, 48)..name.start].trim_ascii();
    let ends = text.get(value.end).is_none_or(|b| matches!(b, b'\n' | b'\r' | b')'))
        || text[value.end..].starts_with(b", ")
        || text[value.end..].starts_with(b". ")
        || text[value.end..].starts_with(b" (");
    // `(password: x)` stands beside a sentence, `f(password: x)` is a call.
    let lead = match lead {
        [b'('] | [.., b' ', b'('] => &lead[..lead.len() - 1],
        _ => lead,
    };
    let is_spoken = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'\'' | b',' | b':' | b'[' | b']' | b'.');
    let is_words = text[..name.start].ends_with(b"(") || !lead.is_empty();
    let is_words = is_words && lead.iter().all(is_spoken);
    ends && is_words
        && !lead.split(|b| *b == b' ').any(|word| KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)))
}

fn is_aws_secret(bytes: &[u8]) -> bool {
    bytes.len() == 40
        && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+' | b'='))
        && bits_per_byte(bytes) >= 3.5
}

/// What everybody may know: SSH and PGP public keys, certificates, paths, addresses without a password.
pub(crate) fn is_public(bytes: &[u8]) -> bool {
    const OPENINGS: [&[u8]; 16] = [
        b"ssh-rsa",
        b"ssh-ed25519",
        b"ssh-dss",
        b"ecdsa-sha2",
        b"AAAAB3NzaC1",
        b"AAAAC3NzaC1",
        b"AAAAE2VjZHNh",
        b"sk-ssh-",
        b"sk-ecdsa",
        b"-----BEGIN PUBLIC",
        b"-----BEGIN CERT",
        b"pk_live_",
        b"pk_test_",
        b"sha256:",
        b"sha512-",
        b"file:",
    ];
    OPENINGS.iter().any(|opening| bytes.starts_with(opening)) || is_path(bytes) || is_uri(bytes)
}

fn is_path(bytes: &[u8]) -> bool {
    let opens =
        bytes.starts_with(b"/") || bytes.starts_with(b"./") || bytes.starts_with(b"../") || bytes.starts_with(b"~/");
    let slashes = bytes.iter().filter(|&&b| b == b'/').count();
    let makeup = Makeup::of(bytes);
    opens
        && slashes >= 2
        && !bytes.contains(&b'=')
        && !bytes.contains(&b'+')
        && makeup.symbols == 0
        && makeup.switches * 6 < makeup.len
}

/// A URL; what is secret in one is found by `url`.
fn is_uri(bytes: &[u8]) -> bool {
    let scheme =
        bytes.iter().take(16).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')).count();
    scheme >= 2 && bytes[scheme..].starts_with(b"://")
}

/// `...;Password=value` or `Password=value;...`: `Name=value` pairs joined by semicolons, as
/// database drivers take them, and `host=... password=...` of libpq.
fn in_connection_string(text: &[u8], name: &Name, value: &Value) -> bool {
    const KEYS: [&[u8]; 20] = [
        b"server",
        b"data source",
        b"datasource",
        b"host",
        b"user id",
        b"userid",
        b"uid",
        b"user",
        b"username",
        b"database",
        b"initial catalog",
        b"port",
        b"addr",
        b"address",
        b"accountname",
        b"driver",
        b"endpoint",
        b"hostname",
        b"sharedaccesskeyname",
        b"dbname",
    ];
    let is_key = name.is_account_key && value.end - value.start >= 20;
    if !(is_key || name.class == Class::Password) || value.how != How::Assigned {
        return false;
    }
    let before = &text[name.start.saturating_sub(256)..name.start];
    let line = before.rsplit(|&b| matches!(b, b'\n' | b'"' | b'\'')).next().unwrap_or_default();
    let is_pair = |pair: &[u8]| {
        let key = pair.split(|&b| b == b'=').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
        pair.contains(&b'=') && KEYS.contains(&key.as_slice())
    };
    let separated = |separator: u8| {
        line.trim_ascii_start()
            .strip_suffix(&[separator])
            .and_then(|l| l.rsplit(|&b| b == separator).next())
            .is_some_and(is_pair)
    };
    separated(b';') || (separated(b' ') && text[name.end] == b'=')
}

/// A value of something called password.
fn is_password(bytes: &[u8], value: &Value, is_setting: bool, options: &Options) -> bool {
    if is_grouped(bytes) {
        return true;
    }
    if bytes.iter().any(u8::is_ascii_whitespace) {
        return value.is_quoted && value.how != How::Enclosed && words::is_phrase(bytes);
    }
    let makeup = Makeup::of(bytes);
    if words::is_technical(bytes) && is_identifier(bytes) && makeup.upper == 0 {
        return false;
    }
    if bytes[0] == b'$' && makeup.digits == 0 && makeup.symbols == 1 && !value.is_quoted {
        return false;
    }
    if options.min_entropy > 4.5 && bits_per_byte(bytes) < options.min_entropy {
        return false;
    }
    let is_literal = value.is_quoted || is_setting || matches!(value.how, How::Flagged);
    let is_name = |bytes: &[u8]| words::names_something(bytes) && !is_random(bytes);
    if makeup.digits == 0 && makeup.symbols == 0 {
        // Words and names of words: a password only where nothing else can be meant.
        return (is_literal || is_random(bytes))
            && bytes.len() >= 5
            && !is_name(bytes)
            && makeup.separators * 4 <= bytes.len();
    }
    if makeup.letters() == 0 && makeup.symbols == 0 {
        return is_literal && makeup.digits >= 4;
    }
    // `password2` is a variable, `Password2508` somebody's choice.
    let is_reference = is_identifier(bytes) && words::has_credential_word(bytes) && makeup.digits < 2;
    let is_operator =
        matches!(bytes[0], b'*' | b'&' | b'!' | b'-' | b'.' | b'=' | b'(') && !value.is_quoted && !is_setting;
    // `!vault`, `!secret`: a tag of YAML.
    let is_tag = bytes[0] == b'!' && bytes[1..].iter().all(u8::is_ascii_alphabetic) && !value.is_quoted;
    let is_rule = is_tag || bytes.contains(&b'|') && bytes.starts_with(b"required");
    if is_reference || is_operator || is_rule || is_type(bytes) || is_number(bytes) {
        return false;
    }
    let is_chosen =
        makeup.digits >= 2 && !is_member(bytes) && !words::is_technical(bytes) && !words::names_something(bytes);
    is_literal || !is_identifier(bytes) || value.how == How::Said || is_chosen
}

/// `config.password2`: what stands behind the last dot is a name.
fn is_member(bytes: &[u8]) -> bool {
    let last = bytes.rsplit(|&b| b == b'.').next().unwrap_or_default();
    last.len() < bytes.len() && !last.iter().all(u8::is_ascii_digit)
}

/// `256u32`, `0x1f`, `2i64`: a number of a program.
pub(crate) fn is_number(bytes: &[u8]) -> bool {
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let suffixes: [&[u8]; 14] =
        [b"u8", b"u16", b"u32", b"u64", b"i8", b"i16", b"i32", b"i64", b"f32", b"f64", b"usize", b"ul", b"ull", b"l"];
    digits > 0 && suffixes.iter().any(|suffix| bytes[digits..].eq_ignore_ascii_case(suffix))
        || bytes.strip_prefix(b"0x").is_some_and(|hex| hex.len() <= 16 && hex.iter().all(u8::is_ascii_hexdigit))
}

/// `Option<String>`, `string;`, `String?`, `z.string()`.
pub(crate) fn is_type(bytes: &[u8]) -> bool {
    let letters: Vec<u8> = bytes.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    let is_typed = [
        &b"string"[..],
        b"str",
        b"text",
        b"varchar",
        b"char",
        b"bool",
        b"optionstring",
        b"optional",
        b"int",
        b"integer",
        b"bytes",
        b"any",
        b"void",
        b"stringnull",
        b"stringundefined",
        b"strnone",
        b"secretstr",
        b"secretstring",
        b"securestring",
    ]
    .iter()
    .any(|name| letters == **name);
    let has_generics = bytes.contains(&b'<') && (bytes.ends_with(b">") || bytes.ends_with(b">,"));
    is_typed || has_generics || letters.starts_with(b"option") && bytes.contains(&b'<')
}

/// A value of something called secret, token, API key.
fn is_secret(bytes: &[u8], value: &Value, is_setting: bool, options: &Options) -> bool {
    if is_grouped(bytes) {
        return true;
    }
    if bytes.iter().any(u8::is_ascii_whitespace) {
        return false;
    }
    let makeup = Makeup::of(bytes);
    if bytes.len() < 8 {
        return makeup.symbols > 0 && makeup.digits > 0 && makeup.letters() > 0 && value.is_quoted;
    }
    if is_uuid(bytes) || (makeup.is_hex && bytes.len() >= 16 && makeup.digits > 0) {
        return options.min_entropy <= 4.0 || bits_per_byte(bytes) >= options.min_entropy;
    }
    if bits_per_byte(bytes) < options.min_entropy.min(if bytes.len() < 10 { 2.5 } else { 8.0 }) {
        return false;
    }
    if makeup.letters() == 0 {
        return makeup.digits >= 10 && (value.is_quoted || is_setting) && makeup.separators + makeup.symbols < 3;
    }
    if is_base32(bytes) {
        return true;
    }
    if is_identifier(bytes) || is_type(bytes) {
        // A word of the environment that names nothing: `JWT_SECRET=keyboardcat`.
        // `secret = Mango_ember_33`: what somebody thought up.
        let is_chosen = makeup.digits >= 2 && makeup.letters() >= 6 && makeup.upper > 0 && value.how == How::Assigned;
        return is_setting
            && is_chosen
            && !value.is_expression
            && !words::names_something(bytes)
            && !words::is_technical(bytes)
            || is_setting
                && makeup.separators == 0
                && !value.is_expression
                && value.how == How::Assigned
                && (makeup.digits > 0 || bytes.len() >= 10)
                && makeup.upper == 0
                && !words::names_something(bytes);
    }
    let is_plain = bytes.iter().all(|&b| b.is_ascii_alphanumeric() || b"+/=_-.~%!@#^*?$:&".contains(&b));
    let has_both = makeup.digits + makeup.symbols > 0;
    if value.is_quoted {
        return has_both || is_random(bytes);
    }
    let is_operator = matches!(bytes[0], b'*' | b'&' | b'!' | b'-' | b'.' | b'/');
    let is_written_out = is_setting && makeup.digits > 0 && bytes.len() >= 12 && bytes.iter().all(u8::is_ascii_graphic);
    is_written_out && !is_operator
        || is_plain
            && !is_operator
            && ((has_both && makeup.digits > 0 && (is_setting || bytes.len() >= 12)) || is_random(bytes))
}

/// What a program for one-time codes is given: base32 of a usual length, though by chance it has no digit.
fn is_base32(bytes: &[u8]) -> bool {
    matches!(bytes.len(), 16 | 26 | 32 | 52)
        && bytes.iter().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
        && rarity(bytes).0 >= 52
}

/// A value of something merely called key, auth, session.
fn is_key(bytes: &[u8], options: &Options) -> bool {
    let makeup = Makeup::of(bytes);
    let is_plain = bytes.iter().all(|&b| b.is_ascii_alphanumeric() || b"+/=_-.~%:".contains(&b));
    let is_base64_pair = bytes.len() >= 12 && bytes.ends_with(b"=") && makeup.separators == 0;
    is_plain
        && (bytes.len() >= 16 || is_base64_pair)
        && !is_uuid(bytes)
        && (is_random(bytes) || is_base64_pair)
        && !(makeup.is_hex && bytes.len() < 32)
        && bits_per_byte(bytes) >= options.min_entropy
}

/// `user:Pa55w0rd!`, given to something called auth.
fn is_pair(bytes: &[u8]) -> bool {
    let Some(colon) = bytes.iter().position(|&b| b == b':') else { return false };
    let (user, secret) = (&bytes[..colon], &bytes[colon + 1..]);
    let makeup = Makeup::of(secret);
    (2..=32).contains(&user.len())
        && is_identifier(user)
        && secret.len() >= 8
        && makeup.separators == 0
        && makeup.letters() > 0
        && makeup.digits > 0
        && makeup.symbols > 0
        && !secret.iter().any(|b| b.is_ascii_whitespace() || matches!(b, b'(' | b'{' | b'[' | b'<' | b'"'))
}

/// A value of something called one-time code.
fn is_code(bytes: &[u8], value: &Value) -> bool {
    // `4711#`: the key that ends it.
    let bytes = bytes.strip_suffix(b"#").unwrap_or(bytes);
    let makeup = Makeup::of(bytes);
    let is_number = makeup.digits >= 4 && makeup.letters() == 0 && makeup.symbols == 0 && bytes.len() <= 10;
    let is_seed = bytes.len() >= 16 && bytes.iter().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7' | b'='));
    let is_mixed = makeup.digits > 0
        && makeup.upper > 0
        && makeup.lower == 0
        && (6..=12).contains(&bytes.len())
        && value.is_quoted;
    is_number || is_seed || is_mixed
}

/// 8-4-4-4-12 hex digits.
pub(crate) fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes
            .iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}
