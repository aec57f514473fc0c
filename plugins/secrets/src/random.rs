//! How random a string looks: entropy, how its letters follow each other, what it is made of.
//!
//! Owns the judgement 'nobody would write this as a word or a name'. Never looks around the string.

/// How rare the second letter is behind the first, in bits, capped at 9: words and identifiers of
/// a few hundred English and programming texts, counted once. Random letters average 6.
static RARITY: [&[u8; 26]; 26] = [
    b"74448758596343959333677769",
    b"35564688458377469446399959",
    b"37563683594468279463579969",
    b"36552677388476469545577979",
    b"47445568798553756234767479",
    b"46654379299476379455498969",
    b"47662754499464569345478987",
    b"27662787397666379564598969",
    b"56455659998442459543959695",
    b"37562687465676368747386876",
    b"47552666378475568535576969",
    b"37652788398477369755579959",
    b"25762799398557439856589959",
    b"47433538496676469743568989",
    b"66447669696442549354465799",
    b"38673685498487349354598959",
    b"77677778798476776656177889",
    b"37552768396656369444577959",
    b"58572775496567547732487969",
    b"37562684398667469345587959",
    b"54564569599443649343899899",
    b"27681788399767589767888988",
    b"37663774298674479446886789",
    b"56353476398657638762778459",
    b"55454667598444528533666766",
    b"47761786389668479767797754",
];

/// Bits of entropy per byte, 0 for an empty string, at most 8.
///
/// Random base64 of 40 bytes has about 4.8, random hex of 32 about 3.6, English words 2.5 to 3.3.
pub fn bits_per_byte(bytes: &[u8]) -> f32 {
    if bytes.is_empty() {
        return 0.0;
    }
    let mut counts = [0_u16; 256];
    for &byte in bytes {
        counts[usize::from(byte)] = counts[usize::from(byte)].saturating_add(1);
    }
    // Of n bytes the entropy is log2(n) less the mean of log2 of how often each occurs: what occurs once
    // adds nothing, and most bytes of a random string do.
    let mut repeated = 0.0;
    for &byte in bytes {
        let count = std::mem::take(&mut counts[usize::from(byte)]);
        if count > 1 {
            repeated += f32::from(count) * log2(count);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "candidates are a few hundred bytes long")]
    let total = bytes.len() as f32;
    total.log2() - repeated / total
}

/// The logarithm of a count, small ones from a table.
fn log2(count: u16) -> f32 {
    const SMALL: [f32; 9] = [0.0, 0.0, 1.0, 1.584_962_5, 2.0, 2.321_928, 2.584_962_5, 2.807_355, 3.0];
    SMALL.get(usize::from(count)).copied().unwrap_or_else(|| f32::from(count).log2())
}

/// What a string is made of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Makeup {
    pub(crate) len: usize,
    pub(crate) upper: usize,
    pub(crate) lower: usize,
    pub(crate) digits: usize,
    /// Everything but letters, digits, `_`, `-`, `.`, `/`, `:`; bytes beyond ASCII count too.
    pub(crate) symbols: usize,
    /// The others.
    pub(crate) separators: usize,
    /// Letters that follow a digit or digits that follow a letter.
    pub(crate) switches: usize,
    /// Whether all letters are hex digits of one case.
    pub(crate) is_hex: bool,
}

impl Makeup {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut makeup = Self { len: bytes.len(), ..Self::default() };
        let mut before = 0_u8;
        let (mut beyond_hex, mut hex_upper, mut hex_lower) = (false, false, false);
        for &byte in bytes {
            let group = match byte {
                b'0'..=b'9' => {
                    makeup.digits += 1;
                    1
                }
                b'A'..=b'Z' => {
                    makeup.upper += 1;
                    hex_upper = true;
                    beyond_hex |= byte > b'F';
                    2
                }
                b'a'..=b'z' => {
                    makeup.lower += 1;
                    hex_lower = true;
                    beyond_hex |= byte > b'f';
                    2
                }
                b'_' | b'-' | b'.' | b'/' | b':' => {
                    makeup.separators += 1;
                    beyond_hex = true;
                    0
                }
                _ => {
                    makeup.symbols += 1;
                    beyond_hex = true;
                    0
                }
            };
            makeup.switches += usize::from(group + before == 3);
            before = group;
        }
        makeup.is_hex = !(beyond_hex || hex_upper && hex_lower);
        makeup
    }

    pub(crate) const fn letters(&self) -> usize {
        self.upper + self.lower
    }
}

