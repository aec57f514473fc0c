//! Small things that text reports share: colours, numbers, collecting what a failure says.

/// How much of a failure's words is kept, in bytes; a finding's message is shorter still.
pub(super) const MESSAGE_KEPT_BYTES: usize = 4_000;

/// `text` without terminal escape sequences (ECMA-48 control sequences).
pub(super) fn without_colours(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if let (0x1b, [b'[', sequence @ ..]) = (*first, tail) {
            let len = sequence.iter().take_while(|b| !(0x40..=0x7e).contains(*b)).count();
            rest = sequence.get(len + 1..).unwrap_or_default();
        } else {
            plain.push(*first);
            rest = tail;
        }
    }
    plain
}

/// Appends a line of a failure's words while there is room.
pub(super) fn collect(message: &mut String, line: &str) {
    if message.len() >= MESSAGE_KEPT_BYTES {
        return;
    }
    let room = MESSAGE_KEPT_BYTES - message.len();
    let mut end = line.len().min(room);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    if !message.is_empty() {
        message.push('\n');
    }
    message.push_str(&line[..end]);
}

/// The number at the start of `text`, and what follows it. Absurdly large ones saturate.
pub(super) fn leading_number(text: &str) -> Option<(u64, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(len);
    (len > 0).then(|| (digits.parse().unwrap_or(u64::MAX), rest))
}

#[cfg(test)]
mod tests {
    use super::{collect, leading_number, without_colours};

    #[test]
    fn colours_are_removed_and_text_is_not() {
        assert_eq!(without_colours(b"\x1b[1;32mPASS\x1b[0m [x] \x1b"), b"PASS [x] \x1b");
        assert_eq!(without_colours(b"\x1b["), b"");
    }

    #[test]
    fn collecting_stops_at_the_bound_and_on_a_character() {
        let mut message = String::new();
        for _ in 0..200 {
            collect(&mut message, &"ä".repeat(50));
        }
        assert!(message.len() <= 4_001 && message.len() > 3_900);
    }

    #[test]
    fn numbers_saturate() {
        assert_eq!(leading_number("12 x"), Some((12, " x")));
        assert_eq!(leading_number("99999999999999999999999"), Some((u64::MAX, "")));
        assert_eq!(leading_number("x"), None);
    }
}
