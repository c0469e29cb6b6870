//! What a log alone shows of failures that have something in common, and what to change. Nothing of it is proven, and
//! each sentence has the number that carries it.

use super::causes;
use super::events;
use super::fix::{Fix, FixSide};
use super::phrases::{duration, plural, setting};
use super::settings;
use crate::alone::{KeepaliveTimer, LogFinding, LogFindingKind, LoggedEvent, TimeLimit, Together};
use crate::base::time::Timestamp;
use crate::knowledge::connection_ends::Context;
use crate::timeouts::{self, ProductSide};
use std::time::Duration;

/// Backends, and servers, that are named.
const NAMED: usize = 3;

/// Servers that are named before others.
const USUAL: [&str; 3] = ["node-pre26", "gunicorn", "tomcat"];

/// A time of which so many percent are no difference.
const PERCENT: u32 = 4;

/// What is said of a finding besides what it holds.
#[derive(Clone, Debug)]
pub struct FindingSubject<'a> {
    /// The finding.
    pub finding: &'a LogFinding,
    /// What was asked for, as it is shown; `None` where that differs.
    pub asked: Option<&'a str>,
    /// What is known of the proxy and the server.
    pub context: &'a Context,
}

/// What it is, in a few words; what explains failures says how sure that is.
pub fn headline(finding: &LogFinding) -> String {
    let at = at(finding);
    match &finding.kind {
        LogFindingKind::KeepaliveTimer(_) => "keep-alive race".to_owned(),
        LogFindingKind::Limit(limit) if limit.by_proxy => {
            format!("response timeout after {}", after(limit.shortest, limit.longest))
        }
        LogFindingKind::Limit(limit) => {
            format!("a time limit of {} at the backend", after(limit.shortest, limit.longest))
        }
        LogFindingKind::Together(together) => match together.event {
            LoggedEvent::Restart => format!("a restart of {at}"),
            LoggedEvent::Deploy => format!("restarts of {at}, one after the other"),
            LoggedEvent::Outage => format!("an outage of {at}"),
            LoggedEvent::AllAtOnce => "all backends failed at once".to_owned(),
            LoggedEvent::Burst => format!("a burst at {at}"),
        },
        LogFindingKind::TooLate { .. } => "no keep-alive race".to_owned(),
        LogFindingKind::TooBusy { .. } => "not known".to_owned(),
    }
}

/// What explains most, in front of the first sentence's numbers.
pub fn because(explaining: &[String]) -> Option<String> {
    let (first, more) = explaining.split_first()?;
    let more = match more {
        [] => String::new(),
        [second] => format!(" and {second}"),
        several => format!(" and {} more reasons", several.len()),
    };
    Some(
        super::phrases::sentence(&format!("{first}{more}, likely"))
            .trim_end_matches('.')
            .to_owned(),
    )
}

/// What it shows, in one to three sentences.
pub fn text(subject: &FindingSubject<'_>) -> String {
    let finding = subject.finding;
    match &finding.kind {
        LogFindingKind::KeepaliveTimer(timer) => of_timer(subject, timer),
        LogFindingKind::Limit(limit) => of_limit(subject, limit),
        LogFindingKind::Together(together) => of_event(finding, together),
        LogFindingKind::TooLate { shortest, longest, bound } => {
            let ended = match finding.count {
                1 => "1 failure at".to_owned(),
                more => format!("{more} failures at"),
            };
            format!(
                "{ended} {} came {} after the request: no keep-alive race, which ends within a round trip ({} \
                 here). A crash, a killed worker, or a limit of time.",
                at(finding),
                between(*shortest, *longest),
                duration(*bound)
            )
        }
        LogFindingKind::TooBusy { share } => format!(
            "Whether the {} at {} are keep-alive races, this log cannot tell: there are too many requests. At every \
             moment an answer of the same backend lies T before, whatever T is (before {} % of the requests that went \
             well, at the least). That is no sign against a race: packets tell, or a log with the proxy's own port \
             towards the backend.",
            plural(finding.count, "failure"),
            at(finding),
            (share * 100.0).round()
        ),
    }
}

fn of_timer(subject: &FindingSubject<'_>, timer: &KeepaliveTimer) -> String {
    let KeepaliveTimer { hits, failures, control_hits, controls, .. } = *timer;
    let well = match (control_hits, controls.checked_div(control_hits)) {
        (0, _) | (_, None) => format!("none of {controls} did"),
        (_, Some(0 | 1)) => format!("{control_hits} of {controls} did"),
        (_, Some(one_in)) => format!("1 in {one_in} did"),
    };
    let came = after_answer(timer);
    let name = timer_time(timer);
    let usual = usual_of(subject, timer);
    format!(
        "{hits} of {} came {came} after an answer of the same backend; of the requests that went well {well}. A \
         keep-alive timer of {name} on {} is likely (a log cannot prove it){usual}.",
        plural(failures, "failure"),
        at(subject.finding)
    )
}