/// The rarity of neighbouring letters, in tenths of a bit on average, and how many pairs there are.
/// Only pairs of one case count, and a capital before a small letter.
pub(crate) fn rarity(bytes: &[u8]) -> (usize, usize) {
    let (mut sum, mut pairs) = (0, 0);
    for pair in bytes.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && !(a.is_ascii_lowercase() && b.is_ascii_uppercase()) {
            let row = RARITY[usize::from((a | 32) - b'a')];
            sum += usize::from(row[usize::from((b | 32) - b'a')] - b'0');
            pairs += 1;
        }
    }
    (sum * 10 / pairs.max(1), pairs)
}

/// Groups of one length, three or more, joined by blanks or dashes and together no words: `ADeO Rxlp kSrp B04c`,
/// `353507-925628-392464-478649`. The groups have four to eight characters, of digits alone six groups are due.
pub(crate) fn is_grouped(bytes: &[u8]) -> bool {
    let Some(separator) = bytes.iter().copied().find(|b| !b.is_ascii_alphanumeric()) else { return false };
    let mut groups = bytes.split(|&b| b == separator);
    let len = groups.next().map_or(0, <[u8]>::len);
    let is_regular = groups.all(|group| group.len() == len && group.iter().all(u8::is_ascii_alphanumeric));
    let count = (bytes.len() + 1) / (len + 1);
    let makeup = Makeup::of(bytes);
    let is_mixed = makeup.digits > 0 && makeup.letters() > 0
        || makeup.upper >= 3 && makeup.lower >= 3
        || makeup.digits == 0 && rarity(bytes).0 >= 55
        || makeup.letters() == 0 && count >= 6;
    matches!(separator, b' ' | b'-') && (4..=8).contains(&len) && is_regular && count >= 3 && is_mixed
}

/// `Linux-node-` and a digest: a name that was made of what it names.
pub(crate) fn is_named_digest(run: &[u8]) -> bool {
    let Some(last) = run.iter().rposition(|&b| b == b'-') else { return false };
    let (name, digest) = (&run[..last], &run[last + 1..]);
    let is_word = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_alphabetic);
    matches!(digest.len(), 32 | 40 | 64)
        && Makeup::of(digest).is_hex
        && name.contains(&b'-')
        && name.split(|&b| b == b'-').all(is_word)
}

/// Words joined by `_`, `-`, `.`, `/`, `:`, each perhaps with a number behind it: a name for
/// something, not a random value.
pub(crate) fn is_identifier(bytes: &[u8]) -> bool {
    let is_words = bytes.split(|b| matches!(b, b'_' | b'-' | b'.' | b'/' | b':')).all(|word| {
        let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let digits = word[letters..].iter().take_while(|b| b.is_ascii_digit()).count();
        letters + digits == word.len() && digits <= 4 && has_word_case(&word[..letters])
    });
    is_words && {
        let (rarity, pairs) = rarity(bytes);
        !(pairs >= 9 && rarity >= 52)
    }
}

/// Upper case only at the start of a part (`clientSecret`), or throughout (`API`).
fn has_word_case(letters: &[u8]) -> bool {
    let upper = letters.iter().filter(|b| b.is_ascii_uppercase()).count();
    upper == letters.len() || upper * 3 <= letters.len()
}

