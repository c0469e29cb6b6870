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

/// Whether a server begins so to say why it closes: what it says then answers nothing.
pub(super) fn says_why(bytes: &[u8]) -> bool {
    match bytes {
        // PostgreSQL: an ErrorResponse that ends the session ("Error and Notice Message Fields"), in the server's
        // language, and since 9.6 in English behind it.
        [b'E', 0, 0, _, _, b'S', fields @ ..] => {
            fields.windows(7).any(|field| field == b"\0VFATAL")
        }
        // MySQL: an ERR packet that is the first of its row; one that answers comes behind the question's.
        [_, _, 0, 0, 0xff, _, _, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_goodbye, says_why};

    #[test]
    fn a_server_says_why_it_closes_unasked() {
        assert!(says_why(b"E\0\0\0\x30SFATAL\0VFATAL\0C57P05\0Mterminating connection\0\0"));
        assert!(says_why(b"E\0\0\0\x30SFATAL:  \0VFATAL\0C57P05\0"));
        assert!(says_why(b"\x50\0\0\0\xff\xbf\x0f#HY000The client was disconnected"));
        assert!(!says_why(b"E\0\0\0\x30SERROR\0VERROR\0C42P01\0"), "of one question");
        assert!(!says_why(b"\x50\0\0\x01\xff\xbf\x0f#HY000"), "an answer");
        assert!(!says_why(b"\x07\0\0\x01\0\0\0"));
        assert!(!says_why(b""));
    }

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
