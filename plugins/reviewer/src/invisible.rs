//! Characters that make text read otherwise than it is: bidirectional overrides, zero-width
//! characters, control characters.
//!
//! Owns which of them are suspicious where. Joiners and marks have honest uses in several scripts
//! and in emoji, so they count only next to ASCII word characters, where they split identifiers.

const TAGS_FIRST: char = '\u{e0001}';
const TAGS_LAST: char = '\u{e007f}';
const BLACK_FLAG: char = '\u{1f3f4}';

/// The rule a character breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trick {
    /// Changes the order in which text is shown.
    Bidi,
    /// Takes no room, so that two different names look the same.
    ZeroWidth,
    /// Steers a terminal.
    Control,
}

impl Trick {
    pub(crate) const fn rule(self) -> &'static str {
        match self {
            Self::Bidi => "unicode/bidi",
            Self::ZeroWidth => "unicode/zero-width",
            Self::Control => "unicode/control",
        }
    }

    pub(crate) const fn effect(self) -> &'static str {
        match self {
            Self::Bidi => "it changes the order in which the line is shown",
            Self::ZeroWidth => "it cannot be seen",
            Self::Control => "it steers the terminal that shows it",
        }
    }
}

/// The first character of each trick in `text`, at most three in all.
pub(crate) fn tricks(text: &[u8]) -> Vec<(Trick, char)> {
    let is_plain = |b: &u8| matches!(b, 0x20..=0x7e | b'\t' | b'\r' | 0x0c);
    if text.iter().all(is_plain) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(text);
    let mut found: Vec<(Trick, char)> = Vec::new();
    let mut before = None;
    // How many more tags may follow: the flags of regions are a black flag and up to seven tags.
    let mut tags_left = 0_u8;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let beside_word = [before, characters.peek().copied()].into_iter().flatten().any(is_word);
        let is_flag_tag = matches!(character, TAGS_FIRST..=TAGS_LAST) && tags_left > 0;
        tags_left = if character == BLACK_FLAG {
            7
        } else if is_flag_tag {
            tags_left - 1
        } else {
            0
        };
        if let Some(trick) = trick(character, beside_word).filter(|_| !is_flag_tag)
            && found.iter().all(|(known, _)| *known != trick)
        {
            found.push((trick, character));
        }
        before = Some(character);
    }
    found
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn trick(character: char, beside_word: bool) -> Option<Trick> {
    match character {
        // Embeddings, overrides and isolates: Unicode Standard Annex 9.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(Trick::Bidi),
        '\u{200e}' | '\u{200f}' | '\u{61c}' if beside_word => Some(Trick::Bidi),
        // The last of them are tags, which spell text that only a program reads.
        '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{180e}' | '\u{ad}' | TAGS_FIRST..=TAGS_LAST => {
            Some(Trick::ZeroWidth)
        }
        '\u{200c}' | '\u{200d}' if beside_word => Some(Trick::ZeroWidth),
        '\u{0}'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{80}'..='\u{9f}' => Some(Trick::Control),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Trick, tricks};

    fn found(text: &str) -> Vec<Trick> {
        tricks(text.as_bytes()).into_iter().map(|(trick, _)| trick).collect()
    }

    #[test]
    fn trojan_source_is_found() {
        assert_eq!(found("if access != \"user\u{202e} \u{2066}// check\u{2069}\u{2066}\" {"), [Trick::Bidi]);
        assert_eq!(found("let user\u{200b}name = 1;"), [Trick::ZeroWidth]);
        assert_eq!(found("let na\u{200d}me = 1;"), [Trick::ZeroWidth]);
        assert_eq!(found("a\u{1b}[2J"), [Trick::Control]);
        assert_eq!(found("say \u{e0041}\u{e0042}"), [Trick::ZeroWidth]);
    }

    #[test]
    fn honest_text_passes() {
        for text in [
            "plain\ttext\r",
            "Grüße, 世界",
            "family 👨\u{200d}👩\u{200d}👧",
            "می\u{200c}خواهم",
            "flag 🏴\u{e0067}\u{e0062}\u{e007f} x",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
