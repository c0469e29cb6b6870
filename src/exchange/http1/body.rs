//! Bodies: where a message ends (RFC 9112, sections 6 and 7).
//!
//! Lengths on the wire are what counts; the bytes themselves are looked at only where chunk lengths
//! stand, and never kept.

/// What is left of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked(Chunk),
    /// Until the sender closes.
    UntilClose,
}

/// Where in a chunked body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chunk {
    /// In the line that begins a chunk.
    Size {
        /// The length, as far as it was read.
        size: u64,
        /// Digits read.
        digits: u8,
        /// The digits are over: an extension, or the line's end, follows.
        past_digits: bool,
    },
    /// So many bytes of data, the line end after them included.
    Data(u64),
    /// In the lines after the last chunk.
    Trailer {
        /// The line so far is empty.
        empty: bool,
    },
}

/// How far some bytes brought a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Advance {
    /// All bytes belong to the body, and more follows.
    More,
    /// The body ended after so many of the bytes.
    Done(u64),
    /// What matters among them was not captured.
    Lost,
    /// No chunked body can have such bytes.
    Invalid,
}

const NEW_CHUNK: Chunk = Chunk::Size { size: 0, digits: 0, past_digits: false };

impl Body {
    pub(super) const fn length(bytes: u64) -> Self {
        Self::Length(bytes)
    }

    pub(super) const fn chunked() -> Self {
        Self::Chunked(NEW_CHUNK)
    }

    pub(super) const fn until_close() -> Self {
        Self::UntilClose
    }

    pub(super) fn is_done(self) -> bool {
        self == Self::Length(0)
    }

    /// Takes the next `len` bytes, of which `bytes` were captured.
    pub(super) fn advance(&mut self, bytes: &[u8], len: u64) -> Advance {
        match self {
            Self::UntilClose => Advance::More,
            Self::Length(left) => take(left, len),
            Self::Chunked(chunk) => chunk.advance(bytes, len),
        }
    }
}

/// Takes `len` bytes of the `left` ones.
fn take(left: &mut u64, len: u64) -> Advance {
    match left.checked_sub(len) {
        Some(0) => {
            *left = 0;
            Advance::Done(len)
        }
        Some(rest) => {
            *left = rest;
            Advance::More
        }
        None => Advance::Done(std::mem::take(left)),
    }
}

impl Chunk {
    fn advance(&mut self, bytes: &[u8], len: u64) -> Advance {
        let mut used = 0_u64;
        while used < len {
            if let Self::Data(left) = self {
                match take(left, len.saturating_sub(used)) {
                    Advance::Done(more) => {
                        used = used.saturating_add(more);
                        *self = NEW_CHUNK;
                        continue;
                    }
                    other => return other,
                }
            }
            let at = usize::try_from(used).unwrap_or(usize::MAX);
            let Some(byte) = bytes.get(at) else {
                return Advance::Lost;
            };
            used = used.saturating_add(1);
            match self.line_byte(*byte) {
                Some(true) => return Advance::Done(used),
                Some(false) => {}
                None => return Advance::Invalid,
            }
        }
        Advance::More
    }

    /// Takes one byte outside of data: `Some(true)` when the body ends with it, `None` when it
    /// cannot stand there.
    fn line_byte(&mut self, byte: u8) -> Option<bool> {
        match self {
            Self::Size { size, digits, past_digits } => match (char::from(byte).to_digit(16), byte)
            {
                (Some(digit), _) if !*past_digits => {
                    // 16 digits fill 64 bits.
                    if *digits >= 16 {
                        return None;
                    }
                    *digits = digits.saturating_add(1);
                    *size = *size << 4 | u64::from(digit);
                }
                (_, b'\n') => {
                    if *digits == 0 {
                        return None;
                    }
                    *self = match *size {
                        0 => Self::Trailer { empty: true },
                        size => Self::Data(size.saturating_add(2)),
                    };
                }
                (_, b'\r' | b' ' | b'\t' | b';') => *past_digits = true,
                _ if *past_digits => {}
                _ => return None,
            },
            Self::Trailer { empty } => match byte {
                b'\n' if *empty => return Some(true),
                b'\n' => *empty = true,
                b'\r' => {}
                _ => *empty = false,
            },
            Self::Data(_) => {}
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &[u8] = b"5;ext=1\r\nhello\r\n0a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";

    #[test]
    fn chunks_end_where_they_end_however_they_are_cut() {
        for cut in 0..=WIRE.len() {
            let (a, b) = WIRE.split_at(cut);
            let mut body = Body::chunked();
            let first = body.advance(a, a.len() as u64);
            if cut == WIRE.len() {
                assert_eq!(first, Advance::Done(cut as u64));
            } else {
                assert_eq!(first, Advance::More, "cut at {cut}");
                let mut more = b.to_vec();
                more.extend_from_slice(b"HTTP/1.1");
                assert_eq!(body.advance(&more, more.len() as u64), Advance::Done(b.len() as u64));
            }
        }
    }

    #[test]
    fn uncaptured_data_is_counted_an_uncaptured_chunk_line_is_not_guessed() {
        let mut body = Body::chunked();
        assert_eq!(body.advance(b"64\r\nab", 54), Advance::More);
        assert_eq!(body, Body::Chunked(Chunk::Data(52)));
        assert_eq!(body.advance(b"", 60), Advance::Lost);
    }

    #[test]
    fn text_is_no_chunk() {
        assert_eq!(Body::chunked().advance(b"hello\r\n", 7), Advance::Invalid);
        assert_eq!(Body::chunked().advance(b"\r\n", 2), Advance::Invalid);
        assert_eq!(Body::chunked().advance(b"11111111111111111\r\n", 19), Advance::Invalid);
    }
}
