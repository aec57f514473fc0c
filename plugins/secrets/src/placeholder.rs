//! Tells a value that stands for a secret from a secret.
//!
//! Owns the words and shapes of stand-ins, and the keys that vendors print in their documentation.
//! Guesses are asked all of it; tokens in a vendor's format only [`is_documented`], because a real
//! key may be called anything by its owner.

use crate::openings::{Openings, Words};

/// Words that mark a value as a stand-in wherever they occur in it (lower case).
#[rustfmt::skip]
static MARKERS: Openings = Openings::of(&[
    "example", "changeme", "change_me", "change-me", "changeit", "changethis", "placeholder", "dummy", "redacted",
    "xxxx", "****", "....", "----", "____", "your_", "your-", "yourpass", "yoursecret", "yourtoken", "yourapi",
    "yourkey", "your ", "insert_", "insert-", "insert ", "replace_", "replace-", "replaceme", "replace ",
    "notasecret", "not-a-secret", "not_a_secret", "not-real", "notreal", "fake_", "fake-", "todo", "fixme",
    "1234567890", "abcdefgh", "_here", "-here", "omitted", "not_set", "not-set", "enter_", "enter-", "fill_in",
    "fill-me", "deadbeef", "cafebabe", "this-is-a", "this_is_",
    // Openings of an expression that is filled in elsewhere.
    "${", "$(", "{{", "%(", "#{", "@{", "$[", "[redacted", "{}", "$env:", "{%", "***",
    "process.env", "os.environ", "getenv", "secrets.", "arn:aws", "vault:", "ssm:", "op://", "enc[",
    "•", "…", "!ref", "!getatt", "!su", "valuefrom", "keyvault", "<",
]);

/// Words that mark a value without any digit as a stand-in (lower case).
#[rustfmt::skip]
static SOFT_MARKERS: Openings = Openings::of(&[
    "my_secret", "my-secret", "mysecret", "my_password", "my-password", "my_token", "my-token", "my_api", "my-api",
    "mypassword", "masked", "hidden", "sanitized", "unset", "sample", "thisisa", "supersecret", "super-secret",
    "super_secret", "testtest", "test_key", "test-key", "test_token", "test-token", "test_secret", "test-secret",
]);

/// Values that are stand-ins when they are the whole value (lower case).
#[rustfmt::skip]
static WHOLE: Words = Words::of(&[
    "password", "passwd", "passw0rd", "password1", "pass", "pwd", "pw", "secret", "secrets", "token", "user",
    "username", "postgres", "root", "admin", "guest", "test", "testing", "test123", "foo", "bar", "baz", "foobar",
    "none", "null", "nil", "undefined", "true", "false", "yes", "no", "empty", "string", "default", "localhost",
    "apikey", "api_key", "api-key", "key", "value", "string;", "required", "optional", "credential", "credentials", "public",
    "passphrase", "access_token", "bearer", "basic", "n/a", "tbd", "blank", "text", "user:password", "user:pass",
    "username:password", "%s", "%d", "%v", "%q", "env", "vault", "file", "prompt",
]);

/// Parts of keys that vendors print in their own documentation or ship in their emulators, so that
/// everybody has them; without the prefix that would make this file look like a leak.
#[rustfmt::skip]
static DOCUMENTED: Openings = Openings::of(&[
    // AWS: the access key and secret key of every guide.
    "IOSFODNN7EXAMPLE",
    "I44QH8DHBEXAMPLE",
    "wJalrXUtnFEMI",
    "je7MtGbClwBF/2Zp9Utk",
    // Stripe: the test key of its examples.
    "4eC39HqLyjWDarjtT1zdp7dc",
    "BQokikJOvBiI2HlWgH4olfQ2",
    // GitHub: its tokens' documentation.
    "16C7e42F292c6912E7710c838347Ae178B4a",
    // Google: its maps' documentation.
    "SyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
    // jwt.io: the payload and the signatures of its examples.
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9l",
    // RFC 7617 section 2 and RFC 6750 section 2.1.
    "QWxhZGRpbjpvcGVuIHNlc2FtZQ",
    "QWxhZGRpbjpPcGVuU2VzYW1l",
    "mF_9.B5f-4.1JqM",
    // RFC 7519 section 3.1.
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODA",
    // Azure: the storage and the Cosmos emulator.
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM",
    // Slack: its webhooks' documentation.
    "T00000000/B00000000",
    // Sentry: its DSN's documentation.
    "examplePublicKey",
    // HTTP: `user:pass`, `user:password`, `username:password`, `admin:admin`.
    "dXNlcjpwYXNz",
    "dXNlcm5hbWU6cGFzc3dvcmQ",
    "YWRtaW46YWRtaW4=",
]);

