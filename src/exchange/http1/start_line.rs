//! The first line of a head, where the rest was not captured.

/// The status in the first line of a head, where the rest was not captured.
pub(super) fn status_line(bytes: &[u8]) -> Option<u16> {
    let mut words = bytes.split(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    let (_version, status) = (words.next()?, words.next()?);
    let status = std::str::from_utf8(status).ok()?;
    status.parse().ok().filter(|status| (100..=999).contains(status))
}
