//! Lines that are of no request and say why requests fail: a server was marked down, a worker was killed, a limit
//! was reached. Proxies, backends, the kernel and Kubernetes write them.

use super::error_messages;
use crate::logs::entry::{Attempt, Entry, LineKind, Says};
use crate::logs::fields::{Unfit, address, find};
use crate::logs::times::LogTime;
use std::net::SocketAddr;

/// What stands in such a line, both of it, and what it then says.
const MEANINGS: [(&str, &str, Says); 30] = [
    // HAProxy.
    ("backend ", "has no server available", Says::NoBackend),
    ("Health check for", "failed", Says::NoBackend),
    // nginx.
    ("worker_connections are not enough", "", Says::Overflow),
    ("worker process", "exited on signal", Says::Died),
    // Apache httpd.
    ("AH00484", "MaxRequestWorkers", Says::Overflow),
    // Caddy.
    ("health_checker", "HTTP request failed", Says::NoBackend),
    ("health_checker", "unexpected status code", Says::NoBackend),
    // gunicorn, uWSGI, Puma, Unicorn.
    ("WORKER TIMEOUT (pid:", "", Says::Died),
    ("Worker (pid:", "was sent SIGKILL", Says::Died),
    ("Worker with pid", "terminated due to signal", Says::Died),
    ("DAMN ! worker", "died", Says::Died),
    ("Terminating timed out worker", "", Says::Died),
    ("worker=", "killing", Says::Died),
    // PHP-FPM.
    ("child ", "exited on signal", Says::Died),
    ("execution timed out", "terminating", Says::Died),
    ("terminated by the pool", "", Says::Died),
    ("server reached pm.max_children", "", Says::Overflow),
    ("server reached max_children", "", Says::Overflow),
    // The kernel.
    ("Out of memory: Kill", "process", Says::Died),
    ("oom-kill:", "", Says::Died),
    ("Memory cgroup out of memory", "", Says::Died),
    // Kubernetes.
    ("eason", "OOMKilled", Says::Died),
    ("Readiness probe failed", "", Says::NoBackend),
    ("Liveness probe failed", "", Says::Died),
    ("Back-off restarting failed container", "", Says::NoBackend),
    // Heroku.
    ("State changed from", "to crashed", Says::Died),
    ("Stopping process with SIGKILL", "", Says::Died),
    ("Error R14", "", Says::Overflow),
    ("Error R15", "", Says::Died),
    // JVM.
    ("java.lang.OutOfMemoryError:", "", Says::Died),
];

/// One line.
pub(in crate::logs) fn line(line: &[u8]) -> Result<Entry<'_>, Unfit> {
    let has = |text: &str| text.is_empty() || find(line, text.as_bytes()).is_some();
    let mut meanings = MEANINGS.iter();
    let says = meanings.find(|(first, second, _)| has(first) && has(second));
    let says = says.map(|(.., says)| *says).ok_or(Unfit::Request)?;
    let when = time(line);
    let backend = backend(line);
    let attempt = Attempt { backend, ..Attempt::default() };
    Ok(Entry {
        kind: LineKind::Explains,
        ended: when.map(|when| when.at),
        resolution: when.map(|when| when.resolution).unwrap_or_default(),
        local: when.is_some_and(|when| when.local),
        attempts: backend.is_some().then_some(attempt).into_iter().collect(),
        code: line.into(),
        says: Some(says),
        ..Entry::default()
    })
}

/// The time with which it begins, in brackets or not, in one word or several.
fn time(line: &[u8]) -> Option<LogTime> {
    if let Some(inside) = line.strip_prefix(b"[") {
        let end = inside.iter().position(|byte| *byte == b']')?;
        return LogTime::read(inside.get(..end)?);
    }
    if line.starts_with(b"{") {
        let at = find(line, b"\"ts\":")?.saturating_add(5);
        let end = line.get(at..)?.iter().position(|byte| *byte == b',')?;
        return LogTime::read(line.get(at..at.saturating_add(end))?);
    }
    LogTime::read(line.get(..19)?).or_else(|| {
        let end = line.iter().position(|byte| *byte == b' ')?;
        LogTime::read(line.get(..end)?)
    })
}

/// The first address with a port that is no client's.
fn backend(line: &[u8]) -> Option<SocketAddr> {
    error_messages::dialed(line).or_else(|| {
        let at = [&b"upstream: \""[..], b"worker for (", b"\"host\":\""]
            .iter()
            .find_map(|name| find(line, name).map(|at| at.saturating_add(name.len())))?;
        let rest = line.get(at..)?;
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b')'))?;
        address(rest.get(..end)?).filter(|one| one.port() != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_explains_failures_is_known() {
        for (text, says, backend, timed) in [
            (
                "[2026-11-27 06:43:35 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:9)",
                Says::Died,
                None,
                true,
            ),
            (
                "[27-Nov-2026 06:43:35] WARNING: [pool www] child 12 exited on signal 9 (SIGKILL) after 3.2 seconds from start",
                Says::Died,
                None,
                true,
            ),
            (
                r#"{"level":"info","ts":1795762099.45,"logger":"http.handlers.reverse_proxy.health_checker.active","msg":"HTTP request failed","host":"10.77.2.2:3999","error":"dial tcp 10.77.2.2:3999: connect: connection refused"}"#,
                Says::NoBackend,
                Some("10.77.2.2:3999"),
                true,
            ),
            ("State changed from up to crashed", Says::Died, None, false),
        ] {
            let entry = line(text.as_bytes()).unwrap();
            let named = entry.attempts.first().and_then(|one| one.backend);
            let wanted = (Some(says), backend.and_then(|at| at.parse().ok()), timed);
            assert_eq!((entry.says, named, entry.has_time()), wanted, "{text}");
            assert!(!entry.is_error(), "{text}");
        }
        assert!(line(b"Server app/s1 is UP").is_err() && line(b"").is_err());
    }
}
