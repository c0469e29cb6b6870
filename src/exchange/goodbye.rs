//! What a client's words are good for, though they are not read: nobody answers a farewell.

/// Words of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClientWords {
    /// Something, whatever it is.
    Any,
    /// All that it says is how its protocol takes leave.
    Goodbye,
    /// None of it was captured.
    Unseen,
}

impl ClientWords {
    /// What `len` bytes are, of which these were captured.
    pub(super) fn of(bytes: &[u8], len: u32) -> Self {
        match bytes {
            [] => Self::Unseen,
            _ if is_goodbye(bytes, len) => Self::Goodbye,
            _ => Self::Any,
        }
    }
}

/// Whether all that a client says now is how its protocol takes leave.
fn is_goodbye(bytes: &[u8], len: u32) -> bool {
    let whole = usize::try_from(len).is_ok_and(|len| len == bytes.len());
    whole
        && matches!(
            bytes,
            // PostgreSQL: Terminate ("Message Formats").
            [b'X', 0, 0, 0, 4]
            // MySQL: COM_QUIT, a packet of one byte.
            | [1, 0, 0, 0, 1]
            // memcached, SMTP, FTP, Redis and others; some answer.
            | b"quit\r\n" | b"QUIT\r\n" | b"*1\r\n$4\r\nQUIT\r\n" | b"*1\r\n$4\r\nquit\r\n"
            // SMTP-like, without its carriage return.
            | b"quit\n" | b"QUIT\n"
        )
}

#[cfg(test)]
mod tests {
    use super::is_goodbye;

    #[test]
    fn a_farewell_is_all_that_is_said() {
        assert!(is_goodbye(b"X\0\0\0\x04", 5));
        assert!(is_goodbye(b"\x01\0\0\0\x01", 5));
        assert!(is_goodbye(b"quit\r\n", 6));
        assert!(!is_goodbye(b"quit\r\n", 60), "cut");
        assert!(!is_goodbye(b"quit smoking\r\n", 14));
        assert!(!is_goodbye(b"", 0));
    }
}
