//! Characters that look like others, and characters that are not seen.
//!
//! Owns the tables, after Unicode's confusables and compatibility forms, as far as secrets and
//! numbers are made of them. Never looks at context.

/// What a character is seen as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Itself.
    Same,
    /// Nothing at all.
    Nothing,
    /// An ASCII character.
    As(u8),
}

/// Look-alikes of letters, digits and signs that stand in no regular range.
const LOOKALIKES: &[(&str, &str)] = &[
    // Cyrillic.
    ("авекмнорстухіјѕһԁԛԝӏ", "abekmhopctyxijshdqwl"),
    ("АВЕКМНОРСТУХІЈЅҺԀԚԜӀЅ", "ABEKMHOPCTYXIJSHDQWIS"),
    // Greek.
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    ("αοινρυκχτϲϳ", "aoivpukxtcj"),
    // Armenian, IPA and others.
    ("օոսհցզɡɑɩʋᴏᴠᴡᴢᴄꜱıſȷℓℎℊℯℴ", "onuhgqgaivovwzcsisjlhgeo"),
    // Signs.
    ("‐‑‒–—−﹣⁃˗", "---------"),
    ("․﹒。｡", "...."),
    ("∶：﹕ː", "::::"),
    ("∕⁄", "//"),
    ("＿﹍", "__"),
    ("“”„‟«»〝〞", "\"\"\"\"\"\"\"\""),
    ("‘’‚‛′", "'''''"),
    ("﹫", "@"),
    ("﹦꞊", "=="),
    ("⁺﹢", "++"),
];

/// First digits of rows of ten digits in other scripts.
const DIGITS: [u32; 16] = [
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0e50, 0x0ed0,
    0x1d7ce, 0xff10,
];

/// What `character` is seen as.
pub(super) fn seen_as(character: char) -> Seen {
    let code = u32::from(character);
    match code {
        0..=0x7f => Seen::Same,
        // Letters with accents are what they are, but for three.
        0xa1..=0x24f if !matches!(code, 0xad | 0xb2 | 0xb3 | 0xb9 | 0xab | 0xbb | 0x131 | 0x17f | 0x237) => Seen::Same,
        _ if is_unseen(code) => Seen::Nothing,
        0xa0 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 => Seen::As(b' '),
        0xff01..=0xff5e => as_ascii(code - 0xff01 + 0x21),
        0x1d400..=0x1d6a3 => as_letter((code - 0x1d400) % 52),
        0x1d7ce..=0x1d7ff => as_ascii(u32::from(b'0') + (code - 0x1d7ce) % 10),
        0x24b6..=0x24cf => as_ascii(u32::from(b'A') + code - 0x24b6),
        0x24d0..=0x24e9 => as_ascii(u32::from(b'a') + code - 0x24d0),
        0x1f130..=0x1f149 => as_ascii(u32::from(b'A') + code - 0x1f130),
        0x1f150..=0x1f169 => as_ascii(u32::from(b'A') + code - 0x1f150),
        0x1f170..=0x1f189 => as_ascii(u32::from(b'A') + code - 0x1f170),
        0x2460..=0x2468 => as_ascii(u32::from(b'1') + code - 0x2460),
        0x24ea => Seen::As(b'0'),
        0x2080..=0x2089 => as_ascii(u32::from(b'0') + code - 0x2080),
        0x2070 | 0x2074..=0x2079 => as_ascii(u32::from(b'0') + code - 0x2070),
        0xb9 => Seen::As(b'1'),
        0xb2 | 0xb3 => as_ascii(code - 0xb0 + u32::from(b'0')),
        0xe0020..=0xe007e => as_ascii(code - 0xe0000),
        _ => other(character),
    }
}

fn as_ascii(code: u32) -> Seen {
    u8::try_from(code).map_or(Seen::Same, Seen::As)
}

/// A letter of the mathematical alphabets: 26 capitals, 26 small letters.
fn as_letter(place: u32) -> Seen {
    let first = if place < 26 { u32::from(b'A') } else { u32::from(b'a') - 26 };
    as_ascii(first + place)
}

fn other(character: char) -> Seen {
    let code = u32::from(character);
    if let Some(first) = DIGITS.iter().find(|first| (**first..**first + 10).contains(&code)) {
        return as_ascii(code - first + u32::from(b'0'));
    }
    if let Some(place) = code.checked_sub(SCRIPTS).and_then(|place| IN_SCRIPTS.get(place as usize)) {
        return if *place == 0 { Seen::Same } else { Seen::As(*place) };
    }
    for (look, ascii) in LOOKALIKES {
        if let Some(place) = look.chars().position(|one| one == character) {
            return ascii.as_bytes().get(place).map_or(Seen::Same, |byte| Seen::As(*byte));
        }
    }
    Seen::Same
}

/// The first letter of Greek; Cyrillic and Armenian follow. Texts are written in these, so that each letter of
/// theirs is looked up.
const SCRIPTS: u32 = 0x370;

/// What each character from [`SCRIPTS`] on looks like; zero where it is only itself.
static IN_SCRIPTS: [u8; 0x220] = {
    let mut table = [0; 0x220];
    let mut row = 0;
    while row < LOOKALIKES.len() {
        let (look, ascii) = (LOOKALIKES[row].0.as_bytes(), LOOKALIKES[row].1.as_bytes());
        let (mut at, mut place) = (0, 0);
        while at < look.len() {
            // Two bytes hold all of these scripts (RFC 3629 section 3).
            if look[at] >> 5 == 0b110 {
                let code = ((look[at] & 0x1f) as usize) << 6 | (look[at + 1] & 0x3f) as usize;
                if code >= SCRIPTS as usize && code - (SCRIPTS as usize) < table.len() {
                    table[code - SCRIPTS as usize] = ascii[place];
                }
            }
            at += 1;
            while at < look.len() && look[at] & 0xc0 == 0x80 {
                at += 1;
            }
            place += 1;
        }
        row += 1;
    }
    table
};

/// Zero-width, bidirectional, combining and formatting characters.
fn is_unseen(code: u32) -> bool {
    matches!(code,
        0xad | 0x300..=0x36f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f
        | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff9..=0xfffb | 0x1d173..=0x1d17a | 0x20d0..=0x20ff | 0xe0100..=0xe01ef | 0xe0001 | 0xe007f | 0x80..=0x9f)
}

#[cfg(test)]
mod tests {
    use super::{LOOKALIKES, Seen, seen_as};

    #[test]
    fn look_alikes_are_seen_as_what_they_look_like() {
        for (look, ascii) in LOOKALIKES {
            assert_eq!(look.chars().count(), ascii.len(), "{look}");
            for (character, byte) in look.chars().zip(ascii.bytes()) {
                assert_eq!(seen_as(character), Seen::As(byte), "{character}");
            }
        }
        for (character, byte) in
            [('а', b'a'), ('Ａ', b'A'), ('𝐳', b'z'), ('𝟗', b'9'), ('٣', b'3'), ('－', b'-'), ('”', b'"'), ('ⓑ', b'b')]
        {
            assert_eq!(seen_as(character), Seen::As(byte), "{character}");
        }
        assert_eq!(seen_as('\u{200b}'), Seen::Nothing);
        assert_eq!((seen_as('ü'), seen_as('世'), seen_as('a')), (Seen::Same, Seen::Same, Seen::Same));
    }
}
