//! Mail addresses: RFC 5321 without quoted local parts, and `name [at] host [dot] org`.
//!
//! Owns what is no address though it has an `@`: packages, images, units, `git@host:path`.

use crate::span::Span;
use sluice_secrets::marks::pair_bits_at;

/// Endings of names of files and units, which no top-level domain is called.
#[rustfmt::skip]
const NO_DOMAINS: &[&[u8]] = &[
    b"png", b"jpg", b"jpeg", b"svg", b"gif", b"webp", b"css", b"js", b"ts", b"tsx", b"jsx", b"mjs", b"json", b"html",
    b"xml", b"yml", b"yaml", b"toml", b"txt", b"pdf", b"service", b"socket", b"timer", b"target", b"mount", b"slice",
    b"scope", b"device", b"lock", b"conf", b"cfg", b"log", b"exe", b"dll", b"jar", b"whl", b"tgz", b"gz", b"ipynb",
    b"java", b"kt", b"cpp", b"hpp",
];

/// The mail address around the sign at `at`.
#[inline(never)]
pub(super) fn around(text: &[u8], at: usize) -> Option<Span> {
    let is_local = |b: &&u8| b.is_ascii_alphanumeric() || b"!#$%&'*+=?^_{|}~.-".contains(b) || **b >= 0x80;
    // RFC 5321 section 4.5.3.1: 64 octets before the sign, 255 behind.
    let local = text[..at].iter().rev().take(65).take_while(is_local).count();
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-') || **b >= 0x80;
    let domain = text[at + 1..].iter().take(255).take_while(is_name).count();
    // What leads the run but is mere punctuation belongs to the sentence; so does a name before `=`.
    let run = &text[at - local..at];
    // Between letters an apostrophe belongs to a name.
    let is_opener = |&at: &usize| match run[at] {
        b'=' | b'{' | b'|' | b'*' | b'&' | b'?' => true,
        b'\'' => !(at > 0 && run[at - 1].is_ascii_alphabetic() && run.get(at + 1).is_some_and(u8::is_ascii_alphabetic)),
        _ => false,
    };
    let opener = (0..run.len()).rev().find(is_opener).map_or(0, |at| at + 1);
    let lead = opener + run[opener..].iter().take_while(|b| !(b.is_ascii_alphanumeric() || **b >= 0x80)).count();
    let start = at - local + lead;
    let start = quoted_start(text, at).unwrap_or(start);
    let name = &text[at + 1..at + 1 + domain];
    let len = name.iter().rposition(|b| b.is_ascii_alphanumeric() || *b >= 0x80).map_or(0, |last| last + 1);
    let name = &name[..len];
    let end = at + 1 + len;
    let is_remote = text.get(end) == Some(&b':')
        && text.get(end + 1).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'~'));
    let is_repository = is_remote && matches!(&text[start..at], b"git" | b"hg" | b"svn");
    let fits = local <= 64 && start < at && text[at - 1] != b'.' && is_domain(name) && !is_repository;
    let is_git_user = &text[start..at] == b"git";
    (fits && !is_git_user).then(|| Span { start, end, kind: "email".into(), confidence: 0.95 })
}

/// The start of a quoted local part, `"jane doe"@`, whose closing quote stands before the sign at `at`.
fn quoted_start(text: &[u8], at: usize) -> Option<usize> {
    let before = text[..at].strip_suffix(b"\"")?;
    let is_inside = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'.' | b'_' | b'-' | b'\'' | b',');
    let len = before.iter().rev().take(64).take_while(is_inside).count();
    let start = before.len() - len;
    (len > 0 && text[..start].ends_with(b"\"") && before[start..].iter().any(u8::is_ascii_alphabetic))
        .then(|| start - 1)
}

fn is_domain(name: &[u8]) -> bool {
    let top = name.rsplit(|&b| b == b'.').next().unwrap_or_default();
    let has_letters = top.len() >= 2
        && top.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-' || b.is_ascii_digit() || *b >= 0x80)
        && top.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80);
    let is_file = NO_DOMAINS.iter().any(|ending| top.eq_ignore_ascii_case(ending));
    let is_version = name.iter().take_while(|b| **b != b'.').all(u8::is_ascii_digit);
    let labels_fit = name.split(|&b| b == b'.').all(|label| !label.is_empty() && label.len() <= 63);
    name.contains(&b'.') && has_letters && !is_file && labels_fit && !is_version
}

/// The ways `@` and `.` are written to hide an address from programs. Small letters.
const SIGNS: [&[u8]; 10] =
    [b" [at] ", b"[at]", b" (at) ", b"(at)", b" {at} ", b"{at}", b" at ", b" <at> ", b"_at_", b" @ "];
const DOTS: [&[u8]; 9] = [b" [dot] ", b"[dot]", b" (dot) ", b"(dot)", b" {dot} ", b" dot ", b" . ", b"_dot_", b"[.]"];

/// Whether `dot`, `[.]`, `(at`, `[at` or `@ ` may begin with these two bytes.
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from using vectors")]
fn may_spell(byte: u8, next: u8) -> bool {
    ((byte | 32 == b'd') & (next | 32 == b'o'))
        | (((byte == b'[') | (byte == b'(')) & ((next == b'a') | (next == b'.')))
        | ((byte == b'@') & (next == b' '))
}

