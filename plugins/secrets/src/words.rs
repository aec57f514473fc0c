//! Words that are no passwords: what sentences and forms say about a password, names of types,
//! algorithms and credentials.
//!
//! Owns lists and suffixes only. Never decides alone; see `judge` and `prose`.

use crate::openings::{Openings, Words};
use crate::random::Makeup;

/// What is said of a password or a token, and labels of forms. Small letters.
#[rustfmt::skip]
static PREDICATES: Words = Words::of(&[
    "about", "above", "absent", "accepted", "active", "actually", "after", "again", "all", "already", "also",
    "always", "an", "and", "another", "any", "anything", "applied", "are", "as", "asked", "at", "available", "back",
    "bad", "based", "be", "because", "been", "before", "being", "below", "between", "blank", "both", "bound",
    "broken", "but", "by", "cached", "can", "cannot", "case", "clear", "cleared", "common", "complex", "complicated",
    "compliant", "compromised", "confidential", "correct", "correctly", "could", "currently", "dead", "default",
    "defined", "derived", "different", "done", "due", "each", "easy", "either", "else", "empty", "enabled", "encoded",
    "encrypted", "ending", "enough", "ephemeral", "equal", "every", "exactly", "expired", "exposed", "external",
    "fake", "false", "fine", "first", "for", "forgotten", "found", "from", "generated", "given", "global", "going",
    "gone", "good", "guessable", "handled", "hard", "has", "hashed", "have", "held", "here", "hidden", "how",
    "identical", "if", "immutable", "in", "inactive", "incorrect", "injected", "inside", "insecure", "internal",
    "into", "invalid", "is", "issued", "it", "its", "just", "kept", "known", "last", "leaked", "less", "like",
    "limited", "locked", "logged", "long", "longer", "lost", "made", "mandatory", "masked", "may", "meant",
    "mentioned", "missing", "more", "most", "must", "my", "naughty", "needed", "never", "new", "no", "non", "none",
    "nonempty", "not", "nothing", "now", "null", "of", "off", "often", "ok", "okay", "old", "on", "once", "one",
    "only", "optional", "or", "our", "out", "over", "part", "passed", "perfect", "permanent", "persisted", "plain",
    "plaintext", "possible", "present", "private", "probably", "prompted", "protected", "provided", "public",
    "rather", "read", "ready", "really", "recommended", "redacted", "refreshed", "rejected", "required", "reset",
    "revoked", "right", "rotated", "safe", "same", "saved", "secure", "secret", "sensitive", "sent", "separate",
    "set", "several", "shared", "short", "shorter", "should", "shown", "similar", "simple", "single", "so", "some",
    "something", "static", "still", "stored", "strong", "stronger", "such", "temporary", "than", "that", "the",
    "their", "them", "then", "there", "these", "they", "this", "those", "three", "through", "to", "together", "too",
    "true", "two", "typed", "unchanged", "under", "undefined", "unique", "unknown", "unset", "until", "unusual", "up",
    "updated", "us", "use", "used", "useful", "useless", "valid", "vaulted", "very", "via", "visible", "wanted",
    "was", "we", "weak", "weaker", "well", "were", "what", "when", "where", "whether", "which", "while", "whitespace",
    "who", "why", "will", "with", "within", "without", "working", "worse", "written", "wrong", "yes", "yet", "you",
    "your", "yours", "shorter", "mine", "me", "i", "he", "she", "his", "her", "a", "etc", "e.g", "i.e", "somewhere",
    "nowhere", "elsewhere", "somehow", "anyway", "important", "critical", "essential", "crucial", "vital", "hunted",
    "section", "chapter", "step", "figure", "version", "rule", "attempt", "guest", "room", "port", "host", "node",
    "image", "alpine", "debian", "release", "build", "level", "tier", "stage", "phase", "line", "up-to-date",
    "case-sensitive", "read-only", "write-only", "one-time", "single-use", "short-lived", "long-lived", "env",
    "vault", "keychain", "keyring", "bcrypt", "argon", "scrypt", "pbkdf", "sha", "md", "base", "hash", "salted",
    "cleartext", "ciphertext", "oauth", "saml", "ldap", "sso", "basic", "digest", "bearer", "kerberos", "plaintext.",
    "email", "username", "user", "users", "admin", "login", "name", "field", "fields", "input", "form", "label",
    "reset", "change", "recovery", "confirm", "confirmation", "confirmed", "manager", "policy", "prompt",
    "protection", "authentication", "auth", "hashing", "strength", "length", "file", "string", "text", "number",
    "bool", "boolean", "varchar", "char", "object", "array", "nil", "type", "value", "required", "hint",
    "placeholder", "example", "test", "data", "db", "config", "settings", "service", "server", "client", "app",
    "entry", "rotation", "storage", "store", "check", "validation", "update", "expiry", "expiration", "grant", "flow",
    "based", "less", "free", "spray", "spraying", "cracking", "attack", "attacks", "dialog", "page", "screen", "box",
    "column", "list", "dump", "leak", "breach", "breaches", "generator", "reuse", "sharing", "complexity",
    "requirements", "requirement", "rules", "minimum", "maximum", "characters", "access", "system", "root",
    "database", "account", "accounts", "function", "method", "parameter", "parameters", "argument", "variable",
    "variables", "constant", "header", "cookie", "session", "key", "keys", "token", "tokens", "secrets", "credential",
    "credentials", "password", "passwords", "passphrase", "passwort", "kennwort", "contraseña", "contrasena", "senha",
    "wachtwoord", "mot", "parola", "hasło", "haslo", "unencrypted", "unhashed", "unsalted", "unreadable", "autofill",
    "autocomplete", "hardcoded", "rotates", "expires", "matches", "match", "works", "fails", "failed", "mismatch",
    "error", "errors", "success", "successful", "accepted", "denied", "everywhere", "anywhere", "nothing",
    "everything", "someone", "anyone", "everyone", "nobody", "tbd", "wip", "todo", "none", "kubernetes", "docker",
    "terraform", "ansible", "github", "gitlab", "aws", "azure", "google", "slack", "okta", "bitwarden", "onepassword",
    "lastpass", "keepass", "dashlane",
]);