/// Whether `bytes` looks like the output of a random generator: letters and digits mixed beyond
/// what names do, or letters in an order that no word has. At least 8 bytes.
pub(crate) fn is_random(bytes: &[u8]) -> bool {
    let makeup = Makeup::of(bytes);
    if makeup.len < 8 || makeup.letters() + makeup.digits < makeup.len * 3 / 5 {
        return false;
    }
    if makeup.is_hex {
        return makeup.len >= 16 && makeup.digits > 0 && makeup.letters() > 0 && bits_per_byte(bytes) >= 2.5;
    }
    if is_identifier(bytes) {
        return false;
    }
    let (rarity, pairs) = rarity(bytes);
    let is_mixed = makeup.upper > 0 && makeup.lower > 0 && makeup.digits > 0;
    let turns = case_turns(bytes);
    let strange = makeup.switches + turns;
    // Each rule was set so that 1 in 100 of random strings of that make-up fails it.
    match () {
        () if makeup.digits == 0 && turns * 4 < makeup.len => pairs >= 9 && rarity >= 50,
        () if is_mixed => {
            strange * 5 >= makeup.len || (pairs >= 6 && rarity >= 48) || (makeup.separators == 0 && strange >= 3)
        }
        () if makeup.digits == 0 => bits_per_byte(bytes) >= 3.0,
        () => strange * 6 >= makeup.len || (pairs >= 7 && rarity >= 48),
    }
}

/// Small letters followed by capitals and capitals followed by small letters within a word.
fn case_turns(bytes: &[u8]) -> usize {
    let is_turn = |pair: &[u8]| {
        (pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
            || (pair[0].is_ascii_uppercase() && pair[1].is_ascii_lowercase())
    };
    bytes.windows(2).filter(|pair| is_turn(pair)).count() / 2 * 3 / 2
}

/// Whether a token in a vendor's format is made of a few characters again and again, or counts up:
/// `xxxxxxxx`, `0000`, `123456789`, `abcdefgh`. `skips_prefix` leaves out what stands before the
/// last `_` or `-` of the first half.
pub(crate) fn is_monotonous(token: &[u8], skips_prefix: bool) -> bool {
    let half = &token[..token.len() / 2];
    let prefix = if skips_prefix {
        half.iter().rposition(|b| matches!(b, b'_' | b'-' | b'.')).map_or(0, |at| at + 1)
    } else {
        0
    };
    let body = &token[prefix..];
    if body.len() < 8 {
        return false;
    }
    let mut seen = [false; 256];
    for &byte in body {
        seen[usize::from(byte)] = true;
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let steps = body.windows(2).filter(|pair| pair[1] == pair[0] || pair[1] == pair[0].wrapping_add(1)).count();
    distinct < 5 || steps * 5 >= body.len() * 3
}

#[cfg(test)]
mod tests {
    use super::{bits_per_byte, is_identifier, is_monotonous, is_random};

    #[test]
    fn entropy_is_zero_for_one_letter_and_two_for_four() {
        assert!(bits_per_byte(b"").abs() < 1e-6);
        assert!(bits_per_byte(b"aaaa").abs() < 1e-6);
        assert!((bits_per_byte(b"abcd") - 2.0).abs() < 1e-6);
    }

    #[test]
    fn random_strings_are_told_from_names() {
        for text in [
            "q7Zr2LkW9xVb4NsD1mHt",
            "xkqzjvbwplrtgh",
            "0a9f3c7e1d5b8246",
            "8fj2kd93ls0a",
            "ZxQwErPoIuLkJh7",
            "dGhpc3Rva2VuMQ",
            "fK9-x2Lq_71mZ",
        ] {
            assert!(is_random(text.as_bytes()), "{text}");
        }
        for text in [
            "configuration",
            "getUserInfoById",
            "my-service-account",
            "production_database_2024",
            "src/components/Button",
            "KeyError",
            "hunter2",
            "12345678901234",
            "kubernetes.io/hostname",
            "application-json",
        ] {
            assert!(!is_random(text.as_bytes()), "{text}");
        }
        assert!(is_identifier(b"client_secret2") && !is_identifier(b"hunter2secret"));
    }

    #[test]
    fn stand_ins_of_a_format_are_monotonous() {
        for token in ["ghp_xxxxxxxxxxxxxxxxxxxx", "sk_live_000000000000", "tok_abcdefghijklmnop", "tok_1234567890"] {
            assert!(is_monotonous(token.as_bytes(), true), "{token}");
        }
        assert!(!is_monotonous(b"tok_q7Zr2LkW9xVb", true));
    }
}
