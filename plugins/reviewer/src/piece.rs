//! Lines of a stream in pieces of bounded length.
//!
//! Owns the buffer. A line longer than [`PIECE_MAX_BYTES`] comes in several pieces that overlap, so
//! that a token across a cut is seen whole in one of them. Where lines are cut does not depend on
//! how the stream arrives. Never decodes: pieces are bytes.

use std::io::{self, Read};

/// The longest piece.
pub const PIECE_MAX_BYTES: usize = 64 * 1024;

/// How much of a piece its successor repeats: longer than any token but for the rarest.
pub const OVERLAP_BYTES: usize = 4 * 1024;

/// One line, or one piece of a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The bytes, without the line feed; a carriage return before it stays.
    pub text: &'a [u8],
    /// The line's number, from 1.
    pub line: u64,
    /// Whether the line starts here.
    pub first: bool,
    /// Whether a line feed follows: it does not where the line goes on or the stream ends.
    pub ended: bool,
}

/// Reads pieces from a stream.
pub struct Pieces<R> {
    stream: R,
    buffer: Vec<u8>,
    start: usize,
    line: u64,
    first: bool,
    ended: bool,
}

impl<R: Read> Pieces<R> {
    /// Pieces from the start of `stream`.
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new(), start: 0, line: 1, first: true, ended: false }
    }

    /// The first bytes not yet given out: `len` of them, or fewer where the stream ends. `len`
    /// must not exceed [`PIECE_MAX_BYTES`].
    pub fn peek(&mut self, len: usize) -> io::Result<&[u8]> {
        while self.buffer.len() - self.start < len && self.fill()? {}
        let end = self.buffer.len().min(self.start + len);
        Ok(&self.buffer[self.start..end])
    }

    /// Passes over `len` bytes that [`Pieces::peek`] has shown.
    pub fn skip(&mut self, len: usize) {
        self.start = (self.start + len).min(self.buffer.len());
    }

    /// The next piece; none at the end. Text after the last line feed is a line of its own.
    ///
    /// Not an `Iterator`, because a piece borrows the buffer.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        let mut searched = 0;
        loop {
            let window_end = self.buffer.len().min(self.start + PIECE_MAX_BYTES);
            let window = &self.buffer[self.start..window_end];
            let start = self.start;
            if let Some(found) = window[searched..].iter().position(|&b| b == b'\n') {
                let end = start + searched + found;
                let piece = (self.line, self.first);
                self.start = end + 1;
                self.line += 1;
                self.first = true;
                return Ok(Some(Piece { text: &self.buffer[start..end], line: piece.0, first: piece.1, ended: true }));
            }
            if window.len() == PIECE_MAX_BYTES {
                let first = self.first;
                self.start = window_end - OVERLAP_BYTES;
                self.first = false;
                return Ok(Some(Piece { text: &self.buffer[start..window_end], line: self.line, first, ended: false }));
            }
            searched = window.len();
            if !self.fill()? {
                return Ok(self.last());
            }
            // Filling moves what is left to the front of the buffer.
        }
    }

    /// What remains behind the last line feed. The overlap alone has been given out before.
    fn last(&mut self) -> Option<Piece<'_>> {
        let start = self.start;
        self.start = self.buffer.len();
        let rest = &self.buffer[start..];
        let is_new = if self.first { !rest.is_empty() } else { rest.len() > OVERLAP_BYTES };
        let first = self.first;
        self.first = true;
        is_new.then_some(Piece { text: rest, line: self.line, first, ended: false })
    }

    /// Reads more; false at the end of the stream.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + PIECE_MAX_BYTES, 0);
        let count = loop {
            match self.stream.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(filled + *count.as_ref().unwrap_or(&0));
        self.ended = count? == 0;
        Ok(!self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::{OVERLAP_BYTES, PIECE_MAX_BYTES, Pieces};
    use proptest::prelude::*;
    use std::io::{self, Read};

    /// Gives at most `chunk` bytes a read.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(text: &[u8], chunk: usize) -> Vec<(Vec<u8>, u64, bool)> {
        let mut pieces = Pieces::new(Slow(text, chunk));
        let mut all = Vec::new();
        while let Some(piece) = pieces.next_piece().unwrap() {
            all.push((piece.text.to_vec(), piece.line, piece.first));
        }
        all
    }

    #[test]
    fn lines_end_with_a_line_feed_or_with_the_text() {
        let lines = all(b"a\n\nb\r\nc", 2);
        let texts: Vec<&[u8]> = lines.iter().map(|line| line.0.as_slice()).collect();
        assert_eq!(texts, [&b"a"[..], b"", b"b\r", b"c"]);
        assert_eq!(lines.iter().map(|line| line.1).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(all(b"", 1).is_empty());
        assert_eq!(all(b"a\n", 1).len(), 1);
    }

    #[test]
    fn a_long_line_comes_in_overlapping_pieces() {
        let text: Vec<u8> = (0..150_000_u32).map(|i| b'a' + (i % 23) as u8).chain(*b"\nz").collect();
        let pieces = all(&text, 1_000);
        assert_eq!(pieces.iter().map(|p| p.1).collect::<Vec<_>>(), [1, 1, 1, 2]);
        assert_eq!(pieces.iter().map(|p| p.2).collect::<Vec<_>>(), [true, false, false, true]);
        let mut whole = pieces[0].0.clone();
        for piece in &pieces[1..3] {
            assert!(whole.ends_with(&piece.0[..OVERLAP_BYTES]));
            whole.extend_from_slice(&piece.0[OVERLAP_BYTES..]);
        }
        assert_eq!(whole, &text[..150_000]);
    }

    #[test]
    fn a_line_of_exactly_one_piece_is_not_told_twice() {
        let text = vec![b'x'; PIECE_MAX_BYTES];
        assert_eq!(all(&text, 999).len(), 1);
    }

    #[test]
    fn a_failing_stream_is_an_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        assert!(Pieces::new(Broken).next_piece().is_err());
    }

    proptest! {
        // Each case walks some hundred kilobytes, often byte by byte.
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn pieces_do_not_depend_on_chunks(
            lines in proptest::collection::vec((0_usize..3, 0_usize..70_000), 0..6),
            chunk in 1_usize..9_000,
        ) {
            let mut text = Vec::new();
            for (feeds, len) in lines {
                text.extend(std::iter::repeat_n(b'k', len));
                text.extend(std::iter::repeat_n(b'\n', feeds));
            }
            prop_assert_eq!(all(&text, chunk), all(&text, usize::MAX));
        }
    }
}
