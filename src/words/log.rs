//! Logs in words: what a line says, what is said of it, and what to do where only a log is there.

use super::phrases::duration;
use super::words;
use crate::base::escape;
use crate::base::time::Timestamp;
use crate::join::{Answer, KeptLine, LogAnswer, Missing, Own};
use crate::ledger::Failure;
use crate::logs::Says;
use crate::verdict::{Cause, Detail};
use crate::words::phrases::plural;
use std::borrow::Cow;

/// The answer for one line, in a sentence. `at` is its time by the capture's clock.
pub(crate) fn line(
    line: &KeptLine,
    told: &LogAnswer,
    at: Timestamp,
    failures: &[Failure],
) -> String {
    let said = line.says.map(meaning);
    match told.answer {
        Answer::OnLeg => told.cause.map_or_else(
            || "it failed on the leg; its failure was counted and not kept".to_owned(),
            |cause| {
                let attempts = told.failures.len();
                let times =
                    if attempts > 1 { format!(", {attempts} attempts") } else { String::new() };
                format!("{}{times}{}", noun(cause, 1), status(told, failures))
            },
        ),
        Answer::Ambiguous => {
            let among = told.failures.len();
            match told.cause {
                None if told.outnumbered => format!(
                    "the capture holds {among} failure{} like it, and the log has more such lines",
                    if among == 1 { "" } else { "s" }
                ),
                Some(cause) if among == 1 => {
                    format!("{}, of which another line can be as well", noun(cause, 1))
                }
                Some(cause) => format!(
                    "one of {}; which one cannot be told, for {}",
                    noun(cause, u64::try_from(among).unwrap_or(u64::MAX)),
                    undecided(line)
                ),
                None => format!(
                    "it can be of several exchanges, of which {among} failed: {}",
                    undecided(line)
                ),
            }
        }
        Answer::NotOnLeg(Own::Said(says)) => {
            format!("the proxy answered by itself: {}{}", meaning(says), meanwhile(at, failures))
        }
        Answer::NotOnLeg(Own::Answered(answered)) => format!(
            "the backend answered {answered} in full; what the client got is the proxy's own{}",
            said.map_or_else(String::new, |said| format!(": {said}"))
        ),
        Answer::NotOnLeg(Own::Nothing) => format!(
            "the proxy answered by itself: nothing like it was sent to a backend{}",
            meanwhile(at, failures)
        ),
        Answer::NotOnLeg(Own::AlikeWell) => {
            "several requests like it went to backends at that time, and all were answered in full: the \
             proxy did not send this one, or refused its answer"
                .to_owned()
        }
        Answer::NotInCapture(missing) => missing_text(missing, said),
    }
}

fn missing_text(missing: Missing, said: Option<&str>) -> String {
    let text = match missing {
        Missing::NoCapture => return said.unwrap_or("the log does not say why").to_owned(),
        Missing::OutsideTime { by, before } => format!(
            "it is {} {} the capture",
            duration(by),
            if before { "before" } else { "after" }
        ),
        Missing::OtherBackend(backend) => {
            format!("the capture holds nothing of {backend}, where the log says it went")
        }
        Missing::Unreadable(backend) => {
            format!("what is spoken with {backend} cannot be read: TLS, HTTP/2, or no HTTP at all")
        }
        Missing::Frames => "the capture misses frames that could hold it".to_owned(),
        Missing::Unread => {
            "the request is there; its answer is cut or missing in the capture".to_owned()
        }
        Missing::Forgotten => {
            "there were more exchanges than could be kept, and it is none of those kept".to_owned()
        }
        Missing::NotFound => {
            "the capture covers its time and holds no exchange like it: another leg, a filter, or a \
             clock that is off"
                .to_owned()
        }
    };
    said.map_or_else(|| text.clone(), |said| format!("{text}; the log says: {said}"))
}

fn status(told: &LogAnswer, failures: &[Failure]) -> String {
    let last = told.failures.last().and_then(|place| failures.get(*place));
    match last.map(|failure| failure.verdict.detail) {
        Some(Detail::Status(status)) => format!(" ({status})"),
        _ => String::new(),
    }
}

fn undecided(line: &KeptLine) -> &'static str {
    if line.resolution.as_secs() >= 1 {
        "the log's times are whole seconds and it has no id"
    } else {
        "they are alike and near in time, and the log has no id that they carry"
    }
}

