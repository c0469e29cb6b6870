//! `health_check_failing`: the proxy's own probes of the backend fail.

use super::cause_words::CauseWords;
use crate::base::escape;
use crate::ledger::{Failure, Health};
use crate::verdict::Cause;
use crate::words::fix::{Fix, FixSide};
use crate::words::phrases::duration;
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["failing health check", "failing health checks"],
    page: include_str!("health_check_failing.md"),
    expected_status: &[503, 502],
    helped: Some("each check succeeds"),
};

pub(super) fn summary(subject: &Subject<'_>) -> String {
    let failure = subject.failure;
    match failure.health.as_deref() {
        Some(health) => health_text(failure, health, subject.show_secrets),
        None => format!("the health checks of {} fail", failure.server),
    }
}

pub(super) fn fix(subject: &Subject<'_>) -> Fix {
    let (side, text) =
        subject.failure.health.as_deref().map_or((FixSide::Proxy, PROBE_FIX), health_fix);
    Fix::on(side, format!("{text}{}", other_port(subject.failure)))
}

/// What is probed, how often, and how it fails.
fn health_text(failure: &Failure, health: &Health, show_secrets: bool) -> String {
    let Health { failed, of, .. } = health;
    let what = if health.method.is_empty() {
        "TCP connect".to_owned()
    } else {
        let (method, path) = (&health.method, &health.path);
        format!("{} {}", escape::text(method), escape::target(path, show_secrets))
    };
    let who = health.prober.map(|prober| format!(", by {}", prober.user_agent()));
    let period = health.period.map(|period| format!(", every {}", duration(period)));
    let statuses = health.statuses.iter().map(|(status, count)| format!("{count} × {status}"));
    let causes = health
        .causes
        .iter()
        .map(|(cause, count)| format!("{count} × {}", cause.name().replace('_', " ")));
    let how: Vec<String> = statuses.chain(causes).collect();
    format!(
        "health check of {} ({what}{}{}): {failed} of {of} failed ({}); the proxy marks such a backend \
         down and answers 503",
        failure.server,
        period.unwrap_or_default(),
        who.unwrap_or_default(),
        how.join(", ")
    )
}

const PROBE_FIX: &str = "point the probe at a path that answers 200 without a login or a redirect, on \
                         the port on which the server listens";

/// What to change, and on which side, by how most of the probes failed.
fn health_fix(health: &Health) -> (FixSide, &'static str) {
    use FixSide::{Backend, Path, Proxy};
    let status = health.statuses.iter().max_by_key(|(_, count)| **count).map(|(status, _)| *status);
    let cause = health.causes.iter().max_by_key(|(_, count)| **count).map(|(cause, _)| *cause);
    match (status, cause) {
        (Some(301 | 302 | 307 | 308), _) => (
            Proxy,
            "probe the path that the server redirects to, or accept the redirect as healthy (AWS ALB: \
             matcher `200-399`)",
        ),
        (Some(400), _) => (
            Proxy,
            "send a `Host` with the probe that the server knows (allowed hosts, virtual hosts), or make the \
             server answer the probe's path for every host",
        ),
        (Some(401 | 403), _) => {
            (Backend, "make the probe's path answer without a login, or probe another path")
        }
        (Some(404 | 405), _) => {
            (Proxy, "probe a path that exists and answers 200, or add one (`/healthz`)")
        }
        (Some(500..), _) => (
            Backend,
            "check the server's own log at the time of a probe: it answers, and reports itself unhealthy (a \
             database, a dependency, not ready yet)",
        ),
        (None, Some(Cause::ConnectionRefused)) => (
            Backend,
            "start the server, or probe the address and port on which it listens (on the backend: `ss -ltn`)",
        ),
        (None, Some(Cause::ConnectTimeout | Cause::Unreachable | Cause::SilentDrop)) => {
            (Path, "allow the probes: security group, firewall, network policy, the right address")
        }
        (None, Some(Cause::ResponseTimeout | Cause::Stalled)) => (
            Backend,
            "make the probe's path cheap, so that a busy server answers it in time, or raise the probe's \
             timeout",
        ),
        _ => (Proxy, PROBE_FIX),
    }
}

/// The port of the same host that does answer, where nothing answers on this one.
pub(super) fn other_port(failure: &Failure) -> String {
    let refused = failure.response().is_none();
    let port = failure.context.answers_on.filter(|_| refused);
    port.map_or_else(String::new, |port| format!("; here port {port} of the same host answers"))
}
