//! Vendor tokens: a fixed prefix and a body of known alphabet and length.
//!
//! Owns the table of formats. Rows are grouped by first byte so that the scan looks at a few rows
//! at each position; the index over them is built at compile time and the build fails when a row
//! stands in the wrong group.

use crate::kind::Kind;

/// Which bytes a token's body is made of.
#[derive(Clone, Copy)]
enum Alphabet {
    Alnum,
    /// Letters, digits, `_`, `-`.
    Word,
    /// Letters, digits, `_`, `-`, `.`.
    Dotted,
    /// Upper-case letters and digits.
    UpperAlnum,
    Hex,
}

impl Alphabet {
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::UpperAlnum => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
        }
    }
}

/// One format.
struct Format {
    prefix: &'static [u8],
    kind: Kind,
    body: Alphabet,
    min: usize,
    max: usize,
    /// Whether the prefix is too short or too common to be believed inside a longer word.
    at_boundary: bool,
    /// What a body must satisfy beyond its alphabet, for prefixes that occur in other text.
    accepts: fn(&[u8]) -> bool,
}

const fn any(_: &[u8]) -> bool {
    true
}

fn has_digit(body: &[u8]) -> bool {
    body.iter().any(u8::is_ascii_digit)
}

/// `sk-` occurs in words; a key has the maker's mark, a known infix, or is exactly 48 long.
fn is_openai_body(body: &[u8]) -> bool {
    const MARK: &[u8] = b"T3BlbkFJ";
    let known = [&b"proj-"[..], b"svcacct-", b"admin-", b"None-"].iter().any(|p| body.starts_with(p));
    let mixed = has_digit(body) && body.iter().any(u8::is_ascii_uppercase);
    let classic = body.len() == 48 && body.iter().all(u8::is_ascii_alphanumeric);
    mixed && (known || classic || body.windows(MARK.len()).any(|w| w == MARK)) && !body.starts_with(b"ant-")
}

/// `SG.` + 22 + `.` + 43.
fn is_sendgrid_body(body: &[u8]) -> bool {
    body.iter().position(|&b| b == b'.') == Some(22) && body.len() == 66
}

const fn row(
    prefix: &'static [u8],
    kind: Kind,
    body: Alphabet,
    (min, max): (usize, usize),
    at_boundary: bool,
    accepts: fn(&[u8]) -> bool,
) -> Format {
    Format { prefix, kind, body, min, max, at_boundary, accepts }
}

use Alphabet::{Alnum, Dotted, Hex, UpperAlnum, Word};

/// Sources: the vendors' own documentation of token formats. Longer prefixes of one family stand
/// before shorter ones; the first row that matches wins.
const FORMATS: &[Format] = &[
    row(b"AKIA", Kind::AwsAccessKey, UpperAlnum, (16, 16), true, any),
    row(b"ASIA", Kind::AwsAccessKey, UpperAlnum, (16, 16), true, any),
    row(b"ABIA", Kind::AwsAccessKey, UpperAlnum, (16, 16), true, any),
    row(b"ACCA", Kind::AwsAccessKey, UpperAlnum, (16, 16), true, any),
    row(b"AIza", Kind::GoogleApiKey, Word, (35, 35), true, any),
    row(b"AGE-SECRET-KEY-1", Kind::PrivateKey, UpperAlnum, (58, 58), true, any),
    row(b"GOCSPX-", Kind::GoogleOauth, Word, (28, 28), true, any),
    row(b"NRAK-", Kind::ServiceToken, UpperAlnum, (27, 27), true, any),
    row(b"PMAK-", Kind::ServiceToken, Word, (59, 59), true, any),
    row(b"SG.", Kind::ServiceToken, Dotted, (66, 66), true, is_sendgrid_body),
    row(b"dapi", Kind::ServiceToken, Hex, (32, 32), true, has_digit),
    row(b"dckr_pat_", Kind::ServiceToken, Word, (24, 64), false, any),
    row(b"dop_v1_", Kind::ServiceToken, Hex, (64, 64), false, any),
    row(b"doo_v1_", Kind::ServiceToken, Hex, (64, 64), false, any),
    row(b"figd_", Kind::ServiceToken, Word, (38, 64), true, any),
    row(b"ghp_", Kind::GithubToken, Alnum, (36, 255), false, any),
    row(b"gho_", Kind::GithubToken, Alnum, (36, 255), false, any),
    row(b"ghu_", Kind::GithubToken, Alnum, (36, 255), false, any),
    row(b"ghs_", Kind::GithubToken, Alnum, (36, 255), false, any),
    row(b"ghr_", Kind::GithubToken, Alnum, (36, 255), false, any),
    row(b"github_pat_", Kind::GithubToken, Word, (36, 255), false, any),
    row(b"glpat-", Kind::GitlabToken, Dotted, (20, 300), false, any),
    row(b"gldt-", Kind::GitlabToken, Word, (20, 64), false, any),
    row(b"glrt-", Kind::GitlabToken, Dotted, (20, 300), false, any),
    row(b"glptt-", Kind::GitlabToken, Word, (20, 64), false, any),
    row(b"glcbt-", Kind::GitlabToken, Word, (20, 64), false, any),
    row(b"glft-", Kind::GitlabToken, Word, (20, 64), false, any),
    row(b"glsoat-", Kind::GitlabToken, Word, (20, 64), false, any),
    row(b"gloas-", Kind::GitlabToken, Word, (20, 80), false, any),
    row(b"glagent-", Kind::GitlabToken, Word, (20, 64), false, any),
    row(b"hf_", Kind::ServiceToken, Alnum, (34, 40), true, any),
    row(b"hvs.", Kind::ServiceToken, Word, (24, 255), true, any),
    row(b"lin_api_", Kind::ServiceToken, Alnum, (40, 64), false, any),
    row(b"npm_", Kind::NpmToken, Alnum, (36, 36), true, any),
    row(b"pypi-Ag", Kind::PypiToken, Word, (50, 1_000), true, any),
    row(b"rk_live_", Kind::StripeKey, Alnum, (16, 255), true, any),
    row(b"rk_test_", Kind::StripeKey, Alnum, (16, 255), true, any),
    row(b"shpat_", Kind::ServiceToken, Hex, (32, 32), false, any),
    row(b"shpss_", Kind::ServiceToken, Hex, (32, 32), false, any),
    row(b"shppa_", Kind::ServiceToken, Hex, (32, 32), false, any),
    row(b"shpca_", Kind::ServiceToken, Hex, (32, 32), false, any),
    row(b"sk-ant-", Kind::AnthropicKey, Word, (32, 255), true, any),
    row(b"sk-", Kind::OpenaiKey, Word, (32, 255), true, is_openai_body),
    row(b"sk_live_", Kind::StripeKey, Alnum, (16, 255), true, any),
    row(b"sk_test_", Kind::StripeKey, Alnum, (16, 255), true, any),
    row(b"sntrys_", Kind::ServiceToken, Word, (32, 500), false, any),
    row(b"sq0atp-", Kind::ServiceToken, Word, (22, 22), false, any),
    row(b"sq0csp-", Kind::ServiceToken, Word, (43, 43), false, any),
    row(b"whsec_", Kind::StripeKey, Alnum, (32, 128), true, any),
    row(b"xapp-", Kind::SlackToken, Word, (20, 255), true, has_digit),
    row(b"xkeysib-", Kind::ServiceToken, Word, (64, 100), false, any),
    row(b"xoxa-", Kind::SlackToken, Word, (20, 255), false, has_digit),
    row(b"xoxb-", Kind::SlackToken, Word, (20, 255), false, has_digit),
    row(b"xoxe-", Kind::SlackToken, Word, (20, 255), false, has_digit),
    row(b"xoxe.xoxp-", Kind::SlackToken, Word, (20, 255), false, has_digit),
    row(b"xoxo-", Kind::SlackToken, Word, (20, 255), false, has_digit),
    row(b"xoxp-", Kind::SlackToken, Word, (20, 255), false, has_digit),
    row(b"xoxr-", Kind::SlackToken, Word, (20, 255), false, has_digit),
    row(b"xoxs-", Kind::SlackToken, Word, (20, 255), false, has_digit),
    row(b"ya29.", Kind::GoogleOauth, Word, (20, 2_048), true, has_digit),
];

