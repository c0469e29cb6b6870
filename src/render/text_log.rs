//! What the proxy's log says, for people: first what users saw, later the lines and the clocks.

use super::style::{YELLOW, clock};
use crate::base::wrap::{BOLD, DIM, heading, paragraph};
use crate::join::{Answer, Missing, Own};
use crate::logs::{LogFormat, Says};
use crate::packet::Endpoint;
use crate::report::log::of_nanos;
use crate::report::model::Report;
use crate::report::{
    AnswerReason, ClientRecord, ClientSource, ClockRecord, ClockSource, FrontLegRecord, Log,
    LogFile, LogLine, LogTimes, Tally,
};
use crate::topology::request_key::MatchedBy;
use crate::verdict::Cause;
use crate::words::log as words;
use crate::words::phrases::{duration, plural, setting};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Lines shown without `--all`.
const SHOWN: usize = 10;

/// What the lines of the log are of: comes next to the first sentence.
pub fn lead(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(log) = &report.log else { return front(report, out) };
    if report.captures.is_empty() {
        return alone(log, out);
    }
    let total = log.answers.sum();
    let files = names(&log.files);
    writeln!(out)?;
    if total == 0 {
        paragraph(
            &format!("No error among {} in {files}.", plural(log.requests, "request")),
            "",
            out,
        )?;
        return hidden(log, out);
    }
    let what = match (log.errors, log.messages) {
        (0, _) => plural(total, "message"),
        _ => with_statuses(log),
    };
    let these = if total == 1 { "This" } else { "These" };
    let mut parts: Vec<String> = Vec::new();
    // Those of one count stay in the order of their names.
    let mut causes: Vec<(Cause, u64)> = log.causes.iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (cause, count) in &causes {
        parts.push(words::noun(*cause, *count));
    }
    // What is of a known cause although which exchange it is cannot be told counts with the causes.
    let known = log.causes.sum();
    let unclear = log.answers.of(Answer::OnLeg).saturating_add(log.answers.of(Answer::Ambiguous));
    let unclear = unclear.saturating_sub(known);
    if unclear > 0 {
        let match_several = if unclear == 1 { "matches" } else { "match" };
        parts.push(format!(
            "{unclear} {match_several} several requests, or fewer than there are lines"
        ));
    }
    let count = |wanted: fn(Answer) -> bool| {
        let wanted = log.answers.iter().filter(|(answer, _)| wanted(*answer));
        wanted.fold(0_u64, |sum, (_, count)| sum.saturating_add(count))
    };
    let own = count(is_own);
    if own > 0 {
        let reasons = reasons(log, is_own);
        parts.push(format!("{own} did not fail between proxy and backend ({reasons})"));
    }
    let missing = count(is_missing);
    if missing > 0 {
        let why = reasons(log, is_missing);
        parts.push(format!("{missing} cannot be found in the capture ({why})"));
    }
    let text = format!("{these} {what} in {files}: {}.", parts.join(", "));
    paragraph(&format!("{BOLD}{text}{BOLD:#}"), "", out)?;
    hidden(log, out)
}

/// `47 lines with 502`, `3 error lines, 2 with 502 and 1 without a status`.
fn with_statuses(log: &Log) -> String {
    let name = |status: &Option<u16>| {
        status.map_or_else(|| "no status".to_owned(), |status| status.to_string())
    };
    match log.statuses.iter().collect::<Vec<_>>().as_slice() {
        [(status, count)] => format!("{} with {}", plural(**count, "line"), name(status)),
        several => {
            let each = several.iter().map(|(status, count)| format!("{count} × {}", name(status)));
            format!(
                "{} ({})",
                plural(log.errors, "error line"),
                each.collect::<Vec<_>>().join(", ")
            )
        }
    }
}

/// Why lines have an answer other than their cause.
fn reasons(log: &Log, wanted: fn(Answer) -> bool) -> String {
    let lines = log.unmatched.iter().filter(|line| wanted(line.answer));
    let reasons: Tally<AnswerReason> = lines.filter_map(|line| Some((line.reason?, 1))).collect();
    let several = reasons.len() > 1;
    let words = reasons.iter().map(|(reason, count)| {
        let text = reason_text(reason.answer());
        if several { format!("{count}: {text}") } else { text.to_owned() }
    });
    words.collect::<Vec<_>>().join("; ")
}

