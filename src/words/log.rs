//! Logs in words: what a line says, what is said of it, and what to do where only a log is there.

use super::phrases::duration;
use super::words;
use crate::base::time::Timestamp;
use crate::join::{Answer, KeptLine, LogAnswer, Missing, Own};
use crate::ledger::Failure;
use crate::logs::Says;
use crate::verdict::{Cause, Finding};
use crate::words::phrases::plural;

/// The answer for one line, in a sentence. `at` is its time by the capture's clock.
pub fn line(line: &KeptLine, told: &LogAnswer, at: Timestamp, failures: &[Failure]) -> String {
    let said = line.says.map(meaning);
    match told.answer {
        Answer::OnLeg => told.cause.map_or_else(
            || "its attempt to the backend failed; that failure was counted, not kept".to_owned(),
            |cause| {
                let attempts = told.failures.len();
                let times =
                    if attempts > 1 { format!(", {attempts} attempts") } else { String::new() };
                format!("{}{times}{}", noun(cause, 1), status(told, failures))
            },
        ),
        Answer::Ambiguous => {
            let among = told.among;
            match told.cause {
                None if told.outnumbered => format!(
                    "the capture has {among} failure{} like it, and the log has more such lines",
                    if among == 1 { "" } else { "s" }
                ),
                Some(cause) if among == 1 => {
                    format!("{}, which another line matches too", noun(cause, 1))
                }
                Some(cause) => format!(
                    "matches {}: {}",
                    noun(cause, u64::try_from(among).unwrap_or(u64::MAX)),
                    undecided(line)
                ),
                None => format!(
                    "matches several requests, of which {among} failed: {}",
                    undecided(line)
                ),
            }
        }
        Answer::NotOnLeg(Own::Said(says)) => {
            format!("the proxy answered without an attempt at a backend: {}{}", meaning(says), meanwhile(at, failures))
        }
        Answer::NotOnLeg(Own::Answered(answered)) => format!(
            "the backend answered {answered} completely; the proxy sent the client its own response{}",
            said.map_or_else(String::new, |said| format!(": {said}"))
        ),
        Answer::NotOnLeg(Own::Nothing) => format!(
            "the proxy answered without an attempt at a backend: no such request was sent{}",
            meanwhile(at, failures)
        ),
        Answer::NotOnLeg(Own::AlikeWell) => {
            "several such requests went to backends at that time, and all were answered completely: the \
             proxy did not send this one, or refused its response"
                .to_owned()
        }
        Answer::NotInCapture(missing) => missing_text(missing, said),
    }
}

fn missing_text(missing: Missing, said: Option<&str>) -> String {
    let text = match missing {
        Missing::NoCapture => return said.unwrap_or("the log has no reason").to_owned(),
        Missing::OutsideTime { by, before } => format!(
            "it is {} {} the capture",
            duration(by),
            if before { "before" } else { "after" }
        ),
        Missing::NoTime => "the line does not say when it was".to_owned(),
        Missing::OtherBackend(backend) => {
            format!("the log names the backend {backend}, and the capture has no packet of it")
        }
        Missing::Unreadable(backend) => {
            format!("the traffic with {backend} cannot be read: TLS, HTTP/2, or not HTTP")
        }
        Missing::Frames => "packets are missing from the capture that may have held it".to_owned(),
        Missing::Unread => {
            "the request is in the capture; its response is cut or missing".to_owned()
        }
        Missing::Forgotten => {
            "there were more requests than could be kept, and it is not among those kept".to_owned()
        }
        Missing::NotFound => {
            "the capture covers its time and has no such request: another connection path, a filter, or a \
             wrong clock"
                .to_owned()
        }
    };
    said.map_or_else(|| text.clone(), |said| format!("{text}; by the log: {said}"))
}

fn status(told: &LogAnswer, failures: &[Failure]) -> String {
    let last = told.failures.last().and_then(|place| failures.get(*place));
    if let Some(Finding::BackendError { status }) = last.map(|last| last.verdict().finding()) {
        format!(" ({status})")
    } else {
        String::new()
    }
}

fn undecided(line: &KeptLine) -> &'static str {
    if line.resolution.as_secs() >= 1 {
        "to tell them apart, log a request id ($request_id) or fractions of seconds"
    } else {
        "to tell them apart, log a request id ($request_id)"
    }
}

/// What else the capture shows within ten seconds before a moment.
fn meanwhile(at: Timestamp, failures: &[Failure]) -> String {
    const BEFORE: u64 = 10;
    let near = |failure: &&Failure| {
        let shown = failure.verdict().evidence().last().map(|last| last.frame.at);
        shown.is_some_and(|then| {
            then <= at.plus(std::time::Duration::from_secs(1)) && at.since(then).as_secs() < BEFORE
        })
    };
    let probes = failures.iter().find(|one| one.verdict().cause() == Cause::HealthCheckFailing);
    if let Some(probes) = probes {
        return format!("; the health checks of {} fail", probes.server);
    }
    let count = failures.iter().filter(near).count();
    let Some(first) = failures.iter().find(near) else { return String::new() };
    format!(
        "; in the {BEFORE} s before, the capture shows {} at {}, {} first",
        plural(u64::try_from(count).unwrap_or(u64::MAX), "failure"),
        first.server,
        words(first.verdict().cause()).noun[0]
    )
}

