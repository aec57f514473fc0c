//! Stretches of a text: how they are ordered, merged, and carried from a scrubbed text back to
//! the one it was made from.
//!
//! Never looks at the text but for character boundaries.

use std::borrow::Cow;

/// A stretch that must not travel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) confidence: f32,
}

impl Span {
    /// What is put in its place.
    pub(crate) fn replacement(&self) -> String {
        format!("[REDACTED:{}]", self.kind)
    }
}

/// Sorts and merges: overlapping stretches become one, called what the surest of them is called.
pub(crate) fn merge(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => {
                last.end = last.end.max(span.end);
                if span.confidence > last.confidence {
                    last.kind = span.kind;
                    last.confidence = span.confidence;
                }
            }
            _ => merged.push(span),
        }
    }
    merged
}

/// The text with `spans` (sorted, disjoint) replaced.
pub(crate) fn apply(text: &str, spans: &[Span]) -> String {
    let mut scrubbed = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        scrubbed.push_str(&text[done..span.start]);
        scrubbed.push_str(&span.replacement());
        done = span.end;
    }
    scrubbed.push_str(&text[done..]);
    scrubbed
}

/// Where stretches of the scrubbed text lie in the original. One that touches a replacement takes
/// the whole stretch that was replaced. `spans` and `later` are sorted and disjoint.
pub(crate) fn carry_back(spans: &[Span], later: Vec<Span>) -> Vec<Span> {
    // Each replacement as it lies in the scrubbed text, with the length by which it shifts what
    // follows.
    let mut placed = Vec::with_capacity(spans.len());
    let (mut done, mut at) = (0, 0);
    for span in spans {
        let start = at + (span.start - done);
        let end = start + span.replacement().len();
        placed.push((start, end, span));
        (done, at) = (span.end, end);
    }
    let start_of = |position: usize| {
        let before = placed.partition_point(|(start, ..)| *start <= position);
        match before.checked_sub(1).map(|index| placed[index]) {
            None => position,
            Some((_, end, span)) if position < end => span.start,
            Some((_, end, span)) => span.end + (position - end),
        }
    };
    let end_of = |position: usize| {
        let before = placed.partition_point(|(start, ..)| *start < position);
        match before.checked_sub(1).map(|index| placed[index]) {
            None => position,
            Some((_, end, span)) if position <= end => span.end,
            Some((_, end, span)) => span.end + (position - end),
        }
    };
    later.into_iter().map(|span| Span { start: start_of(span.start), end: end_of(span.end), ..span }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Span, apply, carry_back, merge};

    fn span(start: usize, end: usize, kind: &'static str, confidence: f32) -> Span {
        Span { start, end, kind: kind.into(), confidence }
    }

    #[test]
    fn overlaps_become_one_and_neighbours_stay_two() {
        let merged =
            merge(vec![span(5, 9, "b", 0.5), span(0, 3, "a", 0.5), span(8, 12, "c", 0.9), span(12, 14, "d", 0.1)]);
        assert_eq!(merged, [span(0, 3, "a", 0.5), span(5, 12, "c", 0.9), span(12, 14, "d", 0.1)]);
    }

    #[test]
    fn what_is_found_later_is_carried_back() {
        let text = "0123456789abcdef";
        let spans = [span(2, 4, "k", 1.0), span(8, 12, "k", 1.0)];
        let scrubbed = apply(text, &spans);
        assert_eq!(scrubbed, "01[REDACTED:k]4567[REDACTED:k]cdef");
        let at = |part: &str| scrubbed.find(part).unwrap();
        let back = |start, end| carry_back(&spans, vec![span(start, end, "x", 1.0)])[0].clone();
        assert_eq!(back(0, 2), span(0, 2, "x", 1.0));
        assert_eq!(back(at("45"), at("45") + 2), span(4, 6, "x", 1.0));
        assert_eq!(back(at("ef"), at("ef") + 2), span(14, 16, "x", 1.0));
        // One that reaches into a replacement takes what was replaced.
        assert_eq!(back(1, 5), span(1, 4, "x", 1.0));
        assert_eq!(back(at("67"), at("67") + 5), span(6, 12, "x", 1.0));
        assert_eq!(back(5, at("45") + 1), span(2, 5, "x", 1.0));
    }
}
