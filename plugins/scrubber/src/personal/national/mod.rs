//! Numbers by which countries know people: their shapes, their check digits, what announces them.
//!
//! Owns when such a number is believed. A number that is written in an unmistakable way, with a right check
//! digit, needs no word beside it; a bare row of digits does.
//!
//! Read next: `rows` (one for each kind of number), `rules` (what makes it right), `shape` (how it is written).

mod rows;
mod rules;
mod shape;

pub(super) use rows::IDS;
pub(super) use shape::{SHAPE_MAX_BYTES, Shape, matches_shape};

use super::extent::Extent;
use super::hints::Around;
use super::number::span;
use crate::span::Span;
use shape::{Compact, with_lengths};

/// What has to stand beside a number for it to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: shape and check suffice, unless the text says that it is something else.
    Nothing,
    /// A word of its own or one that makes any number somebody's.
    Word,
    /// A word, or somebody's name right in front of it.
    NameOrWord,
    /// A word of its own.
    OwnWord,
}

/// One kind of number.
pub(super) struct Id {
    /// The stable name of the kind.
    pub(super) kind: &'static str,
    /// `d` a digit, `U` a letter, `A` either; ` ` an optional blank, dot, dash or slash; anything
    /// else itself.
    pub(super) shape: &'static str,
    pub(super) need: Need,
    /// Words that announce it, small letters.
    pub(super) words: &'static [&'static str],
    /// Given the characters without separators, letters in upper case.
    pub(super) check: fn(&[u8]) -> bool,
}

/// The national id that begins at `start`.
pub(super) fn at(text: &[u8], start: usize, extent: &Extent) -> Option<Span> {
    let mut around: Option<Around> = None;
    let mut best: Option<Span> = None;
    let lead = text[start..].iter().take(24).take_while(|b| b.is_ascii_digit()).count();
    for (id, shape) in with_lengths(extent.ends, lead) {
        if !shape.admits(&extent.makeup) {
            continue;
        }
        // Digits in a row are what a shape of digits is made of.
        let row =
            shape.digits_only().filter(|len| *len <= lead).map(|len| (start + len, Compact::of(&text[start..], len)));
        let Some((end, compact)) = row.or_else(|| matches_shape(id.shape, text, start)) else { continue };
        if best.as_ref().is_some_and(|best| best.end >= end) || !(id.check)(&compact.bytes[..compact.len]) {
            continue;
        }
        let around = around.get_or_insert_with(|| Around::of(text, start, end));
        if is_believed(id, around, &text[start..end])
            || id.need == Need::NameOrWord && !around.is_denied() && follows_name(text, start)
        {
            best = Some(span(start, end, id.kind, 0.85));
        }
    }
    best
}

fn is_believed(id: &Id, around: &Around, given: &[u8]) -> bool {
    let has_own = around.has(id.words);
    match id.need {
        Need::Nothing => {
            // A bare row of digits may be a moment or a counter; its own word or a general one helps.
            let is_bare = given.iter().all(u8::is_ascii_digit);
            let is_moment = is_bare && given.len() == 13 && given[0] == b'1';
            has_own || around.is_personal() || !(around.is_denied() || is_moment)
        }
        Need::Word | Need::NameOrWord => has_own || around.is_personal() && !around.is_denied(),
        Need::OwnWord => has_own,
    }
}

/// Whether somebody's name stands in front of `start`: `Ada Lovelace 529...`, `Lovelace,529...`, `| Ada | 529...`.
fn follows_name(text: &[u8], start: usize) -> bool {
    let line = &text[start.saturating_sub(48)..start];
    let line = line.rsplit(|&b| b == b'\n').next().unwrap_or_default();
    let is_name = |word: &[u8]| {
        word.len() >= 3
            && word[0].is_ascii_uppercase()
            && word[1..].iter().all(|b| b.is_ascii_lowercase() || *b >= 0x80)
    };
    let trimmed = line.trim_ascii_end();
    if let Some(cell) = trimmed.strip_suffix(b",").or(trimmed.strip_suffix(b";")).or(trimmed.strip_suffix(b"|")) {
        let cell = cell.rsplit(|b| matches!(b, b',' | b';' | b'|')).next().unwrap_or_default().trim_ascii();
        return !cell.is_empty() && cell.split(|&b| b == b' ').all(is_name);
    }
    let mut words = trimmed.rsplit(|&b| b == b' ');
    trimmed.len() + 1 == line.len() && words.next().is_some_and(is_name) && words.next().is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::IDS;

    /// Numbers that the issuing authorities or their standards print as examples.
    #[test]
    fn printed_numbers_pass_their_checks_and_a_wrong_digit_does_not() {
        for (kind, right, wrong) in [
            ("ca_sin", "130692544", "130692545"),
            ("es_dni", "12345678Z", "12345678A"),
            ("es_nie", "X1234567L", "X1234567M"),
            ("it_fiscal_code", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            ("pl_pesel", "44051401359", "44051401358"),
            ("no_birth_number", "01129955151", "01129955152"),
            ("fi_personal_code", "131052308T", "131052308S"),
            ("ch_ahv", "7569217076985", "7569217076984"),
            ("br_cpf", "52998224725", "52998224726"),
            ("cl_rut", "123456785", "123456786"),
            ("cn_resident_id", "11010519491231002X", "110105194912310021"),
            ("sg_nric", "S1234567D", "S1234567E"),
            ("tw_national_id", "A123456789", "A123456788"),
            ("hk_identity_card", "A1234563", "A1234564"),
            ("tr_identity_number", "10000000146", "10000000147"),
            ("fr_nir", "255081416802538", "255081416802539"),
            ("be_national_number", "85073003328", "85073003329"),
            ("se_personal_number", "8112189876", "8112189875"),
            ("za_id", "8001015009087", "8001015009088"),
            ("ro_cnp", "1800101221144", "1800101221145"),
            ("uk_nhs_number", "9434765919", "9434765918"),
            ("nl_bsn", "111222333", "111222334"),
            ("de_tax_id", "86095742719", "86095742718"),
            ("ee_personal_code", "37605030299", "37605030298"),
            ("au_tfn", "876543210", "876543211"),
            ("au_abn", "51824753556", "51824753557"),
            ("mx_curp", "HEGG560427MVZRRL04", "HEGG560427MVZRRL05"),
            ("de_social_security", "15070649C103", "15070649C104"),
            ("ru_snils", "11223344595", "11223344594"),
        ] {
            let passes = |text: &str| {
                IDS.iter().filter(|id| id.kind == kind).any(|id| {
                    let wanted = id.shape.bytes().filter(u8::is_ascii_alphanumeric).count();
                    wanted == text.len() && (id.check)(text.as_bytes())
                })
            };
            assert!(passes(right), "{kind} {right}");
            assert!(!passes(wrong), "{kind} {wrong}");
        }
    }
}