fn reason_text(answer: Answer) -> &'static str {
    match answer {
        Answer::NotOnLeg(Own::Said(says)) => words::meaning(says),
        Answer::NotOnLeg(Own::Answered(_)) => "the backend had answered completely",
        Answer::NotOnLeg(Own::AlikeWell) => "all such requests went well",
        Answer::NotOnLeg(Own::Nothing) => "the proxy sent nothing to a backend",
        Answer::NotInCapture(Missing::OutsideTime { .. }) => "outside of its time",
        Answer::NotInCapture(Missing::OtherBackend(_)) => "its backend is not in the capture",
        Answer::NotInCapture(Missing::Unreadable(_)) => "the traffic there cannot be read",
        Answer::NotInCapture(Missing::Frames) => "packets are missing",
        Answer::NotInCapture(Missing::Unread) => "its response is cut or missing",
        Answer::NotInCapture(Missing::Forgotten) => "more requests than could be kept",
        Answer::NotInCapture(Missing::NotFound) => "no such request at its time",
        Answer::NotInCapture(Missing::NoCapture) | Answer::OnLeg | Answer::Ambiguous => {
            "no capture was given"
        }
    }
}

/// Nothing went wrong on the leg.
const fn is_own(answer: Answer) -> bool {
    matches!(answer, Answer::NotOnLeg(_))
}

/// The capture does not hold it.
const fn is_missing(answer: Answer) -> bool {
    matches!(answer, Answer::NotInCapture(_))
}

/// Failures that clients did not see.
fn hidden(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    let hidden = &log.hidden_retries;
    if hidden.failures > 0 {
        let longest = duration(of_nanos(hidden.longest_ns));
        let more = plural(hidden.failures, "more attempt");
        let text = format!(
            "{more} failed, but the proxy's retry succeeded: clients saw only a delay ({longest} at most)."
        );
        paragraph(&text, "", out)?;
    }
    if hidden.ran_twice > 0 {
        let text = format!(
            "{YELLOW}{} sent again although the first attempt may have run: it may have run twice.{YELLOW:#}",
            match hidden.ran_twice {
                1 => "1 request that must not run twice was".to_owned(),
                more => format!("{more} requests that must not run twice were"),
            }
        );
        paragraph(&text, "", out)?;
    }
    Ok(())
}

/// What clients saw of failures besides errors, where the front leg shows it and there is no log.
fn front(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.front_leg.is_none() {
        return Ok(());
    }
    let hidden = report.clients.as_ref().map_or(0, |clients| clients.hidden_by_retry);
    let failures = report.failures.iter().filter_map(|failure| failure.client);
    let left = failures.filter(|client| client.status.is_none() && !client.retried).count();
    let mut parts = Vec::new();
    if hidden > 0 {
        let requests = plural(hidden, "client request");
        parts.push(format!("{requests} succeeded after a retry by the proxy"));
    }
    if left > 0 {
        let left = plural(u64::try_from(left).unwrap_or(u64::MAX), "client");
        parts.push(format!("{left} got no response, or left before"));
    }
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    paragraph(&format!("{BOLD}{}.{BOLD:#}", parts.join("; ")), "", out)
}

/// Only a log: what it allows to say, and the capture that would tell the rest.
fn alone(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    let files = names(&log.files);
    let lines = || log.joined.iter().chain(&log.unmatched);
    if log.requests == 0 && log.messages == 0 && log.files.iter().any(|file| file.unreadable > 0) {
        let text = format!(
            "{YELLOW}No line of {files} could be read{YELLOW:#} as a proxy's log: give its format with \
             --log-format."
        );
        return paragraph(&text, "", out);
    }
    if lines().next().is_none() {
        return paragraph(
            &format!("No error among {} in {files}.", plural(log.requests, "request")),
            "",
            out,
        );
    }
    let what = if log.errors == 0 { plural(log.messages, "message") } else { with_statuses(log) };
    let text = format!("{what} among {} in {files}.", plural(log.requests, "request"));
    paragraph(
        &format!("{BOLD}{text}{BOLD:#} No capture was given: this is from the log alone."),
        "",
        out,
    )?;
    // Where the log does not say why, the status is all there is.
    let mut groups: BTreeMap<(Option<&str>, Option<u16>), Vec<&LogLine>> = BTreeMap::new();
    for line in lines() {
        let status = line.status.filter(|_| line.says.is_none());
        groups.entry((line.says.map(Says::name), status)).or_default().push(line);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.len()));
    for ((_, status), lines) in &groups {
        writeln!(out)?;
        let known = lines.first().and_then(|line| line.says);
        let meaning = known.map_or("the log has no reason", words::meaning);
        let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
        for line in lines {
            let status = line.status.map_or("no status".to_owned(), |status| status.to_string());
            let count = statuses.entry(status).or_default();
            *count = count.saturating_add(1);
        }
        let statuses: Vec<String> =
            statuses.iter().map(|(status, n)| format!("{status} × {n}")).collect();
        let code = lines.iter().find_map(|line| line.code.as_deref());
        let code = code.map_or_else(String::new, |code| format!(" ({})", shortened(code)));
        let times = plural(u64::try_from(lines.len()).unwrap_or(u64::MAX), "time");
        paragraph(&format!("{times}: {meaning}{code}. {}", statuses.join(", ")), "  ", out)?;
        paragraph(
            &format!("{BOLD}To find out:{BOLD:#} {}.", words::open_question(known, *status)),
            "  ",
            out,
        )?;
    }
    take_a_capture(log, out)
}

