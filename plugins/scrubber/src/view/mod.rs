//! What a text says when its disguises are taken off.
//!
//! Owns the views: the same text with look-alike and invisible characters folded and escapes decoded
//! (`folded`), with broken tokens joined (`joined`, `gap`) and spaced ones drawn together (`spaced`, `listed`), and what runs of base64 and hex stand for
//! (`encoded`). A view is made only of the stretches that need one, so that plain text costs one
//! glance. Whatever is found in a view is carried back to the bytes it was made of; one level deep.

mod encoded;
mod folded;
mod gap;
mod joined;
mod letters;
mod listed;
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

/// Adds what `look` sees in the views of `text`; it is told whether guesses are welcome.
pub(crate) fn find(text: &[u8], look: &impl Fn(&[u8], bool) -> Vec<Span>, found: &mut Vec<Span>) {
    let find = &|text: &[u8]| look(text, true);
    for view in folded::views(text) {
        let mut seen = find(&view.bytes);
        encoded::find(&view.bytes, find, &mut seen);
        // Invisible characters stand where lines end too.
        joined::find(&view.bytes, find, &mut seen);
        spaced::find(&view.bytes, look, &mut seen);
        // An escape may have been disguised itself.
        for inner in folded::views(&view.bytes) {
            seen.extend(find(&inner.bytes).into_iter().map(|span| inner.back(span)));
        }
        found.extend(seen.into_iter().map(|span| view.back(span)));
    }
    joined::find(text, find, found);
    spaced::find(text, look, found);
    listed::find(text, find, found);
    encoded::find(text, find, found);
}

#[cfg(test)]
mod testing {
    use crate::span::Span;

    /// What of `text` is cut when `look` is given a finder that knows one token.
    pub(super) fn cut(text: &str, look: impl FnOnce(&[u8], &fn(&[u8]) -> Vec<Span>, &mut Vec<Span>)) -> Vec<&str> {
        let token: fn(&[u8]) -> Vec<Span> = |text| {
            let at = text.windows(12).position(|w| w == b"tok_q7Zr2LkW");
            at.map(|at| Span { start: at, end: at + 12, kind: "x".into(), confidence: 1.0 }).into_iter().collect()
        };
        let mut found = Vec::new();
        look(text.as_bytes(), &token, &mut found);
        found.iter().map(|span| &text[span.start..span.end]).collect()
    }
}