/// Whose timer is that by default.
fn usual_of(subject: &FindingSubject<'_>, timer: &KeepaliveTimer) -> String {
    let is = |idle: Duration| near(idle, timer.after);
    let told = settings::server_of(subject.context).map(|(known, _)| known);
    if let Some(known) = told {
        return match known.idle.value() {
            Some(idle) if is(idle) => format!("; {} has {} by default", known.name, setting(idle)),
            _ => String::new(),
        };
    }
    let servers = timeouts::all().filter(|known| known.side == ProductSide::Server);
    let mut servers: Vec<_> = servers.filter(|known| known.idle.value().is_some_and(is)).collect();
    servers.sort_by_key(|known| !USUAL.contains(&known.id));
    let names: Vec<&str> = servers.iter().map(|known| known.name).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("; that is the default of {one}"),
        [first, .., last] if names.len() <= NAMED => {
            let between = names.get(1..names.len().saturating_sub(1)).unwrap_or_default();
            let begin = [&[*first], between].concat().join(", ");
            format!("; that is the default of {begin} and {last}")
        }
        [first, second, rest @ ..] => {
            format!("; that is the default of {first}, {second} and {} more", rest.len())
        }
    }
}

fn of_limit(subject: &FindingSubject<'_>, limit: &TimeLimit) -> String {
    let finding = subject.finding;
    let asked = subject.asked.map_or_else(String::new, |asked| format!(" of {asked}"));
    let held = match (limit.answers, limit.as_long) {
        (0, _) => String::new(),
        (all, 0) => format!("; none of {} that went well took as long", plural(all, "request")),
        (all, some) => {
            format!("; {some} of {} that went well took as long", plural(all, "request"))
        }
    };
    let came = after(limit.shortest, limit.longest);
    let count = finding.count;
    let these = format!(
        "{count} of {}{asked} came {came} after the request{held}",
        plural(limit.of, "failure")
    );
    if limit.by_proxy {
        return format!("{these}: the proxy's own timeout is likely.");
    }
    format!(
        "{these}. A limit of that length at {} is likely: a worker timeout, a server's or a database driver's limit. A \
         keep-alive race ends within a round trip.",
        at(finding)
    )
}

fn of_event(finding: &LogFinding, together: &Together) -> String {
    let Together { event, cut, not_sent, again } = *together;
    let (at, span) = (at(finding), span(finding.first, finding.last));
    let mut parts = Vec::new();
    if cut > 0 {
        parts.push(format!("{} cut", plural(cut, "request")));
    }
    if not_sent > 0 {
        parts.push(format!("{} not sent", plural(not_sent, "request")));
    }
    let parts = parts.join(", then ");
    let again = match (event, again) {
        (LoggedEvent::Deploy | LoggedEvent::AllAtOnce, _) => String::new(),
        (_, Some(again)) => format!(" It answered again at {}.", again.time_of_day()),
        (_, None) => " It did not answer again before the log ends.".to_owned(),
    };
    match event {
        LoggedEvent::Restart => format!("{span}: {at} was probably restarted ({parts}).{again}"),
        LoggedEvent::Deploy => format!(
            "{span}: {} backends were probably restarted one after the other, as in a deploy: {at} ({parts}).",
            finding.backends.len()
        ),
        LoggedEvent::Outage => format!("{span}: {at} could not be reached ({parts}).{again}"),
        LoggedEvent::AllAtOnce => format!(
            "{span}: all {} backends of the log failed at once ({parts}): the reason is more likely the proxy (a \
             reload), or what they share (network, database), than each of them.",
            finding.backends.len()
        ),
        LoggedEvent::Burst => format!(
            "{span}: {} at {at} within {} ({parts}). The log does not say why.",
            plural(finding.count, "failure"),
            duration(finding.last.since(finding.first))
        ),
    }
}

