//! Folding: what differs in case, width or diacritics only is written the same.

use unicode_normalization::UnicodeNormalization as _;

/// Whether `c` is an accent that a letter keeps its meaning without. Marks of other scripts, which
/// are vowels, stay.
fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// `text` in compatibility decomposition, without accents, in lower case.
pub(super) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    folded
}

/// Appends [`folded`] text.
pub(super) fn fold_into(text: &str, folded: &mut String) {
    if text.is_ascii() {
        folded.extend(text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        return;
    }
    // Lower case first and once more: some capitals decompose only then, others only before.
    for c in text.chars().flat_map(char::to_lowercase).nfkd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            c => folded.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_fold_to_one() {
        for (text, wanted) in [
            ("Straße", "strasse"),
            ("ÉCOLE", "ecole"),
            ("E\u{301}cole", "ecole"),
            ("ｆｕｌｌ１２", "full12"),
            ("ﬁx", "fix"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ", "οδοσ"),
            ("Łódź", "lodz"),
            ("日本", "日本"),
            ("Hello, World", "hello, world"),
        ] {
            assert_eq!(folded(text), wanted, "{text}");
        }
    }
}
