//! Check digits and dates inside of numbers.
//!
//! Owns the arithmetic of the standards; each function is given the characters of one number without
//! separators, letters in upper case, and says whether they belong together. Never looks at text.

/// The value of a digit.
pub(super) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// The number that digits stand for.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, &byte| number * 10 + u64::from(digit(byte)))
}

/// The sum of digits times weights, as many as there are weights.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(&byte, weight)| digit(byte) * weight).sum()
}

/// ISO/IEC 7812: every second digit from the right doubled.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &byte)| match (place % 2, digit(byte)) {
            (0, digit) => digit,
            (_, digit) if digit < 5 => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10) && !is_one_digit(digits)
}

/// Whether all characters are the same: nobody's number, though many checks let it pass.
pub(super) fn is_one_digit(digits: &[u8]) -> bool {
    digits.iter().all(|digit| *digit == digits[0])
}

/// ISO 7064 mod 97-10 over the number with its first four characters moved to the end (ISO 13616).
pub(super) fn mod_97_10(characters: &[u8]) -> bool {
    let (head, tail) = characters.split_at(4);
    let remainder = tail.iter().chain(head).fold(0_u32, |sum, &byte| match byte {
        b'0'..=b'9' => (sum * 10 + digit(byte)) % 97,
        _ => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    remainder == 1
}

/// ISO 7064 mod 11,10.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let (body, check) = digits.split_at(digits.len() - 1);
    let product = body.iter().fold(10, |product, &byte| {
        let sum = (digit(byte) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == digit(check[0])
}

/// ISO 7064 mod 11-2, whose check character may be `X`.
pub(super) fn mod_11_2(characters: &[u8]) -> bool {
    let (body, check) = characters.split_at(characters.len() - 1);
    let sum = body.iter().fold(0, |sum, &byte| (sum + digit(byte)) * 2 % 11);
    let wanted = (12 - sum) % 11;
    if wanted == 10 { check[0] == b'X' } else { digit(check[0]) == wanted }
}

/// EAN-13.
pub(super) fn ean(digits: &[u8]) -> bool {
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(place, &byte)| digit(byte) * if place % 2 == 0 { 1 } else { 3 }).sum();
    sum.is_multiple_of(10)
}

/// Verhoeff's dihedral check.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const PRODUCTS: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const PLACES: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    let sum = digits.iter().rev().enumerate().fold(0_u8, |sum, (place, &byte)| {
        PRODUCTS[usize::from(sum)][usize::from(PLACES[place % 8][digit(byte) as usize % 10])]
    });
    sum == 0
}

/// Whether there is such a day; months are counted from 1.
pub(super) fn day_exists(day: u64, month: u64) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// `YYMMDD`.
pub(super) fn year_month_day(digits: &[u8]) -> bool {
    day_exists(number(&digits[4..6]), number(&digits[2..4]))
}

/// `DDMMYY`.
pub(super) fn day_month(digits: &[u8]) -> bool {
    day_exists(number(&digits[..2]), number(&digits[2..4]))
}

/// `YYYYMMDD` of a person who may be alive.
pub(super) fn full_date(digits: &[u8]) -> bool {
    (1900..=2035).contains(&number(&digits[..4])) && day_exists(number(&digits[6..8]), number(&digits[4..6]))
}

#[cfg(test)]
mod tests {
    use super::{ean, luhn, mod_11_2, mod_11_10, mod_97_10, verhoeff, year_month_day};

    #[test]
    fn numbers_of_the_standards_pass_and_a_wrong_digit_does_not() {
        type Check = fn(&[u8]) -> bool;
        let cases: [(Check, &[u8], &[u8]); 6] = [
            (luhn, b"4111111111111111", b"4111111111111112"),
            (mod_97_10, b"GB82WEST12345698765432", b"GB82WEST12345698765433"),
            (mod_11_10, b"86095742719", b"86095742718"),
            (mod_11_2, b"11010519491231002X", b"110105194912310021"),
            (ean, b"7569217076985", b"7569217076984"),
            (verhoeff, b"2363", b"2364"),
        ];
        for (check, right, wrong) in cases {
            assert!(check(right) && !check(wrong), "{}", String::from_utf8_lossy(right));
        }
        assert!(year_month_day(b"000229") && !year_month_day(b"000230"));
    }
}
