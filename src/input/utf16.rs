//! UTF-16 becomes UTF-8 while it is read: what PowerShell writes with `>`, and Windows' event log exports.

use std::io::{self, Read};

/// How much is read at once.
const PIECE: usize = 1 << 16;

/// The order of the two bytes of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Little,
    Big,
}

/// The order of a text that begins so, if it is UTF-16: by its mark, or by zeros in every second place.
pub(super) fn order(head: &[u8]) -> Option<Order> {
    match head {
        [0xff, 0xfe, ..] => return Some(Order::Little),
        [0xfe, 0xff, ..] => return Some(Order::Big),
        _ => {}
    }
    let pairs = head.chunks_exact(2);
    if pairs.len() < 4 {
        return None;
    }
    let each = |wanted: fn(&[u8]) -> bool| head.chunks_exact(2).all(wanted);
    if each(|pair| matches!(pair, [text, 0] if *text != 0)) {
        Some(Order::Little)
    } else if each(|pair| matches!(pair, [0, text] if *text != 0)) {
        Some(Order::Big)
    } else {
        None
    }
}

/// A stream of UTF-16, read as UTF-8. What is no character becomes U+FFFD.
pub(super) struct Utf16<R> {
    input: R,
    order: Order,
    /// Bytes that came, of which fewer than a whole character are left.
    raw: Vec<u8>,
    /// UTF-8 that was not asked for yet.
    text: Vec<u8>,
    /// How much of that was given.
    given: usize,
    begun: bool,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(input: R, order: Order) -> Self {
        Self { input, order, raw: Vec::new(), text: Vec::new(), given: 0, begun: false }
    }

    /// Reads on until there is text, or none is left.
    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.given = 0;
        while self.text.is_empty() {
            let had = self.raw.len();
            self.raw.resize(had.saturating_add(PIECE), 0);
            let count = self.input.read(self.raw.get_mut(had..).unwrap_or_default());
            self.raw.truncate(had.saturating_add(*count.as_ref().unwrap_or(&0)));
            let over = count? == 0;
            let units: Vec<u16> = self.raw.chunks_exact(2).map(|pair| self.unit(pair)).collect();
            // Half a surrogate pair waits for its other half.
            let half = units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) && !over;
            let whole = units.len().saturating_sub(usize::from(half));
            for character in char::decode_utf16(units.into_iter().take(whole)) {
                let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                let mark = !self.begun && character == '\u{feff}';
                self.begun = true;
                if !mark {
                    self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            self.raw.drain(..whole.saturating_mul(2));
            if over {
                break;
            }
        }
        Ok(())
    }

    fn unit(&self, pair: &[u8]) -> u16 {
        let pair = <[u8; 2]>::try_from(pair).unwrap_or_default();
        match self.order {
            Order::Little => u16::from_le_bytes(pair),
            Order::Big => u16::from_be_bytes(pair),
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.text.len() {
            self.fill()?;
        }
        let left = self.text.get(self.given..).unwrap_or_default();
        let count = left.len().min(into.len());
        if let (Some(into), Some(left)) = (into.get_mut(..count), left.get(..count)) {
            into.copy_from_slice(left);
        }
        self.given = self.given.saturating_add(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let order = order(bytes).unwrap();
        let mut text = String::new();
        Utf16::new(bytes, order).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn both_orders_with_and_without_a_mark_are_read() {
        let text = "GET /ä 😀 502\n";
        let little =
            |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        assert_eq!(read(&[&[0xff, 0xfe], little(text).as_slice()].concat()), text);
        assert_eq!(read(&[&[0xfe, 0xff], big(text).as_slice()].concat()), text);
        assert_eq!(read(&little("GET / HTTP")), "GET / HTTP");
        assert_eq!(read(&big("GET / HTTP")), "GET / HTTP");
        // A file that ends in the middle of a character.
        assert_eq!(read(&[0xff, 0xfe, b'a', 0, 0x3d, 0xd8, 7]), "a\u{fffd}");
    }

    #[test]
    fn other_text_is_none() {
        for bytes in [&b"10.0.0.1 - - [20/Nov"[..], b"", b"ab", &[0; 24]] {
            assert_eq!(order(bytes), None);
        }
    }
}
