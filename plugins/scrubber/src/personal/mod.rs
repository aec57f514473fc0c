//! Personal data: mail addresses, telephone, card and account numbers, national ids, dates of birth,
//! addresses.
//!
//! Owns the one pass over the text that asks each matcher where it may start, and the names of the
//! kinds. What has a check digit must pass it; what has none needs a word beside it or an
//! unmistakable shape, because a text full of holes is worth nothing.
//!
//! Read next: `email`, `number` (rows of digits and groups) and `extent` (how far they go), `card`, `account`,
//! `phone`, `national` (the table of ids), `date`, `hints` (the words around a number), `checks`, `postal`.

mod account;
mod card;
mod checks;
mod date;
mod email;
mod extent;
mod hints;
mod national;
mod number;
mod phone;
mod postal;

use crate::span::Span;
use sluice_secrets::marks::Marks;
use std::collections::BTreeSet;

/// Kinds that are not national ids.
const OWN_KINDS: [&str; 8] =
    ["email", "phone", "credit_card", "iban", "date_of_birth", "postal_address", "ipv4", "ipv6"];

/// Every kind of personal data, by name.
pub(crate) fn kinds() -> BTreeSet<&'static str> {
    OWN_KINDS.into_iter().chain(national::IDS.iter().map(|id| id.kind)).collect()
}

/// Whether a matcher may start at `byte`: a digit, `+` or `@`.
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the compiler from using vectors")]
fn may_start(byte: u8) -> bool {
    (byte.wrapping_sub(b'0') < 10) | (byte == b'+') | (byte == b'@')
}

/// Adds what is found in `text`; `wants` tells whether a kind is looked for.
pub(crate) fn find(text: &[u8], wants: &impl Fn(&str) -> bool, found: &mut Vec<Span>) {
    let (mut at, mut row) = (0, number::Row::default());
    let mut starts = Marks::new(text, may_start);
    while let Some(next) = starts.next_from(at) {
        at = next;
        if text[at] == b'@' {
            let address = email::around(text, at);
            let password = address.as_ref().and_then(|address| sluice_secrets::behind_address(text, address.end));
            found.extend(password.map(|one| Span {
                start: one.start,
                end: one.end,
                kind: one.kind.name().into(),
                confidence: one.confidence,
            }));
            found.extend(address);
            at += 1;
        } else {
            let (span, next) = number::around(text, at, &mut row);
            at = next;
            found.extend(span);
        }
    }
    email::spelled(text, found);
    if wants("postal_address") {
        postal::find(text, found);
    }
    found.retain(|span| wants(&span.kind));
}
