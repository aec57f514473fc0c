//! The generic guess: a random-looking value given to a name that says password, secret, token
//! or key. Also connection strings and AWS secret keys, which have no prefix of their own.
//!
//! Owns what a sensitive name is and which values are believed. A quoted value is believed more
//! readily than a bare one, because in code a bare one is mostly an expression.

use crate::entropy::bits_per_byte;
use crate::kind::Kind;
use crate::placeholder::is_placeholder;
use crate::scan::{Found, Options};

/// Longest name looked at, in bytes.
const NAME_MAX_BYTES: usize = 80;
/// Shortest value worth a look.
const VALUE_MIN_BYTES: usize = 4;
/// Longest value looked at; secrets beyond this have formats of their own.
const VALUE_MAX_BYTES: usize = 512;
/// Most blanks accepted between name, operator and value.
const BLANKS_MAX: usize = 32;

/// A secret assigned by the operator (`=`, `:`, `(`) that stands exactly at `at`.
pub(crate) fn at(text: &[u8], at: usize, options: &Options) -> Option<Found> {
    if at > 0 && matches!(text[at - 1], b'=' | b':') {
        return None;
    }
    // The value is asked first: looking at it costs less than reading a name.
    let value = Value::after(text, at)?;
    if (text[at] == b'(' && value.quote.is_none()) || value.end - value.start < VALUE_MIN_BYTES {
        return None;
    }
    let name = Name::before(text, at)?;
    let kind = judge(&name, &value, text, options)?;
    let confidence = if kind.is_guess() { 0.6 } else { 0.9 };
    Some(Found { kind, start: value.start, end: value.end, confidence })
}

fn judge(name: &Name, value: &Value, text: &[u8], options: &Options) -> Option<Kind> {
    let bytes = &text[value.start..value.end];
    if name.is_aws_secret() && is_aws_secret(bytes) {
        return Some(Kind::AwsSecretKey);
    }
    let in_connection_string = || {
        let is_pair = name.is_in_connection_string(text) && value.quote.is_none();
        let is_account_key = name.is_azure_key() && bytes.len() >= 40 && bytes.ends_with(b"=");
        is_account_key || (is_pair && !value.continues)
    };
    let kind = if in_connection_string() {
        Kind::ConnectionPassword
    } else if options.guess && name.is_sensitive() && is_believed(name, value, bytes, options.min_entropy) {
        Kind::GenericSecret
    } else {
        return None;
    };
    // Asked last, because it is the most expensive question.
    (!is_placeholder(bytes)).then_some(kind)
}

fn is_aws_secret(bytes: &[u8]) -> bool {
    bytes.len() == 40
        && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+' | b'='))
        && bits_per_byte(bytes) >= 3.5
}

fn is_believed(name: &Name, value: &Value, bytes: &[u8], min_entropy: f32) -> bool {
    let has_letter = bytes.iter().any(u8::is_ascii_alphabetic);
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    let has_symbol = bytes.iter().any(|&b| b.is_ascii_punctuation() && !matches!(b, b'_' | b'-' | b'.' | b'/' | b':'));
    if bytes.len() < 8 || bytes.iter().any(u8::is_ascii_whitespace) || bits_per_byte(bytes) < min_entropy {
        return false;
    }
    if value.quote.is_some() {
        return has_letter && (has_digit || has_symbol) && (name.is_password() || !is_identifier(bytes));
    }
    let is_plain = bytes.iter().all(|&b| b.is_ascii_alphanumeric() || b"+/=_-.~%!@#^*?$".contains(&b));
    let is_expression = value.continues || is_identifier(bytes) || matches!(bytes[0], b'*' | b'!' | b'-' | b'.' | b'/');
    is_plain && has_letter && has_digit && !is_expression && (name.is_setting || bytes.len() >= 12)
}

/// Words joined by `_`, `-`, `.`, `/`, `:`, each perhaps with a number behind it: a name for
/// something, not a random value.
fn is_identifier(bytes: &[u8]) -> bool {
    bytes.split(|b| matches!(b, b'_' | b'-' | b'.' | b'/' | b':')).all(|word| {
        let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let digits = word[letters..].iter().take_while(|b| b.is_ascii_digit()).count();
        letters + digits == word.len() && digits <= 3 && has_word_case(&word[..letters])
    })
}

