//! Records of TLS (RFC 8446, section 5.1), as far as their headers tell.

/// The header of a record: type, version, length.
const HEADER: usize = 5;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// In TLS 1.3 an alert looks like data: two bytes, one for what they are, and 16 for their seal. No
/// message of HTTP is so short, though the end of one may be, or a part of it. Nothing follows an alert.
const SEALED_ALERT: usize = 19;

/// A stream of TLS may go on, or begin, with these bytes.
pub(super) fn begins(payload: &[u8]) -> bool {
    matches!(payload, [CHANGE_CIPHER_SPEC..=APPLICATION_DATA, 3, ..])
}

/// Here begins a ClientHello.
pub(super) fn greets(payload: &[u8]) -> bool {
    matches!(payload, [HANDSHAKE, 3, _, _, _, 1, ..])
}

/// All of `len` bytes that begin so are alerts or parts of a handshake: they can hold no message.
/// `payload` is the beginning of them; `last`: their sender sent no more.
pub(super) fn holds_no_message(payload: &[u8], len: u32, last: bool) -> bool {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let mut at = 0_usize;
    while at < len {
        let header = payload.get(at..at.saturating_add(HEADER));
        let Some(&[kind, 3, _, high, low]) = header else { return false };
        let size = usize::from(u16::from_be_bytes([high, low]));
        at = at.saturating_add(HEADER).saturating_add(size);
        let silent = match kind {
            CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE => true,
            APPLICATION_DATA => size == SEALED_ALERT && last && at == len,
            _ => false,
        };
        if !silent {
            return false;
        }
    }
    at == len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_holds_no_message_in_any_version() {
        let mut sealed = vec![23, 3, 3, 0, 19];
        sealed.extend([7; 19]);
        assert!(holds_no_message(&sealed, 24, true));
        let plain = [21, 3, 3, 0, 2, 1, 0];
        assert!(holds_no_message(&plain, 7, false));
        let mut both = plain.to_vec();
        both.extend(&sealed);
        assert!(holds_no_message(&both, 31, true));
        assert!(!holds_no_message(&both, 40, true), "and more that was not captured");
        assert!(!holds_no_message(&both, 31, false), "nothing follows an alert");
        sealed.extend(sealed.clone());
        assert!(!holds_no_message(&sealed, 48, true), "the first of them is none");
    }

    #[test]
    fn data_may_hold_one() {
        let mut data = vec![23, 3, 3, 0, 60];
        data.extend([7; 59]);
        assert!(!holds_no_message(&data, 65, true));
        assert!(!holds_no_message(b"GET / HTTP/1.1", 14, true));
        assert!(!holds_no_message(&[], 24, true), "nobody knows");
    }

    #[test]
    fn records_are_known_by_type_and_version() {
        assert!(begins(&[22, 3, 1, 2, 0, 1]));
        assert!(begins(&[23, 3]));
        assert!(!begins(b"GET / HTTP/1.1"));
        assert!(!begins(&[]));
    }
}
