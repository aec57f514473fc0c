//! Random-looking strings near a word that says what they are: a key, a token, a vendor's name.
//!
//! Owns which words in front of a string make it a secret and which make it a digest, an id, a
//! revision. The nearest such word decides. Never looks at short or regular strings.

use crate::alphabet::{is_base64, line_start};
use crate::issued::{is_dense, is_issued, is_version, opens_as_secret};
use crate::judge::{is_public, is_uuid};
use crate::kind::Kind;
use crate::marks::Runs;
use crate::openings::Words;
use crate::placeholder::is_placeholder;
use crate::random::{Makeup, bits_per_byte, is_identifier, is_named_digest, is_random};
use crate::scan::{Found, Options};
use crate::vendors;

/// Shortest string looked at: shorter ones are too often words and numbers.
const RUN_MIN_BYTES: usize = 16;
/// Longest string judged; what is longer is data.
const RUN_MAX_BYTES: usize = 512;
/// How far back words count, in bytes and in words.
const WINDOW_BYTES: usize = 72;
const WORDS_MAX: usize = 7;

/// Words that announce a secret. Small letters.
#[rustfmt::skip]
static HINTS: Words = Words::of(&[
    "access", "aes", "anahtar", "apikey", "apitoken", "appkey", "appsecret", "auth", "authkey", "authorization",
    "authtoken", "avain", "bearer", "chave", "cheie", "chiave", "clave", "cle", "clientsecret", "cred", "credential",
    "credentials", "creds", "dsn", "fernet", "hmac", "importprivkey", "jwt", "key", "keys", "klucz", "kulcs", "leaked",
    "licence", "license", "llave", "login", "nyckel", "pass", "passphrase", "passwd", "password", "pasted", "pat",
    "private", "privatekey", "privkey", "psk", "pwd", "schluessel", "secret", "secretkey", "secrets", "session",
    "sessionid", "sid", "signing", "sleutel", "token", "tokens", "unseal", "webhook", "wif",
]);

/// Words of other scripts, or with letters that ASCII has not, that announce a secret: somewhere in a word,
/// because not all scripts part words by blanks. Small letters.
#[rustfmt::skip]
const FOREIGN_HINTS: &[&str] = &[
    "schlüssel", "clé", "ключ", "токен", "секрет", "пароль", "密钥", "密鑰", "令牌", "秘密", "キー", "鍵", "トークン", "シークレット", "토큰", "비밀", "κλειδί",
    "מפתח", "مفتاح", "şifre", "contraseña", "hasło", "heslo", "avainkoodi", "nøgle", "nøkkel", "klíč", "kľúč", "ključ",
];

/// Words that only join a name with its value.
const COPULAS: &[&[u8]] = &[
    b"is", b"are", b"was", b"to", b"as", b"lautet", b"ist", b"est", b"es", b"son", b"jest", b"equals", b"use",
    b"value", b"wynosi", b"byl", b"je", b"on", b"this", b"one", b"the",
];

/// Labels that say nothing of their value: what it is stands on a line above, as in the blocks of HCL.
const LABELS: &[&[u8]] = &[
    b"default",
    b"value",
    b"content",
    b"plaintext",
    b"string",
    b"type",
    b"sensitive",
    b"true",
    b"false",
    b"nullable",
    b"stringvalue",
    b"data",
];

