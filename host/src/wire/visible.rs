//! Text made fit for people who decide by it: nothing in it hides, reorders or steers.

/// `text` with every character that a reader cannot see, or that turns the text around it, written
/// as its code point: `<U+202E>`. Line ends and tabs stay.
///
/// These are the control characters, the marks of direction (Unicode's `Bidi_Control`), what has no
/// width, tags, and the selectors that change the shape of what comes before.
pub fn visible(text: &str) -> String {
    use std::fmt::Write as _;
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            // A String takes every write.
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        c if c.is_control() => true,
        _ => matches!(
            c,
            '\u{00ad}'
                | '\u{034f}'
                | '\u{061c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_text_is_shown() {
        assert_eq!(visible("pay \u{202e}001\u{202c} EUR"), "pay <U+202E>001<U+202C> EUR");
        assert_eq!(visible("a\u{200b}b\u{feff}c\u{e0041}"), "a<U+200B>b<U+FEFF>c<U+E0041>");
        assert_eq!(visible("\u{1b}[2J\r"), "<U+001B>[2J<U+000D>");
        assert_eq!(visible("Straße\n\t日本語 🦀"), "Straße\n\t日本語 🦀");
    }
}
