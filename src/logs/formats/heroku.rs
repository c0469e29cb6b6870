//! Heroku's router: `at=error code=H12 desc="…" method=GET path="/" … status=503`, in Logplex's line.

use super::labelled::{LineWord, pieces};
use super::reasons;
use crate::logs::entry::{Entry, Says};
use crate::logs::fields::{Fields, Slot, Unfit};

fn slot(name: &str) -> Slot {
    match name {
        "code" => Slot::Reason,
        "method" => Slot::Method,
        "path" => Slot::Target,
        "host" => Slot::Host,
        "fwd" => Slot::Client,
        "request_id" => Slot::Id,
        "service" => Slot::Milliseconds,
        "status" => Slot::Status,
        _ => Slot::Skip,
    }
}

/// One line, without Logplex's time and source.
pub(in crate::logs) fn line(line: &[u8]) -> Result<Entry<'_>, Unfit> {
    if !line.starts_with(b"at=") && !line.starts_with(b"sock=") {
        return Err(Unfit::Request);
    }
    let mut fields = Fields::default();
    let mut dyno = false;
    for piece in pieces(line) {
        if let LineWord::Named(name, value) = piece {
            dyno |= name == "dyno" && !value.is_empty();
            fields.add(slot(name), value);
        }
    }
    if !fields.has(Slot::Status) || !fields.has(Slot::Target) {
        return Err(Unfit::Request);
    }
    let reason = fields.of(Slot::Reason).and_then(reasons::says);
    let mut entry = fields.untimed_entry()?;
    // Without a code the status is what the dyno answered.
    if reason.is_none() && dyno && entry.status >= Some(500) {
        entry.says = Some(Says::Backend);
        entry.target_status = entry.status;
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_say_why() {
        let text = br#"at=error code=H12 desc="Request timeout" method=GET path="/api/a?t=x" host=a request_id=r fwd="198.51.100.7" dyno=web.1 connect=1ms service=30000ms status=503 bytes=0"#;
        let entry = line(text).unwrap();
        assert_eq!((entry.status, entry.says), (Some(503), Some(Says::Timeout)));
        assert_eq!(entry.duration.unwrap().as_secs(), 30);
        let own = br#"at=info method=GET path="/" host=a dyno=web.1 connect=1ms service=9ms status=500 bytes=0"#;
        assert_eq!(line(own).unwrap().says, Some(Says::Backend));
        assert!(line(b"at=x").is_err() && line(b"State changed from up to crashed").is_err());
    }
}