/// Words that announce something else. Small letters.
#[rustfmt::skip]
static DENIALS: Words = Words::of(&[
    "account", "address", "ami", "arn", "artifact", "asset", "babel", "base32", "base64", "bech32", "blob", "block",
    "boundary", "branch", "build", "bundle", "cargohash", "cert", "certificate", "challenge", "channel", "charge",
    "checksum", "chunk", "cid", "cidv1", "class", "cluster", "color", "colour", "commit", "commits",
    "compare", "contact", "container", "contract", "correlation", "crc", "css", "cuid", "cursor",
    "customer", "desc", "description", "digest", "distribution", "distributionsha256sum", "doc", "docs", "document",
    "drive", "dss", "ecdsa", "ed25519", "etag", "etags", "event", "file", "filename", "fingerprint", "folder", "font",
    "generation", "gist", "git", "gpg", "guid", "hash", "hashed", "head", "host", "hostname", "href", "icon", "id",
    "identity", "image", "index", "inline", "instance", "integrity", "invoice", "ipfs", "job", "ksuid", "label",
    "layer", "link", "locale", "magnet", "md5", "merge", "message", "mint", "model", "modulus", "multihash", "name",
    "nanoid", "nar", "narhash", "node", "nonce", "object", "offset", "order", "page", "parent", "paste", "path",
    "payment", "peer", "peerid", "permalink", "pgp", "png", "pod", "product", "project", "pub", "public", "rebase",
    "receiver", "recipient", "ref", "reference", "region", "release", "request", "resolved", "resource", "rev",
    "revert", "revision", "rsa", "run", "sender", "seq", "sequence", "serial", "sha", "sha1", "sha224", "sha256",
    "sha384", "sha512", "sheet", "signature", "sitekey", "sitemap", "slug", "snapshot", "span", "src", "sri", "ssh",
    "style", "subject", "subnet", "svg", "tag", "task", "thumbprint", "timestamp", "title", "trace", "traceparent",
    "transaction", "tree", "tx", "txid", "ulid", "upload", "url", "uuid", "vendorhash", "version", "video", "volume",
    "vpc", "webpack", "woff", "woff2", "zip", "zone",
]);

/// What stands before `key` and makes it something else. Small letters.
#[rustfmt::skip]
static OTHER_KEYS: Words = Words::of(&[
    "cache", "composite", "dedup", "foreign", "gpg", "hash", "idempotency", "index", "object", "partition", "pgp", "primary", "pub",
    "public", "publishable", "row", "s3", "site", "sort",
]);

/// Code hosts, beside whose names revisions stand. Small letters.
const CODE_HOSTS: &[&[u8]] = &[b"api", b"codacy", b"codecov", b"coveralls", b"circleci", b"travisci", b"sourcegraph"];

/// Finds in all runs of `text`.
pub(crate) fn find(text: &[u8], options: &Options, found: &mut Vec<Found>) {
    if !options.guess {
        return;
    }
    let mut runs = Runs::<_, RUN_MIN_BYTES>::new(text, is_part);
    let mut at = 0;
    while let Some((start, end)) = runs.next_from(at) {
        found.extend(judge(text, start, end, options));
        at = end;
    }
}

/// Base64 by comparisons alone, for a whole block of the text at once.
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from using vectors")]
fn is_part(byte: u8) -> bool {
    ((byte | 32).wrapping_sub(b'a') < 26)
        | (byte.wrapping_sub(b'/') < 11)
        | (byte == b'+')
        | (byte == b'-')
        | (byte == b'_')
        | (byte == b'=')
}

