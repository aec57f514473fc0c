//! Makes foreign text fit for a finding: valid, short, without control characters.
//!
//! A report or a path is written by whoever is judged. What it says is shown to people, so
//! terminal escapes, bidirectional overrides and invisible characters must not survive.

/// The longest message a finding carries, in bytes.
pub const MESSAGE_MAX_BYTES: usize = 2_000;

/// `text` as UTF-8 of at most `max_bytes`, trimmed, with control and invisible characters replaced
/// by a space (line feeds stay); `...` at the end tells that it was cut.
pub fn clean(text: &[u8], max_bytes: usize) -> String {
    // Each character takes at most four bytes; what lies beyond cannot be part of the answer.
    let window = &text[..text.len().min(max_bytes.saturating_mul(4))];
    let mut cleaned = String::new();
    for character in String::from_utf8_lossy(window).trim().chars() {
        let shown = if is_harmless(character) { character } else { ' ' };
        if cleaned.len() + shown.len_utf8() > max_bytes {
            if max_bytes >= 3 {
                while cleaned.len() + 3 > max_bytes && cleaned.pop().is_some() {}
                cleaned.push_str("...");
            }
            break;
        }
        cleaned.push(shown);
    }
    cleaned
}

fn is_harmless(character: char) -> bool {
    let invisible = matches!(character,
        '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    character == '\n' || !(character.is_control() || invisible)
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn escapes_and_overrides_do_not_survive() {
        assert_eq!(clean(b"  a\x1b[31mb\tc  ", 100), "a [31mb c");
        assert_eq!(clean("x\u{202e}y\u{200b}z".as_bytes(), 100), "x y z");
        assert_eq!(clean(b"\xff\xfe", 100), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn long_text_is_cut_on_a_character_boundary() {
        let cut = clean("äöü".repeat(50).as_bytes(), 20);
        assert!(cut.len() <= 20 && cut.ends_with("..."), "{cut}");
        assert_eq!(clean(b"abcdef", 6), "abcdef");
        assert_eq!(clean(b"abcdefg", 6), "abc...");
        assert_eq!(clean(b"abcdefg", 2), "ab");
    }
}