/// Whether an address may be spelled somewhere in `text`.
fn has_spelled(text: &[u8]) -> bool {
    (0..text.len()).step_by(64).any(|base| {
        let mut marks = pair_bits_at(text, base, may_spell);
        while marks != 0 {
            let at = base + marks.trailing_zeros() as usize;
            marks &= marks - 1;
            let is_spelled = text.get(at..at + 3).is_some_and(|t| {
                t.eq_ignore_ascii_case(b"dot") || t == b"[.]" || t == b"(at" || t == b"[at" || t.starts_with(b"@ ")
            });
            if is_spelled {
                return true;
            }
        }
        false
    })
}

/// Adds every address of `text` that is spelled: `name [at] host [dot] org`.
pub(super) fn spelled(text: &[u8], found: &mut Vec<Span>) {
    if !has_spelled(text) {
        return;
    }
    for (at, _) in text.iter().enumerate().filter(|(_, b)| matches!(b, b'a' | b'A' | b'@')) {
        let is_sign = text.get(at + 1).is_some_and(|b| matches!(b, b't' | b'T' | b' '));
        if !is_sign || at == 0 || !matches!(text[at - 1], b' ' | b'[' | b'(' | b'{' | b'<' | b'_') {
            continue;
        }
        found.extend(spelled_at(text, at));
    }
}

fn ends_with(text: &[u8], word: &[u8]) -> bool {
    text.len() >= word.len() && text[text.len() - word.len()..].eq_ignore_ascii_case(word)
}

fn spelled_at(text: &[u8], at: usize) -> Option<Span> {
    let stands_at = |from: usize, words: &[&[u8]]| {
        words
            .iter()
            .find(|word| text.get(from..from + word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word)))
            .map(|word| word.len())
    };
    let (sign_at, sign) = (1..=2)
        .filter_map(|back| at.checked_sub(back))
        .rev()
        .chain([at])
        .find_map(|from| stands_at(from, &SIGNS).map(|len| (from, len)))?;
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+');
    let mut local = text[..sign_at].iter().rev().take(64).take_while(|b| is_name(b)).count();
    // `john dot doe at ...`: the dots of the name are spelled too.
    while let Some(dot) = DOTS.iter().find(|dot| local < 64 && ends_with(&text[..sign_at - local], dot)) {
        let before = sign_at - local - dot.len();
        let more = text[..before].iter().rev().take(64).take_while(|b| is_name(b)).count();
        if more == 0 {
            break;
        }
        local += dot.len() + more;
    }
    let mut end = sign_at + sign;
    let is_plain_at = matches!(&text[sign_at..end], [b' ', b'a' | b'A' | b'@', ..]);
    let mut dots = 0;
    loop {
        let len = text[end..].iter().take(63).take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
        if len == 0 {
            return None;
        }
        end += len;
        // Behind `(at)` a dot may be one.
        let plain = text.get(end).filter(|b| **b == b'.' && !is_plain_at).map(|_| 1);
        match stands_at(end, &DOTS).or(plain) {
            Some(dot) if dots < 4 && text.get(end + dot).is_some_and(u8::is_ascii_alphanumeric) => {
                dots += 1;
                end += dot;
            }
            _ => break,
        }
    }
    // `x @ host . org` has blanks around its dots too.
    let name = &text[sign_at + sign..end];
    let is_dot = |at: usize| name[at] == b'.' && !(at > 0 && name[at - 1] == b' ' && name.get(at + 1) == Some(&b' '));
    let plain_dot = is_plain_at && (0..name.len()).any(is_dot);
    let top = text[..end].iter().rev().take_while(|b| b.is_ascii_alphabetic()).count();
    (local > 0 && dots > 0 && (2..=12).contains(&top) && !plain_dot).then(|| Span {
        start: sign_at - local,
        end,
        kind: "email".into(),
        confidence: 0.8,
    })
}

#[cfg(test)]
mod tests {
    use super::{around, spelled};

    fn cut(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let signs = text.bytes().enumerate().filter(|(_, b)| *b == b'@');
        found.extend(signs.filter_map(|(at, _)| around(text.as_bytes(), at)));
        spelled(text.as_bytes(), &mut found);
        found.iter().map(|span| &text[span.start..span.end]).collect()
    }

    #[test]
    fn mail_addresses_are_cut_exactly() {
        assert_eq!(cut("Write to <ada.l+x@mail.example.org>."), ["ada.l+x@mail.example.org"]);
        assert_eq!(cut("a@b.co, c@d.info; (e_f@g-h.de)"), ["a@b.co", "c@d.info", "e_f@g-h.de"]);
        assert_eq!(cut("größe@example.org"), ["größe@example.org"]);
        assert_eq!(cut("mailto=ada@example.org&x"), ["ada@example.org"]);
        assert_eq!(
            cut("ada [at] example [dot] org, bob(at)mail(dot)example(dot)org"),
            ["ada [at] example [dot] org", "bob(at)mail(dot)example(dot)org"]
        );
        for text in [
            "@ada",
            "user@host",
            "a @b.co",
            "icon@2x.png",
            "x@1.2.3",
            "a.@b.co",
            "@scope/pkg@1.0.0",
            "git@github.com:owner/name.git",
            "getty@tty1.service",
            "look at me. The i",
            &format!("{}@b.co", "a".repeat(65)),
        ] {
            assert!(cut(text).is_empty(), "{text}: {:?}", cut(text));
        }
    }
}