#[inline(never)]
fn judge(text: &[u8], start: usize, end: usize, options: &Options) -> Option<Found> {
    let named =
        text[start..end].iter().position(|&b| b == b'=').filter(|at| *at < 20).map_or(start, |at| start + at + 1);
    if let Some(one) = discord(text, named, end).or_else(|| structured(text, named, end)) {
        return Some(one);
    }
    // Words and paths of words are no keys: those have digits or capitals.
    if !text[start..end].iter().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return None;
    }
    let (start, end) = stripped(text, start, end);
    // The letter of an escape is no part of what follows it.
    let is_escaped = text[..start].ends_with(b"\\") && matches!(text.get(start), Some(b'n' | b't' | b'r'));
    let start = (start + usize::from(is_escaped)).min(end);
    // The segments of a path are judged without what leads to them.
    let (start, in_path) = match last_segment(&text[start..end]) {
        Some(segment) => (start + segment, true),
        None => (start, start > 0 && text[start - 1] == b'/'),
    };
    let run = text.get(start..end)?;
    if run.len() < RUN_MIN_BYTES || run.len() > RUN_MAX_BYTES {
        return None;
    }
    let is_id = is_uuid(run);
    // `NL80211_CMD_NEW_KEY` is a constant's name.
    let is_constant = run.iter().filter(|b| **b == b'_').count() >= 2 && !run.iter().any(u8::is_ascii_lowercase);
    if is_constant {
        return None;
    }
    // What stands in front costs less to read than to tell how random a run is.
    let near = near(text, start);
    if matches!(near, Near::Denial) || matches!(near, Near::Nothing) && in_path {
        return None;
    }
    let is_key = is_id || is_random(run) && bits_per_byte(run) >= options.min_entropy.max(2.5);
    if !is_key || is_named_digest(run) {
        return None;
    }
    // What is sealed already, `ENC[AES256_GCM,data:...]`, and names of resources tell nothing.
    let lead = &text[line_start(text, start, WINDOW_BYTES * 3)..start];
    let is_sealed = || lead.windows(4).rposition(|w| w == b"ENC[").is_some_and(|at| !lead[at..].contains(&b']'));
    let word = lead.rsplit(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'')).next().unwrap_or_default();
    // `--- PASS: TestLogin2Factor` is the name of a test.
    let tested = lead.trim_ascii_end();
    let is_test = run.starts_with(b"Test") && (tested.ends_with(b"PASS:") || tested.ends_with(b"PASS"));
    if word.starts_with(b"arn:") || is_test || is_sealed() {
        return None;
    }
    let makeup = Makeup::of(run);
    let slashes = run.iter().filter(|b| **b == b'/').count();
    let is_likely = match near {
        Near::Hint { words } => !is_id || words == 0,
        Near::Vendor { words, is_host } => {
            let is_long = if makeup.is_hex {
                matches!(run.len(), 32 | 48 | 64) || run.len() == 40 && words <= 1 && !is_host
            } else {
                run.len() >= 20 || makeup.digits > 0 && words <= 1
            };
            let is_last = text.get(end).is_none_or(|b| matches!(b, b'\n' | b'\r'));
            let is_own_id = is_id && words == 0 && !is_host && (is_last || is_given(text, start, end));
            (is_long && !is_id || is_own_id) && !in_path && words <= 2
        }
        Near::Denial => false,
        Near::Nothing => {
            opens_as_secret(run)
                || is_given(text, start, end) && is_dense(run, &makeup)
                || is_issued(run, lead.is_empty())
        }
    };
    let is_secret =
        is_likely && slashes * 8 <= run.len() && !is_placeholder(run) && !is_public(run) && makeup.letters() > 0;
    let (start, end) = if in_path { (start, end) } else { widened(text, start, end) };
    if is_version(&text[start..end]) {
        return None;
    }
    is_secret.then_some(Found { kind: Kind::GENERIC_SECRET, start, end, confidence: 0.5 })
}

/// Whether a run that no word explains is all of a literal, of what is given to a name, or of a line.
fn is_given(text: &[u8], start: usize, end: usize) -> bool {
    let lead = text[line_start(text, start, WINDOW_BYTES)..start].trim_ascii_end();
    let is_quoted = matches!(text[..start].last(), Some(b'"' | b'\'' | b'`'))
        && text[..start].last() == text.get(end)
        && !lead.starts_with(b"<");
    let is_assigned = matches!(lead.last(), Some(b':' | b'=')) && !lead.ends_with(b"::")
        || lead.ends_with(b"=>")
        || lead.ends_with(b"->");
    let is_alone = text.get(end).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';'));
    let is_enclosed = text[..start].ends_with(b" (") && text.get(end) == Some(&b')');
    is_quoted || is_assigned && is_alone || is_enclosed
}

