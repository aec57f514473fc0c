//! Tells a value that stands for a secret from a secret.
//!
//! Applies to guesses and to passwords in URLs, never to vendor tokens: a token in the right
//! format is rejected even when its owner called it an example.

/// Words that mark a value as a stand-in wherever they occur in it (lower case).
const MARKERS: &[&str] = &[
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "dummy",
    "redacted",
    "xxxx",
    "****",
    "....",
    "----",
    "your_",
    "your-",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "yourapi",
    "insert_",
    "insert-",
    "replace_",
    "replace-",
    "notasecret",
    "not-a-secret",
    "not_a_secret",
    "fake_",
    "fake-",
    "todo",
    "fixme",
    "1234567890",
    "abcdefgh",
];

/// Values that are stand-ins when they are the whole value (lower case).
const WHOLE: &[&str] = &[
    "",
    "password",
    "passwd",
    "passw0rd",
    "password1",
    "pass",
    "pwd",
    "pw",
    "secret",
    "token",
    "user",
    "username",
    "postgres",
    "root",
    "admin",
    "guest",
    "test",
    "testing",
    "foo",
    "bar",
    "baz",
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "empty",
    "string",
    "hidden",
    "sample",
    "default",
    "localhost",
];

/// Openings of an expression that is filled in elsewhere.
const EXPRESSIONS: &[&[u8]] =
    &[b"${", b"$(", b"{{", b"<", b"%(", b"#{", b"@{", b"$[", b"[redacted", b"%s", b"%v", b"%d", b"{}"];

/// Whether `value` only stands for a secret: `changeme`, `xxxx`, `${VAR}`, `<token>`, `$TOKEN`.
pub fn is_placeholder(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    WHOLE.iter().any(|word| lower == word.as_bytes())
        || is_variable(value)
        || is_one_byte_repeated(value)
        || (0..lower.len()).any(|at| has_marker_at(&lower, at))
}

fn has_marker_at(lower: &[u8], at: usize) -> bool {
    let rest = &lower[at..];
    let mut words = MARKERS.iter().map(|word| word.as_bytes()).chain(EXPRESSIONS.iter().copied());
    // The first byte decides nearly always; comparing it alone keeps hostile values cheap.
    words.any(|word| word[0] == rest[0] && rest.starts_with(word))
}

/// `$NAME`, `%NAME%`, `{name}`: a variable's name and nothing more.
fn is_variable(value: &[u8]) -> bool {
    let ([b'$', name @ ..] | [b'%', name @ .., b'%'] | [b'{', name @ .., b'}']) = value else {
        return false;
    };
    let starts_like_a_name = name.first().is_some_and(|&b| b.is_ascii_alphabetic() || b == b'_');
    starts_like_a_name && name.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':'))
}

fn is_one_byte_repeated(value: &[u8]) -> bool {
    value.first().is_some_and(|first| value.iter().all(|byte| byte == first))
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

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
            "%s",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value} should be a placeholder");
        }
        for value in ["hunter2real", "S3cr3t!pass", "q9Zr7Lk2", "$2b$12$kqDEFzzi/jkl", "tr0ub4dor&3"] {
            assert!(!is_placeholder(value.as_bytes()), "{value} should be taken seriously");
        }
    }
}