/// What to change; `None` where nothing is known.
pub fn fix(subject: &FindingSubject<'_>) -> Option<Fix> {
    let finding = subject.finding;
    let asked = subject.asked.unwrap_or("these requests");
    Some(match &finding.kind {
        LogFindingKind::KeepaliveTimer(timer) => {
            let whole = Duration::from_secs_f64(timer.after.as_secs_f64().round());
            let is_whole = timer.after.abs_diff(whole) <= timer.window;
            let after = if is_whole { whole } else { timer.after };
            causes::longer_keepalive_by_log(subject.context, after)
        }
        LogFindingKind::Limit(limit) if limit.by_proxy => {
            let text = format!(
                "find what takes so long in {asked} on the backend, or let the proxy wait longer than {}",
                after(limit.shortest, limit.longest)
            );
            settings::longer_read(subject.context, &text)
                .unwrap_or_else(|| Fix::on(FixSide::Proxy, text))
        }
        LogFindingKind::Limit(limit) => {
            let came = after(limit.shortest, limit.longest);
            let text = format!(
                "find what ends {asked} after {came} (a worker timeout such as gunicorn's `--timeout`, a \
                 `server.timeout`, a database driver's limit): raise it, or make them answer sooner"
            );
            let brief = format!(
                "find the limit of {came} (gunicorn's `--timeout`, a `server.timeout`, a database driver's) and raise it"
            );
            Fix { brief: Some(brief), ..Fix::on(FixSide::Backend, text) }
        }
        LogFindingKind::Together(together) => match together.event {
            LoggedEvent::Restart | LoggedEvent::Deploy => Fix {
                brief: Some(
                    "take a backend out of the proxy before it stops, and let it answer what it has; if nobody \
                     restarted it, look for a crash"
                        .to_owned(),
                ),
                ..events::drain_first(finding.first)
            },
            LoggedEvent::Outage => Fix::on(
                FixSide::Backend,
                format!(
                    "check why {} could not be reached at {}: whether it runs (`ss -ltn`), and its own log",
                    at(finding),
                    finding.first.time_in_zone()
                ),
            ),
            LoggedEvent::AllAtOnce => Fix::on(
                FixSide::Proxy,
                format!(
                    "check what all backends share at {}: the proxy (a reload), the network, a database",
                    finding.first.time_in_zone()
                ),
            ),
            LoggedEvent::Burst => return None,
        },
        LogFindingKind::TooLate { .. } => Fix::on(
            FixSide::Backend,
            format!(
                "check the log of {} at {}: a crash, a killed worker, or a limit of time",
                at(finding),
                finding.first.time_in_zone()
            ),
        ),
        LogFindingKind::TooBusy { .. } => return None,
    })
}

/// The proxy that writes such logs.
pub fn proxy_of_format(format: &str) -> Option<&'static timeouts::Product> {
    timeouts::the(format, ProductSide::Proxy).ok()
}

/// Requests beyond those that are looked at.
pub fn not_looked_at(requests: u64) -> String {
    format!(
        "{requests} more requests were too many to look for timers, limits and restarts in: what is said of these holds \
         for those before"
    )
}

/// The backends in a sentence.
fn at(finding: &LogFinding) -> String {
    let named: Vec<String> = finding.backends.iter().take(NAMED).map(ToString::to_string).collect();
    let more = finding.backends.len().saturating_sub(NAMED);
    match named.as_slice() {
        [] => "the backend (the log does not name it)".to_owned(),
        [one] => one.clone(),
        several if more > 0 => format!("{} and {more} more", several.join(", ")),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// `5.00 s`, or in which span.
fn after_answer(timer: &KeepaliveTimer) -> String {
    match timer.window < Duration::from_millis(100) {
        true => tenths(timer.after),
        false => between(timer.shortest, timer.longest),
    }
}

/// A time of which more than tenths of a second are not known.
fn tenths(time: Duration) -> String {
    if time.as_secs() == 0 { duration(time) } else { format!("{:.1} s", time.as_secs_f64()) }
}

/// A timer as people set it, where what was seen lies next to that.
fn timer_time(timer: &KeepaliveTimer) -> String {
    if timer.window >= Duration::from_millis(100) {
        return format!("about {}", duration(timer.after));
    }
    let whole = Duration::from_secs_f64(timer.after.as_secs_f64().round());
    if timer.after.abs_diff(whole) <= timer.window { setting(whole) } else { duration(timer.after) }
}

/// The times of one limit.
fn after(shortest: Duration, longest: Duration) -> String {
    match near(shortest, longest) {
        true => duration(shortest),
        false => between(shortest, longest),
    }
}

fn between(shortest: Duration, longest: Duration) -> String {
    let (short, long) = (duration(shortest), duration(longest));
    if short == long { short } else { format!("{short} to {long}") }
}

fn near(one: Duration, other: Duration) -> bool {
    let share = one.saturating_mul(PERCENT).checked_div(100).unwrap_or_default();
    one.abs_diff(other) <= share
}

/// From the first second to the last.
fn span(first: Timestamp, last: Timestamp) -> String {
    let (from, to) = (first.time_of_day(), last.time_of_day());
    let (day, zone) = (first.date(), last.zone());
    if from == to { format!("{day} {from} {zone}") } else { format!("{day} {from} to {to} {zone}") }
}
