//! AWS load balancers: the access logs of the Application and the Classic Load Balancer.
//!
//! Fields are separated by spaces; new ones were only ever added at the end, so what follows the known
//! ones is left alone (AWS, "Access log entries").

use super::reasons;
use crate::base::time::Timestamp;
use crate::logs::entry::{Attempt, Entry, Says};
use crate::logs::fields::{Unfit, address, closing_quote, nanos, request_line, seconds, status};
use crate::logs::times::LogTime;
use std::borrow::Cow;
use std::time::Duration;

/// Fields of a line; quotes hold several words together and are left out.
fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        if let Some(inside) = rest.strip_prefix(b"\"") {
            let end = closing_quote(inside).unwrap_or(inside.len());
            rest = inside.get(end.saturating_add(1)..).unwrap_or_default();
            return inside.get(..end);
        }
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let field = rest.get(..end);
        rest = rest.get(end..).unwrap_or_default();
        field
    })
}

/// One line of an Application Load Balancer.
pub(in crate::logs) fn application(line: &[u8]) -> Result<Entry<'_>, Unfit> {
    let mut fields = split(line);
    let kind = fields.next().unwrap_or_default();
    if !matches!(kind, b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss") {
        return Err(Unfit::Request);
    }
    let mut entry = common(&mut fields)?;
    // The user agent, cipher, protocol, target group.
    let mut rest = fields.skip(4);
    let trace = rest.next().unwrap_or_default();
    if !matches!(trace, b"" | b"-") {
        entry.ids.push(Cow::Borrowed(trace));
    }
    let host = rest.next().filter(|host| *host != b"-").unwrap_or_default();
    entry.host = Cow::Borrowed(host);
    // The certificate and the rule.
    let created = rest.nth(2).and_then(LogTime::read).map(|when| when.at);
    entry.begun = created.or(entry.begun);
    if let (Some(begun), Some(ended)) = (created, entry.ended) {
        entry.duration = Some(ended.since(begun));
    }
    send(&mut entry);
    entry.says = says(&entry, Duration::from_secs(10));
    let actions = rest.next().unwrap_or_default();
    let reason = rest.nth(1).filter(|reason| *reason != b"-").unwrap_or_default();
    let own = [b"fixed-response".as_slice(), b"redirect"]
        .iter()
        .any(|own| actions.split(|byte| *byte == b',').any(|action| action == *own));
    if own {
        entry.says = Some(Says::Proxy);
        entry.kept = true;
    }
    let failed = actions.split(|byte| *byte == b',').any(|action| action == b"waf-failed");
    let told = if failed { Some(Says::Proxy) } else { reasons::says(reason) };
    if entry.status >= Some(500) && told.is_some() {
        entry.says = told;
    }
    entry.code = Cow::Borrowed(reason);
    Ok(entry)
}

/// One line of a Classic Load Balancer; `Ok(None)` where it is of a listener that knows no requests.
pub(in crate::logs) fn classic(line: &[u8]) -> Result<Option<Entry<'_>>, Unfit> {
    let mut entry = common(&mut split(line))?;
    if entry.method.is_empty() && entry.status.is_none() && entry.target_status.is_none() {
        return Ok(None);
    }
    // It has no other time: what came before the end is reckoned.
    if let (Some(took), Some(ended)) = (entry.duration, entry.ended) {
        entry.begun = Some(Timestamp::from_nanos(ended.as_nanos().saturating_sub(nanos(took))));
    }
    send(&mut entry);
    entry.says = says(&entry, Duration::ZERO);
    // It gives 504 for a close as well, also for one that came at once.
    let [_, target, _] = entry.times.unwrap_or_default();
    if matches!(entry.says, Some(Says::Timeout | Says::ConnectTimeout)) {
        match target {
            Some(target) if target < SHORTEST_TIMEOUT => entry.says = Some(Says::TimeoutOrCut),
            None => entry.says = Some(Says::ConnectFailedOrCut),
            Some(_) => {}
        }
    }
    Ok(Some(entry))
}

/// No idle timeout of a load balancer is shorter (AWS: 1 to 4,000 seconds).
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);

/// What both have: time, name, client, target, three times, two statuses, bytes, the request.
fn common<'l>(fields: &mut impl Iterator<Item = &'l [u8]>) -> Result<Entry<'l>, Unfit> {
    let when = fields.next().and_then(LogTime::read).ok_or(Unfit::Time)?;
    let _name = fields.next();
    let client = fields.next().unwrap_or_default();
    let target = fields.next().unwrap_or_default();
    let client = address(client);
    let missing = target == b"-";
    let backend = address(target).filter(|target| target.port() != 0);
    if client.is_none() || backend.is_none() && !missing {
        return Err(Unfit::Request);
    }
    let mut time = || {
        let value = fields.next().unwrap_or_default();
        // -1 is none; anything else that is no number is another format.
        let known = value == b"-1" || seconds(value).is_some();
        known.then(|| seconds(value)).ok_or(Unfit::Time)
    };
    let times = [time()?, time()?, time()?];
    let given = fields.next().unwrap_or_default();
    let answered = fields.next().unwrap_or_default();
    let request = fields.nth(2).unwrap_or_default();
    let known = |value: &[u8]| matches!(value, b"-" | b"000" | b"0") || status(value).is_some();
    if !known(given) || !known(answered) {
        return Err(Unfit::Status);
    }
    let (method, url) = request_line(request);
    let took = times.iter().flatten().fold(Duration::ZERO, |sum, one| sum.saturating_add(*one));
    let attempt = Attempt {
        backend,
        status: status(answered),
        connected: times.get(1).copied().flatten().map(|_| true),
        ..Attempt::default()
    };
    Ok(Entry {
        ended: Some(when.at),
        resolution: when.resolution,
        local: when.local,
        duration: times.iter().any(Option::is_some).then_some(took),
        client,
        method: Cow::Borrowed(if method == b"-" { b"" } else { method }),
        target: Cow::Borrowed(url.trim_ascii_end()),
        status: status(given),
        target_status: status(answered),
        attempts: if missing { Vec::new() } else { vec![attempt] },
        kept: missing,
        times: Some(times),
        ..Entry::default()
    })
}

