//! Lengths that follow from the cipher suite.

/// How many bytes a record of TLS 1.3 has beside its text: the type, and the tag of all but one suite.
const OVERHEAD: u32 = 1 + 16;
/// TLS_AES_128_CCM_8_SHA256.
const CCM_8: u16 = 0x1305;
/// TLS_AES_256_GCM_SHA384.
const AES_256_GCM: u16 = 0x1302;
/// A message's type and length.
const MESSAGE: u32 = 4;

/// Lengths of what TLS 1.3 encrypts, under one suite; where it is not known, the usual.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths(pub(super) Option<u16>);

impl Lengths {
    /// A record's text, its payload being so long.
    fn text(self, payload: u32) -> Option<u32> {
        payload.checked_sub(if self.0 == Some(CCM_8) { OVERHEAD - 8 } else { OVERHEAD })
    }

    /// Lengths that the hash may have.
    fn hashes(self) -> &'static [u32] {
        match self.0 {
            Some(AES_256_GCM) => &[48],
            Some(0x1301 | 0x1303..=CCM_8) => &[32],
            _ => &[32, 48],
        }
    }

    pub(super) fn is_finished(self, payload: u32) -> bool {
        self.text(payload).is_some_and(|text| self.hashes().contains(&text.saturating_sub(MESSAGE)))
    }

    /// A certificate message without a certificate, alone or packed together with the Finished.
    pub(super) fn is_no_certificate(self, payload: u32) -> bool {
        let empty = MESSAGE + 4;
        let Some(text) = self.text(payload) else { return false };
        text == empty || self.hashes().contains(&text.saturating_sub(empty + MESSAGE))
    }

    pub(super) fn is_alert(self, payload: u32) -> bool {
        self.text(payload) == Some(2)
    }

    pub(super) fn is_key_update(self, payload: u32) -> bool {
        self.text(payload) == Some(MESSAGE + 1)
    }

    pub(super) fn is_end_of_early_data(self, payload: u32) -> bool {
        self.text(payload) == Some(MESSAGE)
    }

    pub(super) fn is_empty(self, payload: u32) -> bool {
        self.text(payload) == Some(0)
    }

    /// Long enough for lifetime, age, nonce, ticket and extensions, and not longer than a session that holds
    /// no certificate; with one it may be `long`.
    pub(super) fn may_be_ticket(self, payload: u32, long: bool) -> bool {
        let most = if long { 16_384 } else { 2_048 };
        self.text(payload).is_some_and(|text| (MESSAGE + 14..=most).contains(&text))
    }
}

/// How many bytes a record of TLS 1.2 and earlier has beside its text, where the suite says it: block ciphers hide it
/// in their padding.
const fn overhead_before_1_3(cipher: u16) -> Option<u32> {
    Some(match cipher {
        // AES-GCM, ARIA-GCM and CAMELLIA-GCM: an explicit nonce and a tag.
        0x009c..=0x00a9 | 0xc02b..=0xc032 | 0xc051..=0xc05f | 0xc07a..=0xc08d => 24,
        // AES-CCM and AES-CCM_8.
        0xc09c..=0xc09f | 0xc0a4..=0xc0a7 | 0xc0ac..=0xc0ad => 24,
        0xc0a0..=0xc0a3 | 0xc0a8..=0xc0ab | 0xc0ae..=0xc0af => 16,
        // ChaCha20-Poly1305.
        0xcca8..=0xccae => 16,
        _ => return None,
    })
}

/// An empty record of TLS 1.2 and earlier, where the suite shows it.
pub(super) fn is_empty_before_1_3(cipher: Option<u16>, payload: u32) -> bool {
    payload == cipher.and_then(overhead_before_1_3).unwrap_or(0) || payload == 0
}

/// How long the text of a record is, its payload being so long, where the suite says it.
pub(super) fn text_len(is_1_3: bool, cipher: u16, payload: u32) -> Option<u32> {
    if is_1_3 {
        return Lengths(Some(cipher)).text(payload);
    }
    payload.checked_sub(overhead_before_1_3(cipher)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_suite() {
        let sha256 = Lengths(Some(0x1301));
        assert!(sha256.is_finished(53) && !sha256.is_finished(69));
        let sha384 = Lengths(Some(0x1302));
        assert!(sha384.is_finished(69) && !sha384.is_finished(53));
        let short = Lengths(Some(0x1305));
        assert!(short.is_finished(45) && short.is_alert(11) && !short.is_alert(19));
        let unknown = Lengths(None);
        assert!(unknown.is_finished(53) && unknown.is_finished(69) && unknown.is_alert(19));
        assert!(unknown.is_key_update(22) && unknown.is_end_of_early_data(21));
        assert!(unknown.is_no_certificate(25) && sha256.is_no_certificate(61));
        assert!(unknown.is_empty(17) && !unknown.is_empty(0) && !unknown.is_finished(3));
        assert!(unknown.may_be_ticket(250, false) && !unknown.may_be_ticket(30, false));
    }

    #[test]
    fn how_long_a_text_is_the_suite_says_where_nothing_is_padded() {
        assert_eq!(text_len(true, 0x1301, 117), Some(100));
        assert_eq!(text_len(true, 0x1305, 109), Some(100));
        assert_eq!(text_len(false, 0xc02f, 124), Some(100));
        assert_eq!(text_len(false, 0xcca8, 116), Some(100));
        assert_eq!(text_len(false, 0x002f, 116), None);
        assert_eq!(text_len(false, 0xc02f, 23), None);
    }

    #[test]
    fn an_empty_record_shows_where_no_padding_hides_it() {
        assert!(is_empty_before_1_3(Some(0xc02f), 24));
        assert!(!is_empty_before_1_3(Some(0xc02f), 25));
        assert!(is_empty_before_1_3(Some(0xcca8), 16));
        assert!(!is_empty_before_1_3(Some(0x002f), 32));
    }
}