/// Endings of words that say something about a thing rather than name it.
#[rustfmt::skip]
const SUFFIXES: &[&str] = &[
    "able", "ible", "ing", "ally", "ously", "ively", "ently", "antly", "edly", "less", "ness", "ment", "tion", "sion",
    "ed", "ied", "ated", "ized", "ised", "pted", "cted", "rted", "sted", "ired", "ased", "osed", "aged", "lled",
    "nned", "pped", "cked", "shed", "ched", "oded", "uded", "ided", "ished", "ered",
];

/// What is said of a password in German, French, Spanish, Portuguese, Italian, Dutch and Polish. Small letters.
#[rustfmt::skip]
static FOREIGN_PREDICATES: Words = Words::of(&[
    "abgelaufen", "falsch", "erforderlich", "notwendig", "gesetzt", "gespeichert", "geändert", "leer", "sicher",
    "unsicher", "schwach", "stark", "korrekt", "bekannt", "unbekannt", "geheim", "verschlüsselt", "gehasht", "zu", "nicht",
    "ungültig", "gültig", "kompromittiert", "vergessen", "veraltet", "richtig", "kurz", "lang", "neu", "alt", "gesperrt",
    "zurückgesetzt", "hinterlegt", "dieselbe", "dasselbe", "gleich", "pflicht", "optional", "jetzt", "noch", "schon",
    "obligatoire", "requis", "invalide", "incorrect", "faible", "fort", "vide", "valide", "manquant", "périmé", "court",
    "perdu", "inconnu", "identique", "confidentiel", "oublié", "expiré", "trop", "très", "bien", "toujours", "encore",
    "obligatoria", "obligatorio", "requerida", "incorrecta", "incorrecto", "inválida", "invalida", "débil", "fuerte",
    "vacía", "caducada", "caducado", "olvidada", "segura", "corta", "larga", "demasiado", "muy", "secreta", "nueva",
    "obrigatória", "incorreta", "fraca", "forte", "vazia", "expirada", "expirou", "errada", "muito", "fraco",
    "obbligatoria", "errata", "scaduta", "debole", "sbagliata", "troppo", "molto", "corretta", "vuota", "richiesta",
    "verlopen", "verplicht", "onjuist", "zwak", "sterk", "leeg", "vereist", "fout", "vergeten", "ongeldig", "te",
    "gewijzigd", "ingesteld", "opgeslagen", "versleuteld", "wymagane", "niepoprawne", "puste", "wygasło", "bardzo",
    "jest", "nieprawidłowe", "zapisane", "zmienione", "krävs", "felaktigt", "ogiltigt", "utgånget", "påkrævet",
    "gerekli", "yanlış", "geçersiz", "zorunludur", "зашифрован", "обязателен", "неверный",
]);

/// Parts of names of credentials and of what holds them; a bare value with one is a reference.
#[rustfmt::skip]
const CREDENTIAL_WORDS: &[&str] = &[
    "password", "passwd", "passwort", "passphrase", "secret", "token", "apikey", "api_key", "credential", "username",
    "user_", "config", "setting", "getenv", "environ", "request", "param", "input", "value", "default", "field",
    "_key", "-key", "_ref", "userpass", "dbpass", "hash", "string", "self.", "this.", "props.", "args.", "opts.",
    "options", "state.", "data.", "form.", "body.", "ctx.", "env.", "var.", "local.", "module.", "contraseña",
    "contrasena", "wachtwoord", "kennwort", "motdepasse",
];

