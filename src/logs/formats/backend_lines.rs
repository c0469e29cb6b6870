//! Backends' own logs, given for want of a proxy's: uvicorn's access lines.

use crate::logs::entry::Entry;
use crate::logs::fields::{Fields, Slot, Unfit, closing_quote};

/// `INFO:     10.0.0.2:41000 - "GET /b HTTP/1.1" 500 Internal Server Error`.
pub(in crate::logs) fn uvicorn(line: &[u8]) -> Result<Entry<'_>, Unfit> {
    let rest = line.strip_prefix(b"INFO:").ok_or(Unfit::Request)?.trim_ascii_start();
    let space = rest.iter().position(|byte| *byte == b' ').ok_or(Unfit::Request)?;
    let (client, rest) = rest.split_at_checked(space).ok_or(Unfit::Request)?;
    let inside = rest.strip_prefix(b" - \"").ok_or(Unfit::Request)?;
    let end = closing_quote(inside).ok_or(Unfit::Request)?;
    let (request, rest) = inside.split_at_checked(end).ok_or(Unfit::Request)?;
    let status = rest.strip_prefix(b"\" ").and_then(|rest| rest.split(|byte| *byte == b' ').next());
    let mut fields = Fields::default();
    fields.add(Slot::Client, client);
    fields.add(Slot::Request, request);
    fields.add(Slot::Status, status.ok_or(Unfit::Status)?);
    fields.untimed_entry()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_uvicorn_is_read() {
        let entry =
            uvicorn(br#"INFO:     10.0.0.2:41000 - "GET /b HTTP/1.1" 500 Internal Server Error"#);
        let entry = entry.unwrap();
        assert_eq!((entry.status, entry.has_time()), (Some(500), false));
        assert!(
            uvicorn(b"INFO:     Started server process [9]").is_err() && uvicorn(b"INFO:").is_err()
        );
    }
}
