//! Names that announce a secret: `password`, `DB_PASS`, `apiKey`, `client.secret`, `пароль`.
//!
//! Owns what a name promises, by its parts: `cache_key` promises nothing, `key` little, `api_key` a
//! random value, `password` any value at all. Never looks at the value; see `judge`.

use crate::alphabet::{continues_with, is_word};
use crate::openings::Words;
use crate::scan::Options;
use crate::table::{self, Column, Parens};
use crate::value::{self, Before, Value};
use crate::{command, document, judge, prose};

/// Longest name looked at, in bytes.
const NAME_MAX_BYTES: usize = 80;
/// Most parts of a name looked at.
const PARTS_MAX: usize = 12;

/// What the scan looks for: each stands somewhere in a name that may promise a secret.
#[rustfmt::skip]
pub(crate) const WORDS: &[&str] = &[
    "pass", "pwd", "psw", "_pw", "pw=", "pw:", "pw ", "pw\"", "pw'", "-pw", "kennwort", "senha", "contrasena",
    "wachtwoord", "haslo", "heslo", "parola", "losenord", "salasana", "adgangskode", "lozinka", "parool", "jelszo",
    "sifre", "secret", "token", "key", "cred", "auth", "psk", "jwt", "dsn", "sas", "sid", "sessid", "session", "csrf",
    "xsrf", "sig", "otp", "pin", "_pat", "pat=", "pat:", "licen", "salt", "seed", "connectionstring",
    "connection_string", "connstr", "hmac", "verification code", "security code", "cvv", "cvc", "community",
    "assword", "access code", "code is", "sonar.login", "bindpw", "rootpw", "gate code", "door code", "alarm code",
    "entry code", "lock code", "combination", "einmalcode", "zugangscode", "keymaterial", "backup codes",
    "tan:", "code:", "2fa code", "mfa code", "mdp", "recovery codes", "unlock code", "clave", "kodeord", "geslo",
    "slaptazodis", "contrasenya", "kata sandi",
];

/// Words for 'password' that are not ASCII, in small letters.
#[rustfmt::skip]
pub(crate) const FOREIGN: &[&str] = &[
    "пароль", "Пароль", "Κωδικός", "Şifre", "contraseña", "hasło", "lösenord", "şifre", "jelszó", "密码", "密碼", "口令", "パスワード", "비밀번호", "mot de passe",
    "mật khẩu", "κωδικός", "סיסמה", "كلمة المرور", "palavra-passe", "clé secrète", "identified by",
    "convertto-securestring", "clave de acceso", "la clave es", "nickserv identify", "rootpw --plaintext", "security_answer", "securityanswer",
    "secret_answer", "snmp-server community", "security question", "secret question", "security answer", "rocommunity", "rwcommunity", "community string",
];

/// What a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A random value, if it is long and nothing else is likely: `key`, `auth`, `session`.
    Hint,
    /// A short number: `otp`, `pin`, `cvv`.
    Code,
    /// A random value: `api_key`, `token`, `secret`.
    Secret,
    /// Any value at all: `password`.
    Password,
}

/// Parts that say password as a whole part of a name.
#[rustfmt::skip]
static PASSWORD_PARTS: Words = Words::of(&[
    "psk", "pass", "pwd", "psw", "pw", "pswd", "passwd", "passwort", "kennwort", "senha", "contrasena",
    "wachtwoord", "haslo", "heslo", "parola", "losenord", "salasana", "adgangskode", "lozinka", "parool",
    "jelszo", "sifre", "assword", "masterauth", "mdp", "clave", "passord", "kodeord", "geslo", "slaptazodis",
    "contrasenya", "sandi",
]);

/// Words for 'password' that take endings.
const INFLECTED: &[&[u8]] =
    &[b"adgangskode", b"salasana", b"wachtwoord", b"kennwort", b"losenord", b"lozink", b"contrasena", b"hasl"];

/// Words that end in `pass` and are none.
#[rustfmt::skip]
const NO_PASS: &[&[u8]] = &[
    b"bypass", b"compass", b"encompass", b"surpass", b"overpass", b"underpass", b"trespass", b"lowpass", b"highpass",
    b"bandpass", b"multipass", b"mqpw", b"ppw", b"renderpass", b"subpass", b"keepass", b"lastpass", b"sshpass", b"askpass",
];

/// Parts that promise a random value.
#[rustfmt::skip]
static SECRET_PARTS: Words = Words::of(&[
    "secret", "token", "jwt", "pat", "dsn", "cred", "creds", "credential", "credentials", "hmac", "apikey",
    "accesskey", "authkey", "secretkey", "privatekey", "connectionstring", "connstr", "sas", "licensekey",
    "authtoken", "secrets", "apitoken", "apisecret", "appkey", "appsecret", "authtok",
]);