/// Upper case only at the start of a part (`clientSecret`), or throughout (`API`).
fn has_word_case(letters: &[u8]) -> bool {
    let upper = letters.iter().filter(|b| b.is_ascii_uppercase()).count();
    upper == letters.len() || upper * 3 <= letters.len()
}

/// The name left of the operator.
struct Name {
    /// Lower case, without separators.
    folded: Vec<u8>,
    /// First byte of the name in the text.
    start: usize,
    /// Whether it reads like an environment file or YAML: upper case, or first on its line.
    is_setting: bool,
}

impl Name {
    fn before(text: &[u8], operator: usize) -> Option<Self> {
        let mut end = trim_blanks_left(text, operator);
        // `!=`, `?=`, `+=` and the type of a declaration stand between name and operator.
        while end > 0 && matches!(text[end - 1], b'!' | b'?' | b'+') {
            end -= 1;
        }
        end = trim_blanks_left(text, end);
        let (start, end) = name_ending_at(text, end)?;
        let own = Self::new(text, start, end);
        if own.is_sensitive() || text[operator] != b'=' {
            return Some(own);
        }
        declared_name(text, start).map(|(start, end)| Self::new(text, start, end)).or(Some(own))
    }

    fn new(text: &[u8], start: usize, end: usize) -> Self {
        let raw = &text[start..end];
        let folded = raw.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
        let line_start = text[..start].iter().rev().take(BLANKS_MAX).take_while(|b| matches!(b, b' ' | b'\t')).count();
        let is_first = start == line_start || text.get(start - line_start - 1) == Some(&b'\n');
        let is_upper = !raw.iter().any(u8::is_ascii_lowercase);
        Self { folded, start, is_setting: is_first || is_upper }
    }

    fn has(&self, word: &[u8]) -> bool {
        self.folded.windows(word.len()).any(|window| window == word)
    }

    fn is_password(&self) -> bool {
        [&b"password"[..], b"passwd", b"passphrase"].iter().any(|word| self.has(word)) || self.folded.ends_with(b"pwd")
    }

    fn is_aws_secret(&self) -> bool {
        self.has(b"secretaccesskey") || (self.has(b"aws") && self.has(b"secret"))
    }

    fn is_azure_key(&self) -> bool {
        self.folded == b"accountkey" || self.folded == b"sharedaccesskey"
    }

    fn is_sensitive(&self) -> bool {
        const WORDS: &[&[u8]] = &[
            b"secret",
            b"token",
            b"apikey",
            b"accesskey",
            b"privatekey",
            b"authkey",
            b"credential",
            b"signingkey",
            b"encryptionkey",
            b"masterkey",
        ];
        /// Names of something about a secret.
        const ENDINGS: &[&[u8]] = &[
            b"file",
            b"path",
            b"name",
            b"url",
            b"uri",
            b"field",
            b"label",
            b"type",
            b"kind",
            b"length",
            b"len",
            b"count",
            b"expiry",
            b"ttl",
            b"hint",
            b"policy",
            b"regex",
            b"pattern",
            b"prefix",
            b"suffix",
            b"header",
            b"placeholder",
            b"version",
            b"endpoint",
            b"format",
            b"scope",
            b"limit",
            b"tokens",
            b"tokenid",
            b"keyid",
            b"dir",
            b"arn",
            b"ref",
        ];
        (self.is_password() || WORDS.iter().any(|word| self.has(word)))
            && !ENDINGS.iter().any(|ending| self.folded.ends_with(ending))
    }

    /// `...;Password=value` or `Password=value;...`: `Name=value` pairs joined by semicolons.
    fn is_in_connection_string(&self, text: &[u8]) -> bool {
        const KEYS: &[&[u8]] = &[
            b"server",
            b"data source",
            b"host",
            b"user id",
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
        ];
        if !(self.is_password() || self.folded == b"pwd" || self.folded == b"accountkey") {
            return false;
        }
        let before = &text[self.start.saturating_sub(256)..self.start];
        let line = before.rsplit(|&b| matches!(b, b'\n' | b'"' | b'\'')).next().unwrap_or_default();
        let pair = line.trim_ascii_end().strip_suffix(b";").and_then(|l| l.rsplit(|&b| b == b';').next());
        pair.is_some_and(|pair| {
            let key = pair.split(|&b| b == b'=').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
            pair.contains(&b'=') && KEYS.contains(&key.as_slice())
        })
    }
}

