//! What a text says when its disguises are taken off.
//!
//! Owns the views: the same text with look-alike and invisible characters folded and escapes decoded
//! (`folded`), with broken tokens joined (`joined`) and spaced ones drawn together (`spaced`), and what runs of base64 and hex stand for
//! (`encoded`). A view is made only of the stretches that need one, so that plain text costs one
//! glance. Whatever is found in a view is carried back to the bytes it was made of; one level deep.

mod encoded;
mod folded;
mod joined;
mod letters;
mod spaced;

use crate::span::Span;

/// A text made of another, and where each of its bytes comes from.
pub(crate) struct View {
    bytes: Vec<u8>,
    /// For each byte the first byte it was made of.
    starts: Vec<usize>,
    /// The byte after the last that the view was made of.
    end: usize,
}

impl View {
    fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), starts: Vec::with_capacity(capacity), end: 0 }
    }

    fn push(&mut self, byte: u8, from: usize) {
        self.bytes.push(byte);
        self.starts.push(from);
    }

    /// Carries a span of the view back to the text.
    fn back(&self, span: Span) -> Span {
        let at = |position: usize| self.starts.get(position).copied().unwrap_or(self.end);
        Span { start: at(span.start), end: at(span.end), ..span }
    }
}

/// Adds what `find` sees in the views of `text`.
pub(crate) fn find(text: &[u8], find: &impl Fn(&[u8]) -> Vec<Span>, found: &mut Vec<Span>) {
    for view in folded::views(text) {
        let mut seen = find(&view.bytes);
        encoded::find(&view.bytes, find, &mut seen);
        spaced::find(&view.bytes, find, &mut seen);
        // An escape may have been disguised itself.
        for inner in folded::views(&view.bytes) {
            seen.extend(find(&inner.bytes).into_iter().map(|span| inner.back(span)));
        }
        found.extend(seen.into_iter().map(|span| view.back(span)));
    }
    joined::find(text, find, found);
    spaced::find(text, find, found);
    encoded::find(text, find, found);
}