/// For each first byte, the range of its rows; an empty range where there is none.
const INDEX: [(u8, u8); 256] = index();

const fn index() -> [(u8, u8); 256] {
    let mut ranges = [(0_u8, 0_u8); 256];
    let mut row = 0;
    #[expect(clippy::cast_possible_truncation, reason = "the table has fewer than 255 rows")]
    while row < FORMATS.len() {
        let first = FORMATS[row].prefix[0] as usize;
        let (start, end) = ranges[first];
        if start == end {
            ranges[first] = (row as u8, row as u8 + 1);
        } else {
            assert!(end as usize == row, "rows of one first byte stand together");
            ranges[first] = (start, end + 1);
        }
        row += 1;
    }
    ranges
}

/// Whether some format's prefix starts with `byte`.
pub(crate) const fn may_start_with(byte: u8) -> bool {
    let (start, end) = INDEX[byte as usize];
    start != end
}

/// A token that starts exactly at `at`: its kind and the byte after its last.
pub(crate) fn at(text: &[u8], at: usize) -> Option<(Kind, usize)> {
    let (start, end) = INDEX[usize::from(text[at])];
    if start == end {
        return None;
    }
    FORMATS[usize::from(start)..usize::from(end)].iter().find_map(|format| matches(format, text, at))
}

fn matches(format: &Format, text: &[u8], at: usize) -> Option<(Kind, usize)> {
    let rest = text[at..].strip_prefix(format.prefix)?;
    if format.at_boundary && !is_boundary(text, at) {
        return None;
    }
    // One byte beyond the longest body tells a token from a longer run that only starts like one.
    let run = rest.iter().take(format.max + 1).take_while(|&&b| format.body.has(b)).count();
    let run = if matches!(format.body, Dotted) { without_trailing_dots(&rest[..run]) } else { run };
    let fits = run >= format.min && run <= format.max;
    (fits && (format.accepts)(&rest[..run])).then(|| (format.kind, at + format.prefix.len() + run))
}

/// A sentence's full stop is not part of the token before it.
fn without_trailing_dots(body: &[u8]) -> usize {
    body.iter().rposition(|&b| b != b'.').map_or(0, |last| last + 1)
}

/// Whether a word may start at `at`: the byte before is no word byte, or ends an escape (`\n`).
pub(crate) fn is_boundary(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let ends_escape = matches!(before, [.., b'\\', b'n' | b't' | b'r']);
    ends_escape || before.last().is_none_or(|&b| !(b.is_ascii_alphanumeric() || b == b'_'))
}