/// When the request went out to the target: in the log's times after it came.
fn send(entry: &mut Entry<'_>) {
    let dispatch = entry.times.and_then(|[dispatch, ..]| dispatch);
    let sent = entry.begun.zip(dispatch).map(|(begun, dispatch)| begun.plus(dispatch));
    if let Some(attempt) = entry.attempts.last_mut() {
        attempt.sent = sent;
    }
}

/// What statuses and times say. `connect` is how long it waits for a connection.
fn says(entry: &Entry<'_>, connect: Duration) -> Option<Says> {
    let [dispatch, target, answer] = entry.times.unwrap_or_default();
    let near = |took: Duration| took.abs_diff(connect) <= Duration::from_millis(500);
    Some(match (entry.status?, entry.target_status) {
        (460, _) | (400, None) | (408 | 499, _) => Says::Client,
        (463 | 464 | 561, _) => Says::Proxy,
        (500.., Some(500..)) => Says::Backend,
        (503, None) if entry.kept => Says::NoBackend,
        (502, None) if entry.kept => return None,
        (502, None) if target.is_some() && answer.is_none() => Says::Cut,
        (502, None) if dispatch.is_none() => Says::ConnectFailedOrCut,
        (504, None) if target.is_none() && entry.duration.is_some_and(near) => Says::ConnectTimeout,
        (504, None) => Says::Timeout,
        (400..=499, None) if entry.kept => Says::Proxy,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As quoted by AWS, with fields that were added since.
    const LINE: &[u8] = br#"http 2022-04-15T16:52:50.757968Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.001 4.205 -1 502 - 94 326 "GET http://example.com:80/a HTTP/1.1" "curl/7.51.0" - - arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2022-04-15T16:52:46.551000Z "forward" "-" "-" "10.0.0.1:80" "-" "-" "-" TID_1 "-" "-" "-" and what comes next"#;

    #[test]
    fn a_line_of_any_year_is_read() {
        let entry = application(LINE).unwrap();
        assert_eq!((entry.status, entry.target_status), (Some(502), None));
        assert_eq!(entry.says, Some(Says::Cut));
        assert_eq!(entry.ids[0].as_ref(), b"Root=1-58337262-36d228ad5d99923122bbe354");
        let sent = entry.attempts[0].sent.unwrap().to_string();
        assert_eq!(sent, "2022-04-15T16:52:46.552000000Z");
        // 2016's had nothing after the trace id.
        let old = LINE.split(|byte| *byte == b'R').next().unwrap();
        assert_eq!(application(old).unwrap().status, Some(502));
    }

    #[test]
    fn missing_times_and_statuses_are_understood() {
        let line = |with: &str| {
            format!(
                "http 2022-04-15T16:52:50.757968Z app/a/b 1.2.3.4:5 {with} 94 326 \"GET http://e:80/ HTTP/1.1\" \"-\" - - arn \"-\" \"-\" \"-\" 0 2022-04-15T16:52:40.757968Z \"forward\" \"-\" \"-\""
            )
        };
        let says = |with: &str| application(line(with).as_bytes()).unwrap().says;
        assert_eq!(says("10.0.0.1:80 -1 -1 -1 502 -"), Some(Says::ConnectFailedOrCut));
        assert_eq!(says("10.0.0.1:80 -1 -1 -1 504 -"), Some(Says::ConnectTimeout));
        assert_eq!(says("- -1 -1 -1 503 -"), Some(Says::NoBackend));
        assert_eq!(says("10.0.0.1:80 0.0 0.1 0.0 500 500"), Some(Says::Backend));
        assert_eq!(says("10.0.0.1:80 0.0 0.1 -1 460 -"), Some(Says::Client));
        assert_eq!(says("10.0.0.1:80 0.0 0.1 0.0 200 200"), None);
        assert!(application(line("10.0.0.1:80 x 0.1 0.0 200 200").as_bytes()).is_err());
    }

    #[test]
    fn a_classic_line_is_read() {
        let line = br#"2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 -1 504 0 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -"#;
        let entry = classic(line).unwrap().unwrap();
        assert_eq!((entry.status, entry.says), (Some(504), Some(Says::TimeoutOrCut)));
        assert!(classic(LINE).is_err());
        let text = std::str::from_utf8(line).unwrap();
        let says =
            |times| classic(text.replace("0.001048", times).as_bytes()).unwrap().unwrap().says;
        assert_eq!(says("60.001"), Some(Says::Timeout));
        assert_eq!(says("-1"), Some(Says::ConnectFailedOrCut));
        let tcp = br#"2026-11-27T06:44:08.205000Z app-clb 198.51.100.7:40008 10.0.1.17:443 0.00069 0.000009 0.000012 - - 667 4181 "- - - " "-" - -"#;
        assert!(classic(tcp).unwrap().is_none());
    }
}