/// Where the last segment of a path begins; none when the run is no path: a segment in front is a word.
fn last_segment(run: &[u8]) -> Option<usize> {
    let last = run.iter().rposition(|&b| b == b'/')?;
    let is_word = |segment: &[u8]| segment.len() >= 2 && is_identifier(segment);
    (run[..last].is_empty() || run[..last].split(|&b| b == b'/').any(is_word)).then_some(last + 1)
}

/// Leaves out a name that was glued to the run: `key=`, `token-`, `?x=`.
fn stripped(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let run = &text[start..end];
    let padding = run.iter().rev().take_while(|b| **b == b'=').count();
    match run[..run.len() - padding].iter().rposition(|&b| b == b'=') {
        Some(equals) => (start + equals + 1, end),
        None => (start, end),
    }
}

/// The whole of what the run is part of, up to blanks, quotes and brackets.
fn widened(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let is_part = |b: &&u8| {
        is_base64(**b) && **b != b'=' || matches!(**b, b'.' | b'~' | b'!' | b'$' | b'%' | b'^' | b'*' | b'@' | b'#')
    };
    let back = text[..start].iter().rev().take(200).take_while(is_part).count();
    let back = back
        - usize::from(
            back > 0 && text[..start - back].ends_with(b"\\") && matches!(text[start - back], b'n' | b't' | b'r'),
        );
    let on = text[end..].iter().take(200).take_while(is_part).count();
    let trailing = text[end..end + on].iter().rev().take_while(|b| matches!(b, b'.' | b'*' | b'!')).count();
    (start - back, end + on - trailing)
}

/// A word nearby, and how many words stand between it and the run.
enum Near {
    Hint {
        words: usize,
    },
    Vendor {
        words: usize,
        is_host: bool,
    },
    /// A word that announces something else.
    Denial,
    /// No word that tells anything.
    Nothing,
}

/// The nearest telling word in front of the run that starts at `start`.
fn near(text: &[u8], start: usize) -> Near {
    let mut from = line_start(text, start, WINDOW_BYTES);
    let mut seen: [u8; SEEN_BYTES] = [0; SEEN_BYTES];
    if text[from..start].iter().all(|b| !is_of_word(*b)) && from > 1 && text[from - 1] == b'\n' {
        from = line_start(text, from - 1, WINDOW_BYTES);
    } else if last_word(&text[from..start], &mut seen)
        .is_some_and(|(word, rest)| LABELS.contains(&word) && !rest.iter().any(|b| is_of_word(*b)))
    {
        // A label alone on its line: what is above counts.
        from = start.saturating_sub(2 * WINDOW_BYTES);
    }
    let mut window = &text[from..start];
    let mut words = 0;
    // A service's name counts when no hint stands in front of it.
    let mut vendor = None;
    for _ in 0..WORDS_MAX + 4 {
        let Some((word, rest)) = last_word(window, &mut seen).filter(|_| words < WORDS_MAX) else {
            return vendor.unwrap_or(Near::Nothing);
        };
        if HINTS.has(word) {
            let is_key = matches!(word, b"key" | b"keys");
            let mut before = [0; SEEN_BYTES];
            let is_other = is_key && last_word(rest, &mut before).is_some_and(|(word, _)| OTHER_KEYS.has(word));
            let words = if vendor.is_some() { 0 } else { words };
            return match vendor {
                Some(vendor) if is_other => vendor,
                _ if is_other => Near::Denial,
                _ => Near::Hint { words },
            };
        }
        if DENIALS.has(word) {
            return vendor.unwrap_or(Near::Denial);
        }
        if word.iter().any(|b| *b >= 0x80) && is_foreign_hint(word) {
            return Near::Hint { words: if vendor.is_some() { 0 } else { words } };
        }
        if vendor.is_none() && is_vendor(word) {
            vendor = Some(Near::Vendor { words, is_host: CODE_HOSTS.contains(&word) });
        }
        // `HubSpot`: the humps of a name together.
        if vendor.is_none() && rest.len() < window.len() && rest.last().is_some_and(u8::is_ascii_lowercase) {
            let mut whole = [0; SEEN_BYTES];
            if is_vendor(whole_word(window, &mut whole)) {
                vendor = Some(Near::Vendor { words, is_host: false });
            }
        }
        if vendor.is_none() && word == b"api" {
            // `acme api => ...`: whose it is counts.
            let mut before = [0; SEEN_BYTES];
            let is_host = !last_word(rest, &mut before).is_some_and(|(word, _)| is_vendor(word));
            vendor = Some(Near::Vendor { words, is_host });
        }
        words += usize::from(!(COPULAS.contains(&word) || LABELS.contains(&word) || word.iter().all(|b| *b >= 0x80)));
        window = rest;
    }
    vendor.unwrap_or(Near::Nothing)
}

