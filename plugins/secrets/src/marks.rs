//! Where bytes of a class stand, sixty-four at a time.
//!
//! Owns how a whole text is searched for the few bytes that matter: a block becomes a word with one
//! bit for each byte, so that what holds none costs a comparison. Written so that the compiler turns
//! the loop over a block into vector instructions. Never judges what it finds.

/// Bytes of a block.
const BLOCK: usize = 64;

/// Positions of the bytes of a text that are of a class.
pub struct Marks<'t, F> {
    text: &'t [u8],
    is_marked: F,
    /// Where the block begins that `bits` is of.
    base: usize,
    bits: u64,
}

impl<'t, F: Fn(u8) -> bool + Copy> Marks<'t, F> {
    /// The bytes of `text` of which `is_marked` says so. It must be made of comparisons, not of a table.
    pub fn new(text: &'t [u8], is_marked: F) -> Self {
        Self { text, is_marked, base: 0, bits: bits_at(text, 0, is_marked) }
    }

    /// The first marked position at or behind `at`. Fastest when `at` never goes back.
    #[inline]
    pub fn next_from(&mut self, at: usize) -> Option<usize> {
        if at < self.base || at >= self.base + BLOCK {
            self.base = at / BLOCK * BLOCK;
            self.bits = bits_at(self.text, self.base, self.is_marked);
        }
        let mut ahead = self.bits & (u64::MAX << (at % BLOCK));
        while ahead == 0 {
            self.base += BLOCK;
            if self.base >= self.text.len() {
                return None;
            }
            self.bits = bits_at(self.text, self.base, self.is_marked);
            ahead = self.bits;
        }
        Some(self.base + ahead.trailing_zeros() as usize)
    }
}

/// Runs of at least `MIN` bytes of a class, 8 to 16.
pub struct Runs<'t, F, const MIN: usize> {
    text: &'t [u8],
    is_part: F,
    /// Where the block begins whose bits are the lower half of `bits`; the upper half is the next one's.
    base: usize,
    bits: u128,
}

impl<'t, F: Fn(u8) -> bool + Copy, const MIN: usize> Runs<'t, F, MIN> {
    /// The runs of bytes of `text` of which `is_part` says so. It must be made of comparisons.
    pub fn new(text: &'t [u8], is_part: F) -> Self {
        let mut runs = Self { text, is_part, base: 0, bits: 0 };
        runs.load(0);
        runs
    }

    /// The first run at or behind `at`, of which only what lies behind `at` counts: its start and its end.
    pub fn next_from(&mut self, at: usize) -> Option<(usize, usize)> {
        if at < self.base || at >= self.base + BLOCK {
            self.load(at / BLOCK * BLOCK);
        }
        let mut ahead = self.starts() & (u64::MAX << (at % BLOCK));
        while ahead == 0 {
            let next = self.base + BLOCK;
            if next >= self.text.len() {
                return None;
            }
            self.base = next;
            self.bits = self.bits >> BLOCK | u128::from(bits_at(self.text, next + BLOCK, self.is_part)) << BLOCK;
            ahead = self.starts();
        }
        let start = self.base + ahead.trailing_zeros() as usize;
        let known = start + MIN;
        let more = self.text[known..].iter().take_while(|&&b| (self.is_part)(b)).count();
        Some((start, known + more))
    }

    fn load(&mut self, base: usize) {
        self.base = base;
        let upper = bits_at(self.text, base + BLOCK, self.is_part);
        self.bits = u128::from(bits_at(self.text, base, self.is_part)) | u128::from(upper) << BLOCK;
    }

    /// One bit for each byte of the block with which `MIN` of the class begin.
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
    fn starts(&self) -> u64 {
        let two = self.bits & self.bits >> 1;
        let four = two & two >> 2;
        let eight = four & four >> 4;
        (eight & eight >> (MIN - 8)) as u64
    }
}

