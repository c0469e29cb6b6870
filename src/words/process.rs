//! Which processes have the ends of a connection, and what they and the kernel did, in words.
//! Names of processes are text that anybody can choose.

use super::fix::{Fix, FixSide};
use super::phrases::duration;
use crate::base::escape;
use crate::facts::closing::{Closer, Received};
use crate::facts::kernel::{Closed, End, How, Process, ResetReason};
use crate::ledger::Failure;
use crate::verdict::{Cause, Certainty};
use crate::words::phrases::plural;
use std::time::Duration;

/// `gunicorn (pid 4711, container 3f2a1b0c9d8e)`.
pub fn named(pid: u32, command: &str, container: Option<&str>) -> String {
    /// Characters of a container's id that its tools show.
    const SHORT: usize = 12;
    let container = container.map_or_else(String::new, |id| {
        format!(", container {}", id.chars().take(SHORT).collect::<String>())
    });
    format!("{command} (pid {pid}{container})")
}

/// A process as the kernel names it.
fn process(process: &Process) -> String {
    let container = process.container.as_deref().map(|id| escape::text(id.as_bytes()));
    named(process.pid, &escape::text(&process.command), container.as_deref())
}

/// `signal 9 (SIGKILL)`.
pub fn signal_named(signal: u8) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name})")
}

/// What the kernel's word adds to what happened: clauses that follow a sentence, or nothing.
pub fn clauses(failure: &Failure) -> String {
    let Some(ends) = failure.ends() else { return String::new() };
    // What stands in a row of failing probes is one example of them.
    if failure.verdict().cause() == Cause::HealthCheckFailing {
        return String::new();
    }
    let server = ends.server.as_ref();
    let [closed, reset] = match failure.verdict().close().map(|close| close.by) {
        Some(Closer::Proxy) => [ends.client.as_ref().and_then(proxy_closed), None],
        Some(Closer::Backend) | None => [
            server.and_then(|end| backend_closed(failure, end)),
            server.and_then(|end| backend_reset(failure, end)),
        ],
        Some(Closer::Path) => [None, None],
    };
    let clauses = [full_queue(failure), closed, reset];
    clauses.into_iter().flatten().map(|clause| format!("; {clause}")).collect()
}

/// Who closed an end, as far as that is known.
fn closer(end: &End, closed: &Closed) -> Option<String> {
    closed.by.as_ref().or(end.owner.as_ref()).map(process)
}

/// `gunicorn (pid 4711) closed it 2.003 s after its last answer, with the request unread: nobody had
/// looked at it`.
fn backend_closed(failure: &Failure, end: &End) -> Option<String> {
    let closed = end.closed.as_ref()?;
    let who = closer(end, closed).unwrap_or_else(|| "its process".to_owned());
    let answered = failure.ordinal > 0 && failure.response().is_none();
    let since = end.last_written.filter(|last| answered && *last <= closed.at);
    let since = since.map_or_else(String::new, |last| {
        format!(" {} after its last response", exactly(closed.at.since(last)))
    });
    Some(format!("{who} {}{since}{}", did(closed), looked_at(failure, closed)))
}

/// What a process did to its end.
fn did(closed: &Closed) -> String {
    match closed.how {
        How::Close | How::Untold => "closed it".to_owned(),
        How::Shutdown => "shut it down".to_owned(),
        How::Exit { signal: Some(signal) } => format!("was killed by {}", signal_named(signal)),
        How::Exit { signal: None } => "ended".to_owned(),
    }
}

/// Whether the request had been read by then.
fn looked_at(failure: &Failure, closed: &Closed) -> &'static str {
    let told = failure.verdict().finding().request_read().is_some();
    let Some(request) = failure.sent().filter(|_| told) else { return "" };
    match request.read_by(closed) {
        // Nothing of it may have arrived by then; nobody had looked at it all the same.
        Received::None if request.unread_at(closed) == 0 => {
            ", before any of the request had arrived"
        }
        Received::None => ", without having read the request",
        Received::Part => ", having read part of the request",
        Received::All => ", having read the whole request",
    }
}

fn proxy_closed(end: &End) -> Option<String> {
    let closed = end.closed.as_ref()?;
    let who = closer(end, closed).unwrap_or_else(|| "the proxy's process".to_owned());
    let own = match closed.how {
        // It did not decide to close.
        How::Exit { .. } => ", so it did not close on purpose",
        How::Close | How::Shutdown | How::Untold => "",
    };
    Some(format!("{who} {}{own}", did(closed)))
}

/// Why the backend's kernel sent its reset.
fn backend_reset(failure: &Failure, end: &End) -> Option<String> {
    let reset = end.reset?;
    let why = match reset.why {
        ResetReason::TimeWait | ResetReason::AfterClose => {
            "its kernel reset because the connection had been closed before"
        }
        ResetReason::UnreadData => "its kernel reset because data was unread at the close",
        ResetReason::LingerZero => {
            "its kernel reset because the program asked for it (SO_LINGER 0)"
        }
        ResetReason::NoSocket if failure.verdict().cause() == Cause::ConnectionRefused => {
            "its kernel reports that nothing listens there"
        }
        ResetReason::NoSocket => "its kernel reports that there was no such connection",
        ResetReason::Other(_) | ResetReason::Untold => return None,
    };
    Some(why.to_owned())
}

