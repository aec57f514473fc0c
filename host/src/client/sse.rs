//! Reads server-sent events from bytes as they come (HTML, section 9.2: event streams).
//!
//! Lines end with a line feed, with or without a carriage return before it; this API sends no
//! other ends.

use std::collections::VecDeque;

/// Longest frame, in bytes (8 MiB); an event's properties are far smaller.
const FRAME_MAX_BYTES: usize = 8 << 20;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Frame {
    /// What `event:` names; none for a plain message.
    pub(super) event: Option<String>,
    /// What `id:` names.
    pub(super) id: Option<String>,
    /// Its data, lines joined by line feeds.
    pub(super) data: String,
}

/// Why bytes are no stream of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame is over {FRAME_MAX_BYTES} bytes")]
pub(super) struct FrameTooLarge;

/// Puts frames together.
#[derive(Debug, Default)]
pub(super) struct Frames {
    line: Vec<u8>,
    frame: Frame,
    has_data: bool,
    complete: VecDeque<Frame>,
}

impl Frames {
    /// Takes bytes as they came.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), FrameTooLarge> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + self.frame.data.len() + piece.len() > FRAME_MAX_BYTES {
                return Err(FrameTooLarge);
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                self.take_line(line.trim_end_matches('\n').trim_end_matches('\r'));
            }
        }
        Ok(())
    }

    /// The next complete frame.
    pub(super) fn next(&mut self) -> Option<Frame> {
        self.complete.pop_front()
    }

    fn take_line(&mut self, line: &str) {
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            // A frame without data is none, whatever else it says.
            if std::mem::take(&mut self.has_data) {
                self.complete.push_back(frame);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.frame.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => self.frame.id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.frame.data.push('\n');
                }
                self.frame.data.push_str(value);
                self.has_data = true;
            }
            // Comments begin with a colon; `retry` is not for a client with its own pauses.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames_of(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut frames = Frames::default();
        for piece in pieces {
            frames.push(piece).unwrap();
        }
        std::iter::from_fn(|| frames.next()).collect()
    }

    #[test]
    fn frames_are_the_same_however_the_bytes_are_cut() {
        let text = ": hello\n\nevent: ready\ndata: {}\n\nid: 7\ndata: {\"a\":\ndata:  \"\u{00e9}\"}\r\n\r\nid: 8\n\ndata\n\nid: 9\ndata: unfinished";
        let whole = frames_of(&[text.as_bytes()]);
        let expected = [
            Frame { event: Some("ready".to_owned()), id: None, data: "{}".to_owned() },
            Frame { event: None, id: Some("7".to_owned()), data: "{\"a\":\n \"\u{00e9}\"}".to_owned() },
            Frame::default(),
        ];
        assert_eq!(whole, expected);
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(frames_of(&pieces), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_frame_has_a_largest_size() {
        let mut frames = Frames::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; FRAME_MAX_BYTES - 100], b"\n"].concat();
        assert_eq!(frames.push(&line), Ok(()));
        assert_eq!(frames.push(&line), Err(FrameTooLarge));
    }
}
