//! A labelled corpus, made anew and always the same: secrets of several hundred kinds, personal
//! data, look-alikes, and disguises.
//!
//! Owns what is put into which context. Templates are written as people write, not after the rules;
//! values are made at run time, so that no scanner takes these files for a leak.

pub(crate) mod clean;
pub(crate) mod disguise;
pub(crate) mod kinds;
pub(crate) mod passwords;
pub(crate) mod persons;
pub(crate) mod places;

/// One text and what must not survive in it; nothing when it is clean.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Where the score counts it.
    pub(crate) group: &'static str,
    /// What it is, for the list of failures.
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) secret: Option<String>,
}

/// A small generator of pseudo-random numbers (xorshift64*), always the same for a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from((self.next() >> 33) % limit as u64).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    pub(crate) fn string(&mut self, alphabet: &str, len: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..len).map(|_| self.pick(&letters)).collect()
    }

    pub(crate) fn digits(&mut self, len: usize) -> String {
        self.string("0123456789", len)
    }

    /// What a pattern stands for: `{a20}` twenty letters and digits, `{h32}` hex, and so on.
    pub(crate) fn fill(&mut self, pattern: &str) -> String {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            let close = rest[open..].find('}').unwrap() + open;
            let len: usize = rest[open + 2..close].parse().unwrap();
            let alphabet = match &rest[open + 1..open + 2] {
                "a" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "w" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
                "b" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                "h" => "0123456789abcdef",
                "d" => "0123456789",
                "u" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                "l" => "abcdefghijklmnopqrstuvwxyz0123456789",
                "z" => "abcdefghijklmnopqrstuvwxyz",
                other => panic!("no alphabet {other}"),
            };
            out.push_str(&self.string(alphabet, len));
            rest = &rest[close + 1..];
        }
        out + rest
    }

    pub(crate) fn uuid(&mut self) -> String {
        self.fill("{h8}-{h4}-4{h3}-a{h3}-{h12}")
    }
}
