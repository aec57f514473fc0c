//! Random values from a seed: the same on each run, so that a failure repeats.

use sluice::domain::json::Json;
use sluice::domain::time::Timestamp;

/// Texts that have broken a store before, or could.
const TEXTS: &[&str] = &[
    "",
    " ",
    "plain",
    "it's \"quoted\" and \\ escaped \\u0041 \\\\",
    "ä ö ü ß — “”",
    "日本語 𝄞 👩‍👩‍👧‍👦 \u{301}e",
    "\u{1}\u{1f}\u{7f}\u{80}\u{ffff}\u{fffd}\u{2028}\u{feff}",
    "tab\tline\nreturn\r\u{8}\u{c}",
    "$1 ? :name @x %s {} ${HOME}",
    "'; DROP TABLE missions; --",
    "null",
    "123",
    "1e999",
    "true",
    "[1,2]",
    "{\"a\":\"b\"}",
    "\"",
    "\\",
];

/// JSON texts that must come back byte for byte.
const JSONS: &[&str] = &[
    "{}",
    "{\"b\":1,\"a\":2,\"a\":3}",
    "{ \"spaced\" :  [ 1 , 2.50, -0, 1e5, 1E+400 ] }\n",
    "{\"escapes\":\"\\u0000 \\u00e4 \\/ \\ud834\\udd1e \\\"\"}",
    "{\"big\":123456789012345678901234567890,\"text\":\"日本語 𝄞\"}",
    "{\"nested\":{\"json\":\"{\\\"x\\\":[\\\"'\\\"]}\"}}",
];

/// A xorshift generator (Marsaglia 2003, triple 13, 7, 17).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).unwrap_or(0)
    }

    /// One of `choices`.
    pub fn one_of<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// Yes or no.
    pub fn flag(&mut self) -> bool {
        self.number() & 1 == 1
    }

    /// `make`, or nothing.
    pub fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(make(self)) } else { None }
    }

    /// Up to three of `make`.
    pub fn few<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| make(self)).collect()
    }

    /// Text, without U+0000.
    pub fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(3) {
            text.push_str(TEXTS[self.below(TEXTS.len())]);
            for _ in 0..self.below(8) {
                let code = (self.number() % 0x11_0000) as u32;
                text.push(char::from_u32(code).filter(|character| *character != '\0').unwrap_or('x'));
            }
        }
        text
    }

    /// A JSON object.
    pub fn json(&mut self) -> Json {
        Json::from_valid(JSONS[self.below(JSONS.len())])
    }

    /// A number up to the largest a column holds; the edges more often.
    pub fn count(&mut self) -> u64 {
        match self.below(4) {
            0 => 0,
            1 => i64::MAX as u64,
            2 => (1 << 53) + 1,
            _ => self.number() >> 1,
        }
    }

    /// A number of 32 bits; the edges more often.
    pub fn small(&mut self) -> u32 {
        match self.below(3) {
            0 => 0,
            1 => u32::MAX,
            _ => (self.number() >> 32) as u32,
        }
    }

    /// A moment.
    pub fn moment(&mut self) -> Timestamp {
        Timestamp(self.count())
    }
}