/// The backend's queue of connections, where that was full.
fn full_queue(failure: &Failure) -> Option<String> {
    let queue = failure.full_queue()?;
    Some(format!(
        "its kernel reports a full accept queue: {} waiting, room for {}",
        plural(queue.length.into(), "connection"),
        queue.most
    ))
}

/// What to change, where the kernel's word tells more of that than the packets do: what ended a
/// process, and who forgot a connection.
pub fn fix(failure: &Failure) -> Option<Fix> {
    let verdict = failure.verdict();
    let ends = failure.ends()?;
    let (server, client) = (ends.server.as_ref(), ends.client.as_ref());
    let by = verdict.close().map(|close| close.by);
    match verdict.cause() {
        Cause::KeepaliveRace
        | Cause::ClosedInFlight
        | Cause::ResetInFlight
        | Cause::TruncatedResponse
            if by == Some(Closer::Backend) =>
        {
            let server = server?;
            let dropped = || dropped_fix(failure, server);
            exit_fix(
                server,
                "take a backend out of the proxy first, wait until its requests have ended, then stop it; and \
                 make the server answer what it has before it ends",
            )
            .or_else(dropped)
            .map(|text| Fix::on(FixSide::Backend, text))
        }
        Cause::ResponseTimeout | Cause::Stalled | Cause::ClientGone
            if by == Some(Closer::Proxy) && verdict.certainty() == Certainty::Possible =>
        {
            exit_fix(client?, "make the proxy wait for the responses under way before it ends")
                .map(|text| Fix::on(FixSide::Proxy, text))
        }
        Cause::SilentDrop if by == Some(Closer::Backend) => {
            let server = server?;
            let unknown = server.reset.is_some_and(|reset| reset.why == ResetReason::NoSocket);
            // A close that no frame shows is not told; but then it is not proven either.
            let proven = verdict.certainty() == Certainty::Proven;
            (unknown && server.closed.is_none() && proven).then(|| {
                Fix::on(FixSide::Backend, "find on the backend's own host what ended its connections while the proxy kept them: a \
                 restart of the host or the container, or another one under the same address; enable TCP \
                 keep-alives in the proxy, so that it notices before a request does")
            })
        }
        _ => None,
    }
}

/// What to look at where a process closed, by itself, a connection whose request it had read.
fn dropped_fix(failure: &Failure, server: &End) -> Option<String> {
    let closed = server.closed.as_ref()?;
    let chose = matches!(closed.how, How::Close | How::Shutdown);
    let read = match failure.verdict().finding().request_read()? {
        Received::All => "the request",
        Received::Part => "part of the request",
        Received::None => return None,
    };
    let who = closer(server, closed).filter(|_| chose)?;
    let at = closed.at.time_in_zone();
    Some(format!(
        "check the log of {who} at {at}: it read {read} and closed the connection itself (a handler \
         that closes it, an uncaught error, a timeout of its own, a worker that was stopped)"
    ))
}

/// What to look at, by how the process of an end ended; `orderly` is how it is told to without harm.
fn exit_fix(end: &End, orderly: &str) -> Option<String> {
    let closed = end.closed.as_ref()?;
    let How::Exit { signal } = closed.how else { return None };
    let who = closer(end, closed).unwrap_or_else(|| "the process".to_owned());
    Some(match signal {
        Some(9) => format!(
            "find who killed {who} with SIGKILL: the kernel, out of memory (`journalctl -k`: \"Out of memory: \
             Killed process\", or the memory limit of its container), or a supervisor after its timeout (a \
             worker's timeout, a stop that took too long)"
        ),
        Some(crash @ (4 | 5 | 6 | 7 | 8 | 11 | 31)) => format!(
            "find why {who} crashed, with {}: its own log, `journalctl -k`, the core dump (`coredumpctl`)",
            signal_named(crash)
        ),
        Some(told @ (1 | 2 | 3 | 15)) => format!(
            "{who} was stopped with {}, as in a deploy or a restart: {orderly}",
            signal_named(told)
        ),
        Some(other) => {
            format!("find who sent {} to {who}, and why", signal_named(other))
        }
        None => format!(
            "check the log of {who} for why it ended at {}: a deploy, a worker recycled after so many \
             requests, a fatal error",
            closed.at.time_in_zone()
        ),
    })
}

/// To the millisecond, where timers are told apart by that.
fn exactly(value: Duration) -> String {
    let seconds = value.as_secs_f64();
    if (1.0..120.0).contains(&seconds) { format!("{seconds:.3} s") } else { duration(value) }
}