/// What stands before `key` and makes it promise a random value.
#[rustfmt::skip]
static KEY_QUALIFIERS: Words = Words::of(&[
    "api", "access", "auth", "authentication", "authorization", "secret", "private", "signing", "sign",
    "encryption", "encrypt", "decryption", "encrypted", "master", "account", "storage", "shared", "license",
    "licence", "service", "app", "application", "client", "consumer", "server", "admin", "deploy",
    "deployment", "session", "webhook", "integration", "subscription", "security", "ingest", "ingestion",
    "write", "read", "crypto", "cipher", "aes", "jwt", "ssh", "gpg", "pgp", "rsa", "wif", "wallet",
    "personal", "user", "root", "bot", "hmac", "verification", "product", "activation", "serial",
    "recovery", "vault", "unseal", "cookie", "csrf", "routing", "instrumentation", "management", "primary",
    "secondary", "project", "org", "team", "dev", "prod", "production", "live", "test", "staging",
    "sandbox", "sdk", "rest", "function", "host", "device", "registration", "stream", "wep", "wpa",
    "network", "preshared", "symmetric", "data", "setup", "totp", "authenticator", "backup",
]);

/// What stands before `key` (or another word) and makes it promise nothing.
#[rustfmt::skip]
static INNOCENT: Words = Words::of(&[
    "public", "pu", "foreign", "cache", "sort", "partition", "idempotency", "idempotent", "idem", "row",
    "hash", "index", "object", "translation", "i18n", "map", "dict", "group", "composite", "natural",
    "surrogate", "hot", "arrow", "registry", "lookup", "unique", "business", "join", "shard", "locale",
    "message", "feature", "config", "lang", "dedup", "deduplication", "react", "issue", "jira", "next",
    "page", "pagination", "continuation", "cursor", "sync", "cancellation", "cancel", "syntax", "lex",
    "lexer", "stop", "eos", "pad", "bos", "mask", "special", "publishable", "known", "host_public", "site",
    "widget", "merge", "bucket", "etag", "change", "resource", "s3", "file", "blo", "image", "trace",
    "span", "resume", "ta", "enter", "escape", "shift", "ctrl", "alt", "return", "space", "backspace",
    "delete", "any", "press", "esc", "design", "nft", "erc20", "fungible", "per", "word",
]);

/// Last parts of names of something about a secret, or of something else altogether.
#[rustfmt::skip]
static ENDINGS: Words = Words::of(&[
    "file", "filename", "path", "name", "url", "uri", "field", "label", "type", "kind", "length", "len",
    "count", "expiry", "expires", "expired", "expiration", "ttl", "hint", "policy", "regex", "pattern",
    "prefix", "suffix", "header", "headers", "placeholder", "version", "endpoint", "format", "scope",
    "scopes", "limit", "tokens", "dir", "directory", "arn", "ref", "env", "var", "variable", "index",
    "column", "table", "enabled", "required", "valid", "status", "error", "errors", "message", "text",
    "title", "description", "class", "provider", "manager", "service", "store", "helper", "validator",
    "validation", "input", "box", "strength", "reset", "created", "updated", "at", "date", "time", "age",
    "days", "min", "max", "rotation", "generator", "callback", "handler", "factory", "issuer", "audience",
    "algorithm", "alg", "method", "source", "location", "address", "symbol", "supply", "balance", "price",
    "usage", "budget", "size", "id", "ids", "uuid", "guid", "host", "hostname", "port", "user",
    "username", "email", "mail", "login", "link", "page", "form", "button", "screen", "view", "component",
    "prompt", "request", "response", "result", "state", "mode", "option", "options", "settings", "config",
    "exists", "present", "changed", "check", "fingerprint", "digest", "sha", "sha1", "sha256", "md5",
    "thumbprint", "checksum", "pair", "ring", "board", "word", "words", "code_url", "engine", "backend",
    "namespace", "rate", "per", "secs", "seconds", "minutes", "hours", "ms", "last", "updates", "listener",
    "event", "events", "action", "model", "schema", "property", "attribute", "map", "list", "set", "names",
    "manifest", "template", "resource", "binding", "role", "group", "owner", "domain", "region", "zone",
    "bucket", "reference", "bits", "bytes", "script", "command", "cmd", "app", "server", "bundle",
    "iterations", "rounds", "cost", "entropy", "feature", "flag", "fields", "support", "api", "lifetime",
    "duration", "timeout", "interval", "period", "window", "retry", "retries", "attempts", "failures",
    "failed", "stdin", "agent",
]);