/// The name whose last byte stands before `end`, stepping over closing quotes and brackets:
/// `password`, `"password"`, `\"password\"`, `env["PASSWORD"]`.
fn name_ending_at(text: &[u8], mut end: usize) -> Option<(usize, usize)> {
    let mut stepped = 0;
    while end > 0 && stepped < 4 && matches!(text[end - 1], b'"' | b'\'' | b'`' | b']' | b'\\') {
        end -= 1;
        stepped += 1;
    }
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$');
    let len = text[..end].iter().rev().take(NAME_MAX_BYTES).take_while(is_name).count();
    (len > 0).then_some((end - len, end))
}

/// The name of a typed declaration (`let token: &str = ...`) whose type starts at `type_start`.
fn declared_name(text: &[u8], type_start: usize) -> Option<(usize, usize)> {
    let window_start = type_start.saturating_sub(NAME_MAX_BYTES);
    let window = &text[window_start..type_start];
    let colon = window.iter().rposition(|&b| matches!(b, b':' | b'=' | b';' | b',' | b'(' | b'{' | b'\n'))?;
    if window[colon] != b':' {
        return None;
    }
    name_ending_at(text, trim_blanks_left(text, window_start + colon))
}

fn trim_blanks_left(text: &[u8], end: usize) -> usize {
    end - text[..end].iter().rev().take(BLANKS_MAX).take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// The value right of the operator.
struct Value {
    start: usize,
    end: usize,
    /// The quote around it, when it is quoted.
    quote: Option<u8>,
    /// Whether code follows that makes it an expression: a call, an index, a member.
    continues: bool,
}

impl Value {
    fn after(text: &[u8], operator: usize) -> Option<Self> {
        let mut at = operator + 1;
        while text.get(at).is_some_and(|b| matches!(b, b'=' | b'>')) {
            at += 1;
        }
        at += text[at..].iter().take(BLANKS_MAX).take_while(|b| matches!(b, b' ' | b'\t')).count();
        let prefix = text[at..]
            .iter()
            .take(3)
            .take_while(|b| matches!(b, b'b' | b'r' | b'f' | b'u' | b'@' | b'#' | b'\\' | b'B' | b'R' | b'L'))
            .count();
        if let Some(&quote) = text.get(at + prefix).filter(|b| matches!(b, b'"' | b'\'' | b'`')) {
            return Self::quoted(text, at + prefix, quote);
        }
        let rest = &text[at..];
        let mut len = rest.iter().take(VALUE_MAX_BYTES).take_while(|&&b| is_bare(b)).count();
        // `=` only pads base64; elsewhere it is the next assignment.
        if let Some(first) = rest[..len].iter().position(|&b| b == b'=') {
            let padding = rest[first..len].iter().take_while(|&&b| b == b'=').count();
            len = first + padding;
        }
        let continues = matches!(rest.get(len), Some(b'(' | b'[' | b'{' | b'<' | b'"' | b'\''));
        let bytes = rest[..len].strip_suffix(b".").unwrap_or(&rest[..len]);
        (!bytes.is_empty() && bytes.is_ascii()).then_some(Self {
            start: at,
            end: at + bytes.len(),
            quote: None,
            continues,
        })
    }

    fn quoted(text: &[u8], quote_at: usize, quote: u8) -> Option<Self> {
        // Three quotes open a long string; its value starts behind the third.
        let tripled = text[quote_at..].starts_with(&[quote; 3]);
        let start = quote_at + if tripled { 3 } else { 1 };
        let rest = &text[start..];
        let len = rest.iter().take(VALUE_MAX_BYTES).position(|&b| b == quote || b == b'\n')?;
        let closed = rest[len] == quote;
        let bytes = rest[..len].strip_suffix(b"\\").unwrap_or(&rest[..len]);
        closed.then_some(Self { start, end: start + bytes.len(), quote: Some(quote), continues: false })
    }
}

fn is_bare(byte: u8) -> bool {
    !(byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"'`,;()[]{}<>&|\\".contains(&byte))
}