/// What a log says of a cause.
pub const fn meaning(says: Says) -> &'static str {
    match says {
        Says::Refused => "the connection to the backend was refused",
        Says::ConnectTimeout => "no connection to the backend was established in time",
        Says::Unreachable => "the backend cannot be reached",
        Says::ConnectFailed => "no connection to the backend was established",
        Says::TlsFailed => "the TLS handshake with the backend failed",
        Says::Cut => "the connection ended before a response",
        Says::Closed => "the backend closed the connection before it responded",
        Says::Reset => "the connection was reset before a response",
        Says::Timeout => "the backend did not answer in time",
        Says::Truncated => "the response ended in the middle",
        Says::Stalled => "the response stopped in the middle",
        Says::Invalid => "the proxy did not accept the backend's response",
        Says::HeadTooLarge => "the head of the backend's response is too large for the proxy",
        Says::NoPort => {
            "its host had no local port left for a connection to the backend (Cannot assign requested \
             address)"
        }
        Says::Dns => "it could not resolve the backend's name",
        Says::UnixSocket => "it could not connect to the backend's socket on its own host",
        Says::Protocol => "proxy and backend did not speak the same protocol",
        Says::ConnectFailedOrCut => {
            "no connection was established, or it ended before a response: the line has the same for both"
        }
        Says::Died => "a process of the backend died, or was killed",
        Says::TimeoutOrCut => {
            "the backend did not answer in time, or the connection ended before a response: the line has \
             the same for both"
        }
        Says::NoBackend => "no healthy backend (all marked down)",
        Says::Overflow => "its own limit or queue was full",
        Says::Client => "the client left, or sent an invalid request",
        Says::Proxy => "its own rules",
        Says::Backend => "the backend itself sent this status",
    }
}

/// What a log that says so leaves open, and how to find out.
pub const fn open_question(says: Option<Says>, status: Option<u16>) -> &'static str {
    match says {
        Some(Says::Cut | Says::Closed | Says::Reset) => {
            "a keep-alive race, a crash or restart of the backend, or something between that resets: \
             capture packets, the log cannot distinguish these"
        }
        Some(Says::Refused) => {
            "nothing listens there, or a firewall rejects: check that the backend runs (`ss -ltn`)"
        }
        Some(Says::ConnectTimeout | Says::Unreachable) => {
            "a firewall or security group, a host that is down, a wrong address: packets show how far \
             the SYN gets"
        }
        Some(Says::ConnectFailed) => {
            "refused, dropped or unreachable: packets show which, and by whom"
        }
        Some(Says::TlsFailed) => "certificate, version or name: packets show who closed, and when",
        Some(Says::Timeout) => {
            "a slow backend, or a path that drops packets: packets show whether the request arrived"
        }
        Some(Says::Truncated | Says::Stalled) => {
            "the backend stopped, or the path to it did: packets show who closed"
        }
        Some(Says::Invalid | Says::HeadTooLarge) => {
            "packets show what is malformed in the response, or how large its head is"
        }
        Some(Says::NoPort) => {
            "all local ports towards this backend are in use: keep connections alive towards it, or widen \
             `net.ipv4.ip_local_port_range`"
        }
        Some(Says::Dns) => "check the name, and the resolver that the proxy uses",
        Some(Says::UnixSocket) => {
            "check that the backend runs, the path of its socket, and who may open it; a full backlog says \
             `Resource temporarily unavailable`: no packets are sent, so there is nothing to capture"
        }
        Some(Says::Protocol) => {
            "TLS to a port that speaks plain HTTP or the other way round, or HTTP/2 to a server of \
             HTTP/1.1: compare the proxy's setting with the backend's port"
        }
        Some(Says::Died) => {
            "its requests ended at that second: look for a timeout of the server, or its limit of memory"
        }
        Some(Says::ConnectFailedOrCut) => {
            "a refused connection, or a kept connection that the backend had closed: capture packets, the \
             log cannot distinguish these"
        }
        Some(Says::TimeoutOrCut) => {
            "a slow backend if it took as long as the proxy's timeout, else a close: capture packets"
        }
        Some(Says::NoBackend) => {
            "health checks or earlier failures marked all backends down: capture the health checks too"
        }
        Some(Says::Overflow) => "check the proxy's own limits: connections, queue, rate",
        Some(Says::Client) => {
            "nothing is wrong between proxy and backend, unless clients leave because it is slow"
        }
        Some(Says::Proxy) => "check the proxy's own configuration",
        Some(Says::Backend) => "check the backend's own log",
        None => match status {
            Some(502) => {
                "a close or reset before the response, a refused connection, or a response that the proxy \
                 does not accept: capture packets, the log cannot distinguish these"
            }
            Some(503) => {
                "no healthy backend, a limit of the proxy, or the backend's own response: packets show \
                 whether anything was sent"
            }
            Some(504) => {
                "a slow backend, a connection without an answer, or a path that drops packets: packets \
                 show how far the request got"
            }
            _ => "packets show what was sent, what was answered, and who closed",
        },
    }
}

/// A cause as people say it, so many of it.
pub fn noun(cause: Cause, count: u64) -> String {
    let [one, many] = words(cause).noun;
    format!("{count} {}", if count == 1 { one } else { many })
}

pub use super::masked::without_secrets;