/// What was read around the last names, so that a row of names costs no more than its length.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    column: Column,
    parens: Parens,
    sentence: prose::Reach,
}

/// A name in the text, taken apart.
#[expect(clippy::struct_excessive_bools, reason = "each is something the name says, and any may be so")]
pub(crate) struct Name {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) class: Class,
    /// Whether it is written in capitals, as variables of the environment are.
    pub(crate) is_upper: bool,
    /// Whether it says AWS and secret.
    pub(crate) is_aws_secret: bool,
    /// Whether it is `AccountKey`, `SharedAccessKey`: the keys of connection strings.
    pub(crate) is_account_key: bool,
    /// Whether it is a word of another script.
    pub(crate) is_foreign: bool,
}

/// The name around the word that stands at `at` to `end`; none when it promises nothing.
pub(crate) fn name_around(text: &[u8], at: usize, end: usize) -> Result<Name, usize> {
    let is_name = |b: &&u8| is_word(**b) || matches!(b, b'.' | b'$');
    let back = text[..at].iter().rev().take(NAME_MAX_BYTES).take_while(is_name).count();
    let word_end = end - usize::from(matches!(text[end - 1], b'=' | b':' | b' ' | b'"' | b'\''));
    let on = text[word_end..].iter().take(NAME_MAX_BYTES).take_while(is_name).count();
    let start = at - back;
    let mut name_end = word_end + on;
    while name_end > word_end && matches!(text[name_end - 1], b'.' | b'-' | b'$') {
        name_end -= 1;
    }
    let raw = &text[start..name_end];
    let parts = Parts::of(raw);
    // `SSHPASS=...` gives what the program of that name reads.
    let is_given = parts.folded() == b"sshpass" && text.get(name_end) == Some(&b'=')
        || parts.folded() == b"keymaterial" && text[..start].ends_with(b"<");
    let class = if is_given { Class::Password } else { parts.class(&text[..start]).ok_or(name_end)? };
    let folded = parts.folded();
    let has = |word: &[u8]| folded.windows(word.len()).any(|window| window == word);
    Ok(Name {
        start,
        end: name_end,
        class,
        is_upper: !raw.iter().any(u8::is_ascii_lowercase) && raw.len() > 2,
        is_aws_secret: has(b"secretaccesskey") || (has(b"aws") && has(b"secret")),
        is_account_key: folded == b"accountkey"
            || folded == b"sharedaccesskey"
            || folded == b"accesskey"
            || folded == b"sharedsecret",
        is_foreign: false,
    })
}

/// A name's parts in small letters, split at separators, digits and changes of case.
struct Parts {
    bytes: [u8; NAME_MAX_BYTES],
    len: usize,
    /// Ends of the parts within `bytes`.
    ends: [usize; PARTS_MAX],
    count: usize,
}