/// Names of algorithms, formats and the like that have digits in them. Small letters, openings.
#[rustfmt::skip]
static TECHNICAL: Openings = Openings::of(&[
    "sha-", "sha1", "sha2", "sha3", "sha5", "md5", "argon2", "bcrypt", "scrypt", "pbkdf2", "hmac", "aes", "rsa",
    "utf", "base64", "base32", "x509", "x.509", "oauth2", "oauth 2", "k8s", "ec2", "s3", "http", "ipv", "tls", "ssl",
    "pkcs", "ed25519", "curve", "p-256", "es256", "rs256", "hs256", "des3", "3des", "blake", "win32", "2fa", "u2f",
    "fido2", "ascii", "iso", "rfc", "nist", "cve-", "latin1", "unicode", "argon", "pem", "rc4", "sms", "mfa", "otp",
    "v1", "v2", "v3", "jwt", "unix", "log4j", "web3", "auth0", "vault", "keycloak", "keytab", "kubernetes", "scram-",
]);

/// Whether a word without digits is more likely said about something than a value.
pub(crate) fn names_something(word: &[u8]) -> bool {
    let lower: Vec<u8> = word.to_ascii_lowercase();
    let core = std::str::from_utf8(&lower).unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric());
    let is_named = |word: &str| PREDICATES.has(word.as_bytes());
    is_named(core)
        || !is_odd_case(word) && SUFFIXES.iter().any(|suffix| core.len() > suffix.len() + 2 && core.ends_with(suffix))
        || FOREIGN_PREDICATES.has(core.as_bytes())
        || core
            .split(['-', '_', '.', '/', ':'])
            .filter(|part| !part.is_empty())
            .any(|part| is_named(part) && part.len() > 1)
        || has_credential_word(&lower)
        || is_camel(word)
}

/// Capitals and small letters mixed as in no word: several of both.
fn is_odd_case(word: &[u8]) -> bool {
    let upper = word.iter().filter(|b| b.is_ascii_uppercase()).count();
    let lower = word.iter().filter(|b| b.is_ascii_lowercase()).count();
    upper >= 3 && lower >= 3
}

/// `userName`, `newPassword`: small letters with a capital inside.
fn is_camel(word: &[u8]) -> bool {
    let humps = word.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count();
    (1..=3).contains(&humps) && word.iter().all(u8::is_ascii_alphabetic) && word[0].is_ascii_lowercase()
}

static OPENS_CREDENTIAL: Openings = Openings::of(CREDENTIAL_WORDS);

/// Whether a name within `value` says credential, setting, input.
pub(crate) fn has_credential_word(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    (0..lower.len()).any(|at| OPENS_CREDENTIAL.open(&lower[at..]))
}

/// Units of sizes and times.
#[rustfmt::skip]
const UNITS: &[&[u8]] = &[
    b"h", b"d", b"m", b"s", b"ms", b"min", b"mins", b"x", b"k", b"mb", b"kb", b"gb", b"px", b"th", b"st", b"nd",
    b"rd", b"am", b"pm", b"bit", b"bits", b"chars", b"days",
];

/// Whether a word with digits in it is the name of an algorithm, a size, a version.
pub(crate) fn is_technical(word: &[u8]) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_measure = || {
        let digits = lower.iter().take_while(|b| b.is_ascii_digit()).count();
        let unit = &lower[digits..];
        digits > 0
            && word.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-%+/.:".contains(b))
            && (matches!(unit.first(), Some(b'-' | b'%' | b'+' | b'/' | b'.' | b':')) || UNITS.contains(&unit))
    };
    // `s3` and `tls1.3` are technical, `s3cret` is not.
    let is_cut = |name: &[u8]| name.len() > 3 || !lower.get(name.len()).is_some_and(u8::is_ascii_alphabetic);
    let is_named =
        lower.len() <= 14 && TECHNICAL.open_by(&lower, |lower, name| lower.starts_with(name) && is_cut(name));
    is_named || is_measure()
}

/// Whether several words look like a passphrase rather than a sentence or a label.
pub(crate) fn is_phrase(bytes: &[u8]) -> bool {
    if bytes.len() > 96
        || bytes.ends_with(b"?")
        || bytes.ends_with(b":")
        || bytes.ends_with(b"...")
        || bytes.contains(&b'{')
    {
        return false;
    }
    let words: Vec<&[u8]> = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let makeup = Makeup::of(bytes);
    let spoken = words.iter().filter(|word| word.len() > 1 && names_something(word)).count();
    if makeup.digits > 0 && words.len() <= 8 {
        return spoken == 0;
    }
    (3..=8).contains(&words.len()) && spoken * 4 <= words.len()
}

#[cfg(test)]
mod tests {
    use super::{is_phrase, is_technical, names_something};

    #[test]
    fn what_is_said_of_a_password_is_no_password() {
        for word in ["required", "Invalid", "stored", "userPassword", "rotating", "accessible", "expired"] {
            assert!(names_something(word.as_bytes()), "{word}");
        }
        for word in ["swordfish", "letmein", "dragon", "Sommerwiese", "sunflower"] {
            assert!(!names_something(word.as_bytes()), "{word}");
        }
        assert!(
            is_technical(b"SHA-256")
                && is_technical(b"8-character")
                && is_technical(b"30d")
                && !is_technical(b"hunter2")
                && !is_technical(b"S3cret-Sauce")
        );
        assert!(
            is_phrase(b"correct horse battery staple")
                && !is_phrase(b"Enter your password")
                && !is_phrase(b"Forgot it?")
        );
    }
}
