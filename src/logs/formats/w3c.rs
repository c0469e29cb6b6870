//! W3C extended logs, whose `#Fields` name the columns: IIS with Application Request Routing, CloudFront.

use super::{keyed, reasons};
use crate::logs::LogFormat;
use crate::logs::entry::{Entry, Says};
use crate::logs::fields::{Fields, Slot, Unfit, decimal};

/// The columns of a file, as its last `#Fields` line has them.
#[derive(Clone, Debug, Default)]
pub(in crate::logs) struct W3cColumns {
    names: Vec<String>,
}

/// Parameters that Application Request Routing adds to the query.
const ROUTING: [&str; 4] =
    ["X-ARR-CACHE-HIT=", "X-ARR-LOG-ID=", "SERVER-ROUTED=", "SERVER-STATUS="];

impl W3cColumns {
    /// Takes a line that begins with `#`.
    pub(in crate::logs) fn directive(&mut self, line: &[u8]) {
        if let Some(names) = line.strip_prefix(b"#Fields:") {
            let names = String::from_utf8_lossy(names);
            self.names = names.split_ascii_whitespace().map(str::to_owned).collect();
        }
    }

    /// One line, where the columns are known; `None` where the file has named none, or other ones.
    pub(in crate::logs) fn line<'l>(&self, line: &'l [u8]) -> Option<Result<Entry<'l>, Unfit>> {
        if self.names.is_empty() {
            return None;
        }
        let by = if line.contains(&b'\t') { b'\t' } else { b' ' };
        let values: Vec<&[u8]> = line.split(|byte| *byte == by).collect();
        if values.len() < self.names.len() {
            return None;
        }
        let columns = || self.names.iter().map(String::as_str).zip(values.iter().copied());
        let column =
            |name: &str| columns().find(|(known, _)| *known == name).map(|(_, value)| value);
        let cloudfront = column("x-edge-detailed-result-type").is_some();
        let mut fields = Fields::default();
        for (name, value) in columns() {
            let slot = if cloudfront { keyed::cloudfront(name) } else { iis(name) };
            match (name, slot) {
                ("cs-uri-query", _) => fields.add(slot, without_routing(value)),
                _ => fields.add(slot, value),
            }
        }
        Some(fields.entry().map(|entry| {
            if cloudfront {
                return keyed::settled(entry, LogFormat::Cloudfront);
            }
            self.of_iis(entry, &column)
        }))
    }

    fn of_iis<'l>(
        &self,
        mut entry: Entry<'l>,
        column: &dyn Fn(&str) -> Option<&'l [u8]>,
    ) -> Entry<'l> {
        let number = |name| column(name).and_then(decimal::<u32>).unwrap_or_default();
        let (sub, error) = (number("sc-substatus"), number("sc-win32-status"));
        let query = column("cs-uri-query").unwrap_or_default();
        let text = String::from_utf8_lossy(query);
        let answered = text.split('&').find_map(|one| one.strip_prefix("SERVER-STATUS="));
        let answered: Option<u16> = answered.and_then(|status| status.parse().ok());
        let status = entry.status.unwrap_or_default();
        entry.says = reasons::of_iis(status, sub, error);
        if entry.says.is_none() && sub == 0 && status >= 500 && answered == Some(status) {
            entry.says = Some(Says::Backend);
        }
        entry.target_status = answered.filter(|answered| sub == 0 || *answered != status);
        entry.code = format!("{status}.{sub} {error}").into_bytes().into();
        entry
    }
}

fn iis(name: &str) -> Slot {
    match name {
        "date" => Slot::Date,
        "time" => Slot::TimeOfDay,
        "cs-method" => Slot::Method,
        "cs-uri-stem" => Slot::Target,
        "cs-uri-query" => Slot::Query,
        "c-ip" => Slot::Client,
        "cs-host" => Slot::Host,
        "sc-status" => Slot::Status,
        "time-taken" => Slot::Milliseconds,
        _ => Slot::Skip,
    }
}

/// A query as the client sent it.
fn without_routing(query: &[u8]) -> Vec<u8> {
    let query = String::from_utf8_lossy(query);
    let own = query.split('&').filter(|one| !ROUTING.iter().any(|name| one.starts_with(name)));
    own.collect::<Vec<_>>().join("&").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IIS: &[u8] = b"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken";

    #[test]
    fn iis_says_why_by_its_second_and_third_status() {
        let mut columns = W3cColumns::default();
        assert!(columns.line(b"2026-11-27 06:43:30 10.0.0.4").is_none());
        columns.directive(IIS);
        let line = b"2026-11-27 06:43:30 10.0.0.4 GET /b token=x&X-ARR-CACHE-HIT=0&SERVER-ROUTED=10.0.0.5&SERVER-STATUS=502 443 - 198.51.100.7 curl/8.5.0 - 502 3 12002 29889";
        let entry = columns.line(line).unwrap().unwrap();
        assert_eq!((entry.says, entry.target.as_ref()), (Some(Says::Timeout), &b"/b?token=x"[..]));
        assert_eq!(entry.duration.unwrap().as_millis(), 29_889);
        assert_eq!(entry.ended.unwrap().to_string(), "2026-11-27T06:43:30.000000000Z");
        assert!(columns.line(b"2026-11-27 06:43:30").is_none());
    }
}