impl Parts {
    fn of(raw: &[u8]) -> Self {
        // The end of a long name says more than its beginning.
        let raw = &raw[raw.len().saturating_sub(NAME_MAX_BYTES)..];
        let mut parts = Self { bytes: [0; NAME_MAX_BYTES], len: 0, ends: [0; PARTS_MAX], count: 0 };
        for (i, &byte) in raw.iter().enumerate() {
            let before = i.checked_sub(1).map_or(0, |i| raw[i]);
            let opens_hump = byte.is_ascii_uppercase()
                && (before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && raw.get(i + 1).is_some_and(u8::is_ascii_lowercase)));
            if opens_hump || !byte.is_ascii_alphabetic() {
                parts.close();
            }
            if byte.is_ascii_alphabetic() {
                parts.bytes[parts.len] = byte.to_ascii_lowercase();
                parts.len += 1;
            }
        }
        parts.close();
        parts
    }

    fn close(&mut self) {
        let from = self.count.checked_sub(1).map_or(0, |last| self.ends[last]);
        if self.len > from {
            if self.count == PARTS_MAX {
                // The first parts of a very long name are joined.
                self.ends.copy_within(1.., 0);
                self.count -= 1;
            }
            self.ends[self.count] = self.len;
            self.count += 1;
        }
    }

    fn part(&self, number: usize) -> &[u8] {
        let from = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[from..self.ends[number]]
    }

    fn folded(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// What the name promises; `before` is the text in front of it.
    fn class(&self, before: &[u8]) -> Option<Class> {
        let last = self.part(self.count.checked_sub(1)?);
        let best = (0..self.count).filter_map(|number| self.class_of_part(number, before)).max()?;
        if self.folded() == b"sonarlogin" {
            return Some(Class::Secret);
        }
        let is_hash = last == b"hash" || last == b"hashed";
        if ENDINGS.has(last) && !(last == b"id" && self.folded().ends_with(b"secretid")) && !self.is_session_id() {
            return None;
        }
        if is_hash && best != Class::Password {
            return None;
        }
        Some(best)
    }

    fn is_session_id(&self) -> bool {
        self.folded().ends_with(b"sessionid") || self.folded().ends_with(b"sessid")
    }

    fn class_of_part(&self, number: usize, before: &[u8]) -> Option<Class> {
        let part = self.part(number);
        let ends_with = |word: &[u8]| part.ends_with(word);
        let is_password = PASSWORD_PARTS.has(part)
            || [&b"passwor"[..], b"passwd", b"passphrase", b"passcode", b"passwrd", b"passkey"]
                .iter()
                .any(|word| part.windows(word.len()).any(|w| w == *word))
            || INFLECTED.iter().any(|word| part.starts_with(word) && part.len() <= word.len() + 4)
            || ((ends_with(b"pwd") || ends_with(b"pass") || ends_with(b"pw") && part.len() <= 8)
                && !NO_PASS.iter().any(|word| part.ends_with(word)));
        if is_password {
            return Some(Class::Password);
        }
        let owned = |word: &[u8]| word.to_vec();
        let previous = match number.checked_sub(1) {
            Some(previous) => self.part(previous).to_vec(),
            None => word_before(before).map_or_else(Vec::new, |word| owned(word).to_ascii_lowercase()),
        };
        let previous = previous.as_slice();
        let is_secret_part = SECRET_PARTS.has(part)
            || part == b"tokens"
            || part == b"keys"
            || [&b"secret"[..], b"token", b"apikey", b"accesskey"]
                .iter()
                .any(|word| ends_with(word) && part.len() <= 24);
        match part {
            _ if INNOCENT.has(previous) => None,
            b"key" if [&b"wifi"[..], b"fi", b"wlan", b"wpa", b"hotspot", b"wireless"].contains(&previous) => {
                Some(Class::Password)
            }
            b"key" | b"keys" if previous.is_empty() || !KEY_QUALIFIERS.has(previous) => Some(Class::Hint),
            _ if is_secret_part || part == b"key" => Some(Class::Secret),
            b"otp" | b"pin" | b"totp" | b"mfa" | b"cvv" | b"cvc" | b"cvn" | b"einmalcode" | b"zugangscode" | b"tan" => {
                Some(Class::Code)
            }
            b"combination" if previous == b"safe" || previous == b"lock" || previous == b"vault" => Some(Class::Code),
            b"code" | b"codes" if previous == b"backup" || previous == b"recovery" => Some(Class::Secret),
            b"code"
                if [
                    &b"verification"[..],
                    b"security",
                    b"access",
                    b"auth",
                    b"pin",
                    b"login",
                    b"backup",
                    b"recovery",
                    b"sms",
                    b"2fa",
                    b"fa",
                    b"mfa",
                    b"totp",
                    b"otp",
                    b"confirmation",
                    b"time",
                    b"gate",
                    b"door",
                    b"alarm",
                    b"entry",
                    b"lock",
                    b"unlock",
                ]
                .contains(&previous) =>
            {
                Some(Class::Code)
            }
            b"auth" | b"oauth" | b"session" | b"sessionid" | b"sid" | b"sessid" | b"csrf" | b"xsrf" | b"csrftoken"
            | b"sig" | b"signature" | b"license" | b"licence" | b"salt" | b"seed" | b"phpsessid" | b"jsessionid"
            | b"community" => Some(Class::Hint),
            _ if ends_with(b"key") && KEY_QUALIFIERS.begin(part) => Some(Class::Secret),
            _ => None,
        }
    }
}

/// The word in front of a name, on the same line and behind one blank or separator: `API key`.
fn word_before(before: &[u8]) -> Option<&[u8]> {
    let [trimmed @ .., b' ' | b'-' | b'_'] = before else { return None };
    let len = trimmed.iter().rev().take(24).take_while(|b| b.is_ascii_alphanumeric()).count();
    (len > 0).then(|| &trimmed[trimmed.len() - len..])
}

