//! Squid's native access log, which Apache Traffic Server writes too (`squid.log`):
//! `1795762129.428    102 192.0.2.10 TCP_MISS/502 3397 GET http://a/close - FIRSTUP_PARENT/10.77.2.2 text/html`.

use crate::logs::entry::{Entry, Says};
use crate::logs::fields::{Fields, Slot, Unfit};

/// One line; `Ok(None)` where it is of a connection without a request.
pub(in crate::logs) fn line(line: &[u8]) -> Result<Option<Entry<'_>>, Unfit> {
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let mut next = || words.next().ok_or(Unfit::Request);
    let (when, took, client, result) = (next()?, next()?, next()?, next()?);
    let (_bytes, method, target) = (next()?, next()?, next()?);
    let (_user, route) = (next()?, next()?);
    let slash = result.iter().position(|byte| *byte == b'/').ok_or(Unfit::Request)?;
    let (code, status) = (result.get(..slash), result.get(slash.saturating_add(1)..));
    let (code, status) = (code.unwrap_or_default(), status.unwrap_or_default());
    let known = [&b"TCP_"[..], b"UDP_", b"NONE", b"ERR_"];
    if !known.iter().any(|begin| code.starts_with(begin)) || !route.contains(&b'/') {
        return Err(Unfit::Request);
    }
    if method == b"-" || target.starts_with(b"error:") {
        return Ok(None);
    }
    let mut fields = Fields::default();
    fields.add(Slot::Ended, when);
    fields.add(Slot::Milliseconds, took);
    fields.add(Slot::Client, client);
    fields.add(Slot::Method, method);
    fields.add(Slot::Target, target);
    fields.add(Slot::Status, status);
    let mut entry = fields.entry()?;
    if code.windows(7).any(|part| part == b"ABORTED") || code == b"ERR_CLIENT_ABORT" {
        entry.says = Some(Says::Client);
    }
    entry.kept = route.starts_with(b"HIER_NONE") || route.starts_with(b"NONE/");
    entry.code = code.into();
    Ok(Some(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_the_end() {
        let text = b"1795762132.711   3228 192.0.2.10 TCP_MISS/504 3532 GET http://app.example.com/slow? - FIRSTUP_PARENT/10.77.2.2 text/html";
        let entry = line(text).unwrap().unwrap();
        assert_eq!((entry.status, entry.says), (Some(504), None));
        assert_eq!(entry.ended.unwrap().since(entry.begun.unwrap()).as_millis(), 3228);
        let left = b"1795762134.717   1951 192.0.2.10 TCP_MISS_ABORTED/000 0 GET http://a/slow - FIRSTUP_PARENT/10.77.2.2 -";
        assert_eq!(line(left).unwrap().unwrap().says, Some(Says::Client));
        let check = b"1795762127.821      0 192.0.2.10 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -";
        assert!(line(check).unwrap().is_none());
        assert!(line(b"1795762127.821 0 a b c d e f g").is_err() && line(b"").is_err());
    }
}