/// What else the capture shows within ten seconds before a moment.
fn meanwhile(at: Timestamp, failures: &[Failure]) -> String {
    const BEFORE: u64 = 10;
    let near = |failure: &&Failure| {
        let shown = failure.verdict.evidence.last().map(|last| last.frame.at);
        shown.is_some_and(|then| {
            then <= at.plus(std::time::Duration::from_secs(1)) && at.since(then).as_secs() < BEFORE
        })
    };
    let probes = failures.iter().find(|one| one.verdict.cause == Cause::HealthCheckFailing);
    if let Some(probes) = probes {
        return format!("; the health checks of {} fail", probes.server);
    }
    let count = failures.iter().filter(near).count();
    let Some(first) = failures.iter().find(near) else { return String::new() };
    format!(
        "; within {BEFORE} s before, the capture shows {} at {}, {} first",
        plural(u64::try_from(count).unwrap_or(u64::MAX), "failure"),
        first.server,
        first.verdict.cause.name()
    )
}

/// What a log says of a cause.
pub(crate) const fn meaning(says: Says) -> &'static str {
    match says {
        Says::Refused => "the connection to the backend was refused",
        Says::ConnectTimeout => "no connection to the backend came about in time",
        Says::Unreachable => "the backend cannot be reached",
        Says::ConnectFailed => "no connection to the backend came about",
        Says::TlsFailed => "the TLS handshake with the backend failed",
        Says::Cut => "the connection ended before an answer",
        Says::Closed => "the backend closed the connection before it answered",
        Says::Reset => "the connection was reset before an answer",
        Says::Timeout => "the backend did not answer in time",
        Says::Truncated => "the answer broke off in the middle",
        Says::Stalled => "the answer came to a stop in the middle",
        Says::Invalid => "the backend's answer is not what the proxy takes",
        Says::HeadTooLarge => "the head of the backend's answer is too large for the proxy",
        Says::NoPort => {
            "its host had no local port left for a connection to the backend (Cannot assign requested \
             address)"
        }
        Says::Dns => "it could not resolve the backend's name",
        Says::NoBackend => "it had no backend that it held for healthy",
        Says::Overflow => "its own limit or queue was full",
        Says::Client => "the client left, or sent no proper request",
        Says::Proxy => "its own rules",
        Says::Backend => "the backend itself answered so",
    }
}

/// What a log that says so leaves open, and how to find out.
pub(crate) const fn open_question(says: Option<Says>, status: Option<u16>) -> &'static str {
    match says {
        Some(Says::Cut | Says::Closed | Says::Reset) => {
            "a keep-alive race, a crash or restart of the backend, or something between that resets: \
             only packets tell these apart"
        }
        Some(Says::Refused) => {
            "nothing listens there, or a firewall refuses: look whether the backend runs (`ss -ltn`)"
        }
        Some(Says::ConnectTimeout | Says::Unreachable) => {
            "a firewall or security group, a host that is down, a wrong address: packets show how far \
             the SYN gets"
        }
        Some(Says::ConnectFailed) => {
            "refused, dropped or unreachable: packets show which, and by whom"
        }
        Some(Says::TlsFailed) => "certificate, version or name: packets show who gave up, and when",
        Some(Says::Timeout) => {
            "a slow backend, or a path that swallows what belongs to the connection: packets show whether \
             the request arrived"
        }
        Some(Says::Truncated | Says::Stalled) => {
            "the backend broke off, or the way to it did: packets show who closed"
        }
        Some(Says::Invalid | Says::HeadTooLarge) => {
            "packets show what is malformed in the answer, or how large its head is"
        }
        Some(Says::NoPort) => {
            "all local ports towards this backend are in use: keep connections alive towards it, or widen \
             `net.ipv4.ip_local_port_range`"
        }
        Some(Says::Dns) => "the name, and the resolver that the proxy asks",
        Some(Says::NoBackend) => {
            "failing health checks, or earlier failures, took all backends out: capture the probes too"
        }
        Some(Says::Overflow) => "connections, queue or rate of the proxy itself: its own settings",
        Some(Says::Client) => {
            "no fault between proxy and backend, unless clients leave because it is slow"
        }
        Some(Says::Proxy) => "the proxy's own configuration",
        Some(Says::Backend) => "the backend's own log says why",
        None => match status {
            Some(502) => {
                "a close or reset before the answer, a refused connection, or an answer that the proxy \
                 refuses: only packets tell these apart"
            }
            Some(503) => {
                "no backend that the proxy holds for healthy, a limit of its own, or the backend's own \
                 answer: packets show whether anything was sent"
            }
            Some(504) => {
                "a slow backend, a connection that nobody answers, or a path that swallows what belongs \
                 to it: packets show how far the request got"
            }
            _ => "packets show what was sent, what was answered, and who closed",
        },
    }
}

/// A cause as people say it, so many of it.
pub(crate) fn noun(cause: Cause, count: u64) -> String {
    let [one, many] = words(cause).noun;
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The proxy's own words can quote a target.
pub(crate) fn without_secrets(code: &[u8], show: bool) -> Cow<'_, [u8]> {
    if show {
        return Cow::Borrowed(code);
    }
    let words = code.split(|byte| *byte == b' ').map(|word| escape::target(word, false));
    Cow::Owned(words.collect::<Vec<_>>().join(" ").into_bytes())
}