/// What the scan goes on with: where the name ended, and what was found.
pub(crate) fn at(
    text: &[u8],
    at: usize,
    end: usize,
    options: &Options,
    seen: &mut Seen,
    found: &mut Vec<crate::Found>,
) -> usize {
    let name = match name_around(text, at, end) {
        Ok(name) => as_word(text, name),
        Err(name_end) => return name_end,
    };
    if document::code_list(text, name.start, name.end, found) {
        return name.end;
    }
    if let Some((start, end)) = prose::passphrase(text, &name).filter(|_| options.guess) {
        found.push(crate::Found { kind: crate::Kind::PASSWORD, start, end, confidence: 0.7 });
        return end;
    }
    judge_name(text, &name, options, seen, found).max(name.end)
}

/// `the secret word`, `the secret phrase`: a password, told in two words.
fn as_word(text: &[u8], name: Name) -> Name {
    let is_word = |word: &str| {
        continues_with(text, name.end, word) && !text.get(name.end + word.len()).is_some_and(u8::is_ascii_alphanumeric)
    };
    match [" word", " phrase", " passphrase"].iter().find(|word| is_word(word)) {
        Some(word) if name.class == Class::Secret => {
            Name { end: name.end + word.len(), class: Class::Password, ..name }
        }
        _ => name,
    }
}

/// The value of a word for 'password' in another script; what the scan goes on with.
pub(crate) fn at_foreign(
    text: &[u8],
    at: usize,
    end: usize,
    options: &Options,
    seen: &mut Seen,
    found: &mut Vec<crate::Found>,
) -> usize {
    // A word in Latin letters may have an ending: `lösenordet`.
    let letters = text[end..].iter().take(6).take_while(|b| b.is_ascii_alphabetic()).count();
    let end = if text[end - 1].is_ascii_alphabetic() && letters < 4 { end + letters } else { end };
    let name = Name {
        start: at,
        end,
        class: Class::Password,
        is_upper: false,
        is_aws_secret: false,
        is_account_key: false,
        is_foreign: true,
    };
    judge_name(text, &name, options, seen, found).max(at)
}

/// Returns the end of a value whose inside need not be looked at for further names: it was found, or
/// is so long that a hostile text could be made of nothing but such.
fn judge_name(text: &[u8], name: &Name, options: &Options, seen: &mut Seen, found: &mut Vec<crate::Found>) -> usize {
    let is_flag = name.start > 0 && matches!(text[name.start], b'-')
        || (name.start > 0 && text[name.start - 1] == b'/' && name.start > 1 && text[name.start - 2] == b' ');
    let is_query = matches!(text[..name.start].last(), Some(b'?' | b'&' | b'#'));
    let before = Before { name_start: name.start, name_end: name.end, is_flag, is_query };
    let value: Option<Value> = value::after(text, before);
    if let Some(one) = value.and_then(|value| judge::judge(text, name, &value, options)) {
        found.push(one);
        return one.end;
    }
    if let Some((start, end)) = value::second_argument(text, name.end) {
        found.push(crate::Found { kind: crate::Kind::PASSWORD, start, end, confidence: 0.7 });
    }
    if name.class == Class::Password || name.class == Class::Secret {
        table::column(text, name.start, name.end, &mut seen.column, found);
        table::inserted(text, name.start, name.end, &mut seen.parens, found);
        command::redirected(text, name.start, found);
    }
    match value {
        Some(value) if value.end - value.start >= value::LONG_BYTES => value.end,
        Some(_) => 0,
        None => {
            prose::after(text, name, &mut seen.sentence, options, found);
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, name_around};

    fn class(name: &str, word: &str) -> Option<Class> {
        let at = name.find(word).unwrap();
        name_around(name.as_bytes(), at, at + word.len()).ok().map(|name| name.class)
    }

    #[test]
    fn a_name_promises_by_its_parts() {
        for (name, word, expected) in [
            ("DB_PASSWORD", "PASS", Some(Class::Password)),
            ("dbPass", "Pass", Some(Class::Password)),
            ("bypass", "pass", None),
            ("password_file", "pass", None),
            ("apiKey", "Key", Some(Class::Secret)),
            ("stripe.api-key", "key", Some(Class::Secret)),
            ("API key", "key", Some(Class::Secret)),
            ("public key", "key", None),
            ("cache_key", "key", None),
            ("key", "key", Some(Class::Hint)),
            ("monkey", "key", None),
            ("max_tokens", "token", None),
            ("token_type", "token", None),
            ("access_token", "token", Some(Class::Secret)),
            ("clientSecret", "Secret", Some(Class::Secret)),
            ("author", "auth", None),
            ("secret_id", "secret", Some(Class::Secret)),
        ] {
            assert_eq!(class(name, word), expected, "{name}");
        }
    }
}