fn is_foreign_hint(word: &[u8]) -> bool {
    // Capitals of other scripts are told from small letters by one bit of their last byte or not at all.
    let lower = String::from_utf8_lossy(word).to_lowercase();
    FOREIGN_HINTS.iter().any(|hint| lower.contains(hint))
}

/// Whether `word` names a service, perhaps with the ending that its site or library has.
fn is_vendor(word: &[u8]) -> bool {
    vendors::is_vendor(word)
        || [&b"s"[..], b"api", b"hq", b"ai", b"io", b"app"]
            .iter()
            .any(|ending| word.strip_suffix(*ending).is_some_and(|word| word.len() >= 4 && vendors::is_vendor(word)))
}

/// Most of a word that is looked at, in bytes.
const SEEN_BYTES: usize = 32;

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// The last word of `window` in small letters, humps and all.
fn whole_word<'s>(window: &[u8], seen: &'s mut [u8; SEEN_BYTES]) -> &'s [u8] {
    let end = window.iter().rposition(|b| is_of_word(*b)).map_or(0, |last| last + 1);
    let len = window[..end].iter().rev().take(SEEN_BYTES).take_while(|b| is_of_word(**b)).count();
    for (to, from) in seen.iter_mut().zip(&window[end - len..end]) {
        *to = from.to_ascii_lowercase();
    }
    &seen[..len]
}

/// The last word of `window` in small letters, and what stands before it. A hump is a word.
fn last_word<'w, 's>(window: &'w [u8], seen: &'s mut [u8; SEEN_BYTES]) -> Option<(&'s [u8], &'w [u8])> {
    let end = window.iter().rposition(|b| is_of_word(*b))? + 1;
    let mut start = end;
    while start > 0 && is_of_word(window[start - 1]) && end - start < seen.len() {
        start -= 1;
        let opens_hump = window[start].is_ascii_uppercase() && start > 0 && window[start - 1].is_ascii_lowercase();
        if opens_hump {
            break;
        }
    }
    let len = end - start;
    for (to, from) in seen.iter_mut().zip(&window[start..end]) {
        *to = from.to_ascii_lowercase();
    }
    Some((&seen[..len], &window[..start]))
}