/// How to take the capture that would tell the rest.
fn take_a_capture(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    let lines = log.joined.iter().chain(&log.unmatched);
    let mut backends: BTreeMap<Endpoint, u64> = BTreeMap::new();
    for backend in lines.filter_map(|line| line.backend) {
        let count = backends.entry(backend).or_default();
        *count = count.saturating_add(1);
    }
    heading("Take a capture", out)?;
    let text = "On the proxy's host or on the backend's, for longer than the longest keep-alive timeout, \
                until the error has happened again:";
    paragraph(text, "  ", out)?;
    if backends.is_empty() {
        paragraph(
            "(8080 stands for the port of the backends, which the log does not name)",
            "  ",
            out,
        )?;
    }
    writeln!(out, "\n    tcpdump -i any -s 0 -B 16384 -w 502.pcap '{}'", filter(&backends))?;
    let first = log.files.first().map_or("access.log", |file| file.path.as_str());
    writeln!(out, "    why502 analyze --access-log {first} 502.pcap")?;
    writeln!(out, "\n  or, with why502 on that host, to be told as it happens:")?;
    writeln!(
        out,
        "\n    sudo why502 live -i any {} --keep-evidence evidence",
        listeners(&backends)
    )?;
    Ok(())
}

/// The backends that failed most, as options.
fn listeners(backends: &BTreeMap<Endpoint, u64>) -> String {
    let named: Vec<String> =
        most(backends).iter().map(|backend| format!("--backend {backend}")).collect();
    if named.is_empty() { "--backend :8080".to_owned() } else { named.join(" ") }
}

/// The backends that failed most.
fn most(backends: &BTreeMap<Endpoint, u64>) -> Vec<Endpoint> {
    let mut most: Vec<(&Endpoint, &u64)> = backends.iter().collect();
    most.sort_by_key(|(backend, count)| (std::cmp::Reverse(**count), backend.to_string()));
    most.into_iter().take(4).map(|(backend, _)| *backend).collect()
}

/// What to capture: the backends that failed most, or all of the port.
fn filter(backends: &BTreeMap<Endpoint, u64>) -> String {
    let parts: Vec<String> = most(backends)
        .into_iter()
        .map(|Endpoint { addr, port }| format!("host {addr} and tcp port {port}"))
        .collect();
    match parts.as_slice() {
        [] => "tcp port 8080".to_owned(),
        [one] => one.clone(),
        // ICMP says why a host cannot be reached, and has no port.
        several => several.iter().map(|part| format!("({part})")).collect::<Vec<_>>().join(" or "),
    }
}

fn shortened(code: &str) -> String {
    const LONG: usize = 70;
    if code.chars().count() <= LONG {
        return code.to_owned();
    }
    let begin: String = code.chars().take(LONG).collect();
    format!("{begin}…")
}

fn names(files: &[LogFile]) -> String {
    match files {
        [one] => one.path.clone(),
        several => format!("{} logs", several.len()),
    }
}

/// The lines without a cause on the leg, and what was found out on the way.
pub fn section(report: &Report, all: bool, out: &mut dyn Write) -> io::Result<()> {
    if let Some(log) = &report.log
        && !report.captures.is_empty()
    {
        lines(log, all, out)?;
    }
    if let Some(front) = &report.front_leg {
        front_leg(front, out)?;
    }
    Ok(())
}