/// Words by which a token says itself that it is an example. Small letters.
#[rustfmt::skip]
static EXAMPLES: Openings = Openings::of(&["example", "xxxxx", "placeholder", "your_", "your-", "redacted", "00000000000", "1234567890abcdef"]);

/// How much of a value tells whether it is a stand-in, in bytes.
const LOOKED_AT_BYTES: usize = 160;

/// Whether `value` only stands for a secret: `changeme`, `xxxx`, `${VAR}`, `<token>`, `$TOKEN`.
pub fn is_placeholder(value: &[u8]) -> bool {
    // What stands far inside of a long value is there by chance.
    let value = &value[..value.len().min(LOOKED_AT_BYTES)];
    let lower = value.to_ascii_lowercase();
    value.is_empty()
        || WHOLE.has(&lower)
        || is_variable(value)
        || is_one_byte_repeated(value)
        || (0..lower.len()).any(|at| has_marker_at(&lower, at))
        || (!lower.iter().any(u8::is_ascii_digit) && (0..lower.len()).any(|at| has_soft_marker_at(&lower, at)))
        || is_documented(value)
}

/// Whether `token` is a key from a vendor's documentation, or says itself that it is an example.
pub(crate) fn is_documented(token: &[u8]) -> bool {
    let token = &token[..token.len().min(LOOKED_AT_BYTES)];
    let is_example =
        |rest: &[u8], word: &[u8]| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word);
    (0..token.len()).any(|at| {
        let rest = &token[at..];
        EXAMPLES.open_by(rest, is_example) || DOCUMENTED.open(rest)
    })
}

fn has_soft_marker_at(lower: &[u8], at: usize) -> bool {
    SOFT_MARKERS.open(&lower[at..])
}

fn has_marker_at(lower: &[u8], at: usize) -> bool {
    // A `<` inside of a value is just a character of it.
    !(lower[at] == b'<' && at > 0) && MARKERS.open(&lower[at..])
}

/// `$NAME`, `%NAME%`, `{name}`, `[name]`: a variable's name and nothing more.
fn is_variable(value: &[u8]) -> bool {
    let (name, is_dollar) = match value {
        [b'$', name @ ..] => (name, true),
        [b'%', name @ .., b'%'] | [b'{', name @ .., b'}'] | [b'[', name @ .., b']'] => (name, false),
        _ => return false,
    };
    let starts_like_a_name = name.first().is_some_and(|&b| b.is_ascii_alphabetic() || b == b'_');
    let is_name = name.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-'));
    // `$ecret1` is a password that somebody thought up; `$secret` and `$DB_PASS2` are names.
    let is_one_case = !name.iter().any(u8::is_ascii_lowercase) || !name.iter().any(u8::is_ascii_digit);
    starts_like_a_name && is_name && (!is_dollar || is_one_case)
}

fn is_one_byte_repeated(value: &[u8]) -> bool {
    value.first().is_some_and(|first| value.iter().all(|byte| byte == first))
}

#[cfg(test)]
mod tests {
    use super::{is_documented, is_placeholder};

    #[test]
    fn stand_ins_are_told_from_values() {
        for value in [
            "changeme",
            "${DB_PASSWORD}",
            "<token>",
            "xxxxxxxxxxxx",
            "your-api-key-here",
            "$TOKEN",
            "{{ .Values.password }}",
            "EXAMPLEKEY",
            "password",
            "%DB_PASS%",
            "{token}",
            "aaaaaaaa",
            "[redacted:jwt]",
            "[REDACTED:jwt]",
            "%s",
            "process.env.DB_PASS",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value} should be a placeholder");
        }
        for value in ["hunter2real", "S3cr3t!pass", "q9Zr7Lk2", "$2b$12$kqDEFzzi/jkl", "tr0ub4dor&3", "$ecur3Me"] {
            assert!(!is_placeholder(value.as_bytes()), "{value} should be taken seriously");
        }
    }

    #[test]
    fn keys_of_the_documentation_are_known() {
        assert!(is_documented(format!("AK{}", "IAIOSFODNN7EXAMPLE").as_bytes()));
        assert!(!is_documented(format!("AK{}", "IAIOSFODNN7EXQMPLE").as_bytes()));
    }
}