/// One bit for each byte of the block at `base`; none behind the end of the text.
#[inline]
pub fn bits_at(text: &[u8], base: usize, is_marked: impl Fn(u8) -> bool + Copy) -> u64 {
    match text.get(base..).and_then(|rest| rest.first_chunk::<BLOCK>()) {
        Some(block) => block_bits(block, is_marked),
        None => text
            .iter()
            .skip(base)
            .take(BLOCK)
            .enumerate()
            .fold(0, |bits, (place, &byte)| bits | u64::from(is_marked(byte)) << place),
    }
}

/// The same for each byte and the one behind it, which is zero at the end of the text.
#[inline]
pub fn pair_bits_at(text: &[u8], base: usize, is_marked: impl Fn(u8, u8) -> bool + Copy) -> u64 {
    let block = |at: usize| text.get(at..).and_then(|rest| rest.first_chunk::<BLOCK>());
    if let (Some(bytes), Some(next)) = (block(base), block(base + 1)) {
        return pair_bits(bytes, next, is_marked);
    }
    let rest = text.get(base..).unwrap_or_default();
    let pairs = rest.iter().zip(rest.iter().skip(1).chain(&[0])).take(BLOCK);
    pairs.enumerate().fold(0, |bits, (place, (&byte, &next))| bits | u64::from(is_marked(byte, next)) << place)
}

#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn pair_bits(bytes: &[u8; BLOCK], next: &[u8; BLOCK], is_marked: impl Fn(u8, u8) -> bool + Copy) -> u64 {
    let mut flags = [0_u8; BLOCK];
    for place in 0..BLOCK {
        flags[place] = u8::from(is_marked(bytes[place], next[place]));
    }
    packed(&flags)
}

#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn block_bits(block: &[u8; BLOCK], is_marked: impl Fn(u8) -> bool + Copy) -> u64 {
    let mut flags = [0_u8; BLOCK];
    for (flag, &byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(is_marked(byte));
    }
    packed(&flags)
}

/// One bit for each flag, which is 0 or 1.
#[cfg(not(target_arch = "wasm32"))]
#[inline]
fn packed(flags: &[u8; BLOCK]) -> u64 {
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().enumerate().fold(0, |bits, (place, eight)| {
        // The product has bit i of its last byte from byte i.
        let packed = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | packed << (place * 8)
    })
}

/// The same by the instruction that takes the highest bits of sixteen bytes.
#[cfg(target_arch = "wasm32")]
#[target_feature(enable = "simd128")]
#[inline]
fn packed(flags: &[u8; BLOCK]) -> u64 {
    use core::arch::wasm32::{i8x16_bitmask, i8x16_neg, u64x2};

    let (eights, _) = flags.as_chunks::<8>();
    let (pairs, _) = eights.as_chunks::<2>();
    pairs.iter().enumerate().fold(0, |bits, (place, [low, high])| {
        let sixteen = u64x2(u64::from_le_bytes(*low), u64::from_le_bytes(*high));
        bits | u64::from(i8x16_bitmask(i8x16_neg(sixteen))) << (place * 16)
    })
}

#[cfg(test)]
mod tests {
    use super::{Marks, Runs, bits_at, pair_bits_at};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_and_runs_are_those_that_a_plain_loop_finds(
            text in proptest::collection::vec(prop_oneof![4 => Just(b'a'), 1 => Just(b' ')], 0..400),
            from in 0_usize..400,
        ) {
            let is_part = |byte: u8| byte == b'a';
            let next = (from..text.len()).find(|&at| text[at] == b' ');
            prop_assert_eq!(Marks::new(&text, |byte| byte == b' ').next_from(from), next);
            let is_pair = |byte: u8, next: u8| byte == b'a' && next == b' ';
            let pairs = bits_at(&text, 0, is_part) & bits_at(&text, 1, |byte| byte == b' ');
            prop_assert_eq!(pair_bits_at(&text, 0, is_pair), pairs);
            let run_at = |at: usize| text[at..].iter().take_while(|&&byte| is_part(byte)).count();
            let run = (from..text.len()).map(|at| (at, at + run_at(at))).find(|(start, end)| end - start >= 13);
            prop_assert_eq!(Runs::<_, 13>::new(&text, is_part).next_from(from), run);
        }
    }
}