fn lines(log: &Log, all: bool, out: &mut dyn Write) -> io::Result<()> {
    let matched: Vec<String> =
        log.matched_by.iter().map(|(by, count)| format!("{count} by {}", by_text(by))).collect();
    if log.unmatched.is_empty() && matched.is_empty() {
        return Ok(());
    }
    heading("The proxy's log", out)?;
    if !matched.is_empty() {
        paragraph(&format!("lines matched to requests: {}", matched.join(", ")), "  ", out)?;
    }
    for file in &log.files {
        if let Some(clock) = &file.clock {
            let text = clock_text(clock);
            paragraph(&format!("{}: {text}", file.path), "  ", out)?;
        }
    }
    split(log, out)?;
    let shown = if all { log.unmatched.len() } else { SHOWN };
    for line in log.unmatched.iter().take(shown) {
        let status = line.status.map_or("-".to_owned(), |status| status.to_string());
        let request = [line.method.as_deref(), line.target.as_deref()];
        let request: Vec<&str> = request.into_iter().flatten().collect();
        let file = log.files.get(line.file).map_or("", |file| file.path.as_str());
        let at = clock(line.at);
        writeln!(out, "\n  {at}  {BOLD}{status}{BOLD:#}  {}", request.join(" "))?;
        writeln!(out, "      {DIM}{file}, line {}{DIM:#}", line.line)?;
        paragraph(&format!("{}.", line.text), "      ", out)?;
    }
    let rest = log.unmatched.len().saturating_sub(shown);
    if rest > 0 {
        writeln!(out, "\n  … and {rest} more: --all shows them.")?;
    }
    Ok(())
}

const fn by_text(by: MatchedBy) -> &'static str {
    match by {
        MatchedBy::Id => "request id",
        MatchedBy::SourcePort => "the proxy's port",
        MatchedBy::TargetAndTime => "path and time",
        MatchedBy::BackendAndTime | MatchedBy::FrontLegId | MatchedBy::FrontLegTime => {
            "backend and time"
        }
    }
}

fn clock_text(clock: &ClockRecord) -> String {
    let resolution = of_nanos(clock.resolution_ns);
    let stamps = if resolution.as_secs() == 1 {
        "timestamps are whole seconds".to_owned()
    } else {
        format!("timestamps of {}", setting(resolution))
    };
    if clock.by == ClockSource::Assumed {
        return format!(
            "its clock is assumed to be the capture's, as no line can show it ({stamps})"
        );
    }
    let (offset, spread) = (of_nanos(clock.offset_ns.unsigned_abs()), of_nanos(clock.spread_ns));
    let lines = plural(u64::try_from(clock.samples).unwrap_or(u64::MAX), "line");
    if offset <= spread {
        let within = duration(spread.max(offset));
        return format!("its clock is within {within} of the capture's, by {lines} ({stamps})");
    }
    let way = if clock.offset_ns >= 0 { "ahead of" } else { "behind" };
    let (offset, spread) = (duration(offset), duration(spread));
    format!("its clock is {offset} {way} the capture's (± {spread}), by {lines} ({stamps})")
}

/// A load balancer's times against the packets: where the time went, of the longest.
fn split(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    const LONGEST: usize = 3;
    let lines = log.joined.iter().chain(&log.unmatched);
    let mut timed: Vec<(&LogLine, LogTimes)> =
        lines.filter_map(|line| Some((line, line.times?))).collect();
    timed.retain(|(_, times)| times.target_ns.is_some() && times.waited_ns.is_some());
    timed.sort_by_key(|(_, times)| std::cmp::Reverse(times.target_ns));
    for (line, times) in timed.iter().take(LONGEST) {
        let show = |nanos: Option<u64>| duration(of_nanos(nanos.unwrap_or(0)));
        let end = if times.answered == Some(true) { "the response" } else { "the close" };
        let status = line.status.map_or("-".to_owned(), |status| status.to_string());
        let went = match times.in_server_ns {
            Some(_) => format!(
                "{} in the server, {} on the way, {} in the load balancer itself",
                show(times.in_server_ns),
                show(times.on_wire_ns),
                show(times.in_proxy_ns),
            ),
            None => format!("{} where the capture was taken", show(times.waited_ns)),
        };
        let text = format!(
            "line {} ({status}): {} in the load balancer until the request was sent, then {} until {end} by \
             its log, of which the packets show {went}",
            line.line,
            show(times.dispatch_ns),
            show(times.target_ns),
        );
        paragraph(&text, "  ", out)?;
    }
    Ok(())
}