/// Keys whose make-up tells them though no word of theirs is long enough for the index: Twilio's, ngrok's,
/// Okta's, and the pairs of Ghost, Asana and Facebook.
fn structured(text: &[u8], start: usize, end: usize) -> Option<Found> {
    let run = &text[start..end];
    let found = |start: usize| Some(Found { kind: Kind::GENERIC_SECRET, start, end, confidence: 0.8 });
    let is_hex = |bytes: &[u8]| bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
    let is_tunnel = |run: &[u8]| run[27] == b'_' && run[0] == b'2' && run.iter().filter(|b| **b == b'_').count() == 1;
    // A DeepL key is a UUID with a mark behind it, a NATS seed base32 that says what it is of.
    if run.len() == 36 && is_uuid(run) && text[end..].starts_with(b":fx") {
        return Some(Found { kind: Kind::GENERIC_SECRET, start, end: end + 3, confidence: 0.8 });
    }
    let is_seed = run.len() == 58
        && matches!(run, [b'S', b'U' | b'A' | b'O' | b'N' | b'C' | b'X', ..])
        && run.iter().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
        && run.iter().any(u8::is_ascii_digit);
    // UptimeRobot's: the number of the account or monitor, and hex.
    let is_monitor = (28..=44).contains(&run.len())
        && matches!(run[0], b'u' | b'm')
        && run.iter().position(|&b| b == b'-').is_some_and(|dash| {
            dash >= 6
                && run[1..dash].iter().all(u8::is_ascii_digit)
                && run.len() - dash > 20
                && is_hex(&run[dash + 1..])
        });
    if is_seed || is_monitor {
        return found(start);
    }
    match run.len() {
        34 if run.starts_with(b"SK") && is_hex(&run[2..]) && is_random(&run[2..]) => return found(start),
        49 if is_tunnel(run) && is_random(&run[..27]) => return found(start),
        42 if run.starts_with(b"00") && is_random(run) && Makeup::of(run).upper > 3 && !is_hex(run) => {
            return found(start);
        }
        27 | 32 | 64 => {}
        _ => return None,
    }
    let lead = &text[start.saturating_sub(26)..start];
    let is_of = |separator: u8, len: usize, is_part: fn(&u8) -> bool| {
        lead.last() == Some(&separator)
            && lead[..lead.len() - 1].iter().rev().take_while(|b| is_part(b)).count() == len
            && is_random(run)
    };
    match run.len() {
        64 if is_hex(run) && is_of(b':', 24, u8::is_ascii_hexdigit) => found(start - 25),
        32 if is_hex(run) && is_of(b':', 16, u8::is_ascii_digit) => found(start - 17),
        27 => (13..=17).find(|len| is_of(b'|', *len, u8::is_ascii_digit)).and_then(|len| found(start - len - 1)),
        _ => None,
    }
}

/// A Discord bot's token: the bot's number in base64, a time, a signature.
fn discord(text: &[u8], start: usize, end: usize) -> Option<Found> {
    let is_first =
        (23..=28).contains(&(end - start)) && matches!(text[start], b'M' | b'N' | b'O') && text.get(end) == Some(&b'.');
    if !is_first {
        return None;
    }
    let part = |from: usize| text[from..].iter().take(50).take_while(|&&b| crate::alphabet::is_word(b)).count();
    let second = part(end + 1);
    let third_at = end + 1 + second + 1;
    if !(5..=7).contains(&second) || text.get(third_at - 1) != Some(&b'.') {
        return None;
    }
    let third = part(third_at);
    let is_token =
        (27..=42).contains(&third) && is_random(&text[start..end]) && is_random(&text[third_at..third_at + third]);
    is_token.then_some(Found { kind: Kind::DISCORD_TOKEN, start, end: third_at + third, confidence: 1.0 })
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::scan::Options;

    #[test]
    fn the_nearest_word_decides() {
        let cut = |text: &str| {
            let mut found = Vec::new();
            find(text.as_bytes(), &Options::default(), &mut found);
            found.first().map(|one| text[one.start..one.end].to_owned())
        };
        let run = "q7Zr2LkW9xVb4NsD1mHt8Gy";
        for text in ["api key {}", "<apiKey>{}</apiKey>", "use the token ({}) now", "deepgram({})", "secret: {}."] {
            assert_eq!(cut(&text.replace("{}", run)).as_deref(), Some(run), "{text}");
        }
        for text in ["commit {}", "key digest {}", "public key {}", "the value {}", "https://deepgram.com/x/{}"] {
            assert_eq!(cut(&text.replace("{}", run)), None, "{text}");
        }
    }
}