fn front_leg(front: &FrontLegRecord, out: &mut dyn Write) -> io::Result<()> {
    heading("The proxy's client side", out)?;
    let statuses: Vec<String> =
        front.statuses.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    let listeners: Vec<String> = front.listeners.iter().map(Endpoint::to_string).collect();
    writeln!(
        out,
        "  {} to {}, {} matched to backend requests",
        plural(front.requests, "client request"),
        listeners.join(", "),
        if front.joined == front.requests { "all".to_owned() } else { front.joined.to_string() }
    )?;
    if !statuses.is_empty() {
        writeln!(out, "  clients got: {}", statuses.join(", "))?;
    }
    if let (Some(median), Some(most)) = (front.proxy_p50_ns, front.proxy_max_ns) {
        let (median, most) = (duration(of_nanos(median)), duration(of_nanos(most)));
        writeln!(out, "  the proxy itself took {median} (median), {most} at most")?;
    }
    Ok(())
}

/// What the client got of one failure.
pub fn client(client: &ClientRecord, report: &Report) -> String {
    let status = client.status.map_or("no status".to_owned(), |status| status.to_string());
    let after = client.latency_ns.map(|nanos| format!(" after {}", duration(of_nanos(nanos))));
    let path = |file: usize| {
        let file = report.log.as_ref().and_then(|log| log.files.get(file));
        file.map_or("the log", |file| file.path.as_str())
    };
    let source = client.line.map_or_else(
        || "from packets".to_owned(),
        |line| format!("{}, line {}", path(line.file), line.number),
    );
    let retried = match (client.retried, client.cost_ns) {
        (true, Some(cost)) => format!("; the proxy retried {} later", duration(of_nanos(cost))),
        (true, None) => "; the proxy retried".to_owned(),
        _ => String::new(),
    };
    let twice = if client.ran_twice { ", and may have run twice" } else { "" };
    let proxy =
        client.proxy_ns.map(|nanos| format!("; {} in the proxy itself", duration(of_nanos(nanos))));
    format!(
        "the client got {status}{}{retried}{twice}{} ({source}, by {})",
        after.unwrap_or_default(),
        proxy.unwrap_or_default(),
        by_words(client.matched_by)
    )
}

const fn by_words(by: ClientSource) -> &'static str {
    match by {
        ClientSource::Matched(MatchedBy::FrontLegId) => "request id",
        ClientSource::Matched(MatchedBy::FrontLegTime) => "path and time",
        ClientSource::Matched(by) => by_text(by),
        ClientSource::FrontLeg | ClientSource::Log => "backend and time",
    }
}

/// What limits the answer: files, their lines that could not be read, damage.
pub fn limits(log: &Log, out: &mut dyn Write) -> io::Result<()> {
    for file in &log.files {
        let format = file.format.map_or("of no known format", LogFormat::name);
        let local = if file.local_times { ", local times" } else { "" };
        let span = match (file.first, file.last) {
            (Some(first), Some(last)) => {
                format!(", {} to {}", clock(first), clock(last))
            }
            _ => String::new(),
        };
        let lines = plural(file.lines, "line");
        paragraph(&format!("{}: {lines} ({format}{local}){span}", file.path), "  ", out)?;
        if let Some(damage) = &file.damage {
            paragraph(&format!("{YELLOW}note:{YELLOW:#} {}: {damage}", file.path), "  ", out)?;
        }
        if file.unreadable > 0 {
            let lines = plural(file.unreadable, "line");
            let text = format!("{YELLOW}note:{YELLOW:#} {}: {lines} could not be read:", file.path);
            paragraph(&text, "  ", out)?;
            for unread in &file.unreadable_first {
                let length = plural(unread.length, "byte");
                let text = format!(
                    "line {} ({length}, {}): {}",
                    unread.line,
                    unread.shape,
                    unread.reason.reason()
                );
                paragraph(&text, "      ", out)?;
            }
        }
    }
    if log.errors_not_kept > 0 {
        let text = format!(
            "{YELLOW}note:{YELLOW:#} {} for which there was no room",
            plural(log.errors_not_kept, "error line")
        );
        paragraph(&text, "  ", out)?;
    }
    Ok(())
}
