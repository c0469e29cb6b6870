//! The page (`--html`): its headings, labels and sentences.

use super::headline::NOTHING_JUDGED;
use super::phrases::{bytes, duration, grouped, plural, plural_grouped, setting};
use crate::verdict::Cause;
use crate::words::fix::FixSide;
use std::time::Duration;

/// A part of a sentence: what is a side's own has the colour of that side through the whole page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PagePiece {
    /// As the rest.
    Plain(String),
    /// Of the proxy.
    Proxy(String),
    /// Of the backend.
    Backend(String),
    /// What the proof rests on.
    Strong(String),
}

use PagePiece::{Backend, Plain, Proxy};

/// A piece without a colour.
pub(super) fn plain(text: impl Into<String>) -> PagePiece {
    Plain(text.into())
}

/// How the two sides are called in sentences: `Node`, `the proxy`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SideNames {
    /// The proxy.
    pub proxy: String,
    /// The backend.
    pub backend: String,
}

impl SideNames {
    /// By what is known of them.
    pub fn of(proxy: Option<&str>, backend: Option<&str>) -> Self {
        let name = |name: Option<&str>, side: &str| name.unwrap_or(side).to_owned();
        Self { proxy: name(proxy, "the proxy"), backend: name(backend, "the backend") }
    }
}

/// Letters of a name for which there is room above a drawing.
const ROOM: usize = 18;

impl SideNames {
    /// The proxy's name, if there is room for it above a drawing.
    pub fn short_proxy(&self) -> &str {
        if self.proxy.chars().count() > ROOM { "the proxy" } else { &self.proxy }
    }

    /// The backend's name, likewise.
    pub fn short_backend(&self) -> &str {
        if self.backend.chars().count() > ROOM { "the backend" } else { &self.backend }
    }
}

/// With a capital letter, at the beginning of a sentence; names of programs stay as they are.
pub fn capital(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    if name.starts_with("the ") { format!("{first}{}", letters.as_str()) } else { name.to_owned() }
}

/// The headings, in the order of the page.
pub const WHAT_TO_CHANGE: &str = "What to change";
pub const WHY_IT_HAPPENS: &str = "Why it happens";
pub const WHAT_WAS_SEEN: &str = "What was seen";
pub const WHEN: &str = "When";
pub const WHAT_THIS_RESTS_ON: &str = "What this rests on";
pub const LOG_LINES: &str = "Lines of the log without a match in a capture";
pub const NOT_READ: &str = "What was not read";
pub const SKIP: &str = "Skip to the answer";
pub const AS_A_TABLE: &str = "The same as a table";
pub const COPY: &str = "Copy";
pub const COPY_FOR_A_TICKET: &str = "Copy for a ticket";
pub const DARK: &str = "Dark";
pub const FIND: &str = "Find";
pub const FIND_HINT: &str = "path, method, port";
pub const RECOMMENDED: &str = "first choice";
pub const IN_WIRESHARK: &str = "This connection, in Wireshark";
pub const PROOF_ALONE: &str = "The frames of the proof alone";
pub const FRAME: &str = "frame";

/// The heading of the failures.
pub fn failures_heading(count: usize) -> String {
    match count {
        1 => "The failure".to_owned(),
        count => format!("The {} failures, one by one", grouped(count as u64)),
    }
}

/// Where nothing was judged, that is the heading, and why the sentence behind it.
pub fn nothing_judged(text: &str) -> (String, Option<String>) {
    match text.split_once(": ") {
        Some((what, why)) if what == NOTHING_JUDGED => {
            (format!("{what}."), Some(capital_letter(why)))
        }
        _ => (text.to_owned(), None),
    }
}

/// More kinds of failures than are told of at the top.
pub fn more_kinds(count: usize) -> String {
    match count {
        1 => "And one more kind of failure, below.".to_owned(),
        count => format!("And {count} more kinds of failures, below."),
    }
}

/// With a capital letter, whatever it is.
pub fn capital_letter(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}

/// A number of a whole: `4 of 10`.
pub fn of(part: u64, whole: u64) -> String {
    format!("{} of {}", grouped(part), grouped(whole))
}

/// What the lead says of two timers: the backend's, as it was seen, and the proxy's, where one is known.
pub fn timers_lead(
    names: &SideNames,
    keepalive: Duration,
    proxy_idle: Option<Duration>,
    (count, cause): (u64, Option<Cause>),
) -> Vec<PagePiece> {
    let mut lead = vec![
        plain(format!("{} closes a connection that has been idle for ", capital(&names.backend))),
        Backend(setting_or_seen(keepalive)),
        plain(format!("; {} goes on using it", names.proxy)),
    ];
    if let Some(idle) = proxy_idle {
        lead.extend([plain(" for up to "), Proxy(setting_or_seen(idle))]);
    }
    lead.push(plain(". "));
    let once = count == 1;
    lead.push(plain(match cause {
        Some(Cause::KeepaliveRace) if once => {
            "Once a request met such a close on the way.".to_owned()
        }
        Some(Cause::KeepaliveRace) => {
            format!("{} requests met such a close on the way.", capital_count(count))
        }
        Some(Cause::StaleReuse) if once => {
            "Once a request was sent on a connection that was already closed.".to_owned()
        }
        Some(_) => {
            format!("{} requests came on a connection already closed.", capital_count(count))
        }
        None => "A request that comes at that moment fails. None did yet.".to_owned(),
    }));
    lead
}

/// Of a measured time, two digits tell enough in a sentence that everybody reads.
fn setting_or_seen(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.subsec_nanos() {
        0 => setting(time),
        _ if (1.0..10.0).contains(&seconds) => format!("{seconds:.1} s"),
        _ if (10.0..120.0).contains(&seconds) => format!("{seconds:.0} s"),
        _ => duration(time),
    }
}

fn capital_count(count: u64) -> String {
    let words = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
    let word = usize::try_from(count).ok().and_then(|count| words.get(count));
    word.map_or_else(|| grouped(count), |word| (*word).to_owned())
}

/// One of the four facts below the first sentence: a number, and what it counts.
pub struct PageFact {
    /// `4 of 10`.
    pub number: String,
    /// What that is.
    pub text: String,
}

fn fact(number: impl Into<String>, text: impl Into<String>) -> PageFact {
    PageFact { number: number.into(), text: text.into() }
}

/// How much was lost, `requests` of it on connections that were made.
pub fn lost(failed: u64, judged: u64, requests: u64) -> PageFact {
    let what = match requests {
        0 => "connections to the backend failed",
        some if some == failed => "requests to the backend failed",
        _ => "requests and connections to the backend failed",
    };
    fact(of(failed, judged), what)
}

/// How many probes failed.
pub fn checks_failed(failed: u64, of_all: u64) -> PageFact {
    fact(of(failed, of_all), "health checks failed")
}

/// What clients got, as the log or the front leg shows: errors, and what of the failures they did not see as such.
pub fn users_known(errors: u64, statuses: &[u16], [hidden, cut, left]: [u64; 3]) -> PageFact {
    let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
    let mut text = match statuses.as_slice() {
        [] => "errors (5xx) reached users".to_owned(),
        statuses => format!("reached users as {}", statuses.join(", ")),
    };
    let mut add = |count: u64, what: &str| {
        if count > 0 {
            text.push_str(&format!("; {} {what}", grouped(count)));
        }
    };
    add(hidden, "hidden by a retry");
    add(cut, "cut short");
    add(left, if left == 1 { "user left before" } else { "users left before" });
    fact(grouped(errors), text)
}

/// What clients got, as far as packets to the backend show.
pub fn users_likely(errors: u64, sent_again: u64) -> PageFact {
    let again = match sent_again {
        0 => String::new(),
        again => format!("; {} sent again and answered", grouped(again)),
    };
    fact(
        format!("{} likely", grouped(errors)),
        format!("seen by users{again}. The proxy’s log shows it: `--access-log`"),
    )
}

/// How sure it is: so many are proven, likely and possible.
pub fn proven([proven, likely, possible]: [u64; 3]) -> PageFact {
    let of_all = proven.saturating_add(likely).saturating_add(possible);
    let others = |text: &str, more: &[(u64, &str)]| {
        let more = more.iter().filter(|(count, _)| *count > 0);
        more.fold(text.to_owned(), |text, (count, how)| {
            format!("{text}; {} {how}", grouped(*count))
        })
    };
    match (proven, likely) {
        (0, 0) => fact(of(possible, of_all), "possible: the packets do not decide"),
        (0, likely) => {
            fact(of(likely, of_all), others("likely, by the packets", &[(possible, "possible")]))
        }
        (proven, likely) => {
            let more = [(likely, "likely"), (possible, "possible")];
            fact(of(proven, of_all), others("proven by the packets", &more))
        }
    }
}

/// Whether they may be sent again.
pub fn safe(safe: u64, of_all: u64) -> PageFact {
    let text = if safe == of_all {
        "can be sent again: not received by the backend"
    } else if safe == 0 {
        "known not to be received: send again only if idempotent"
    } else {
        "can be sent again; the others only if idempotent"
    };
    fact(of(safe, of_all), text)
}

/// Where something is to be changed.
pub const fn change_on(side: Option<FixSide>) -> &'static str {
    match side {
        Some(FixSide::Backend) => "On the backend",
        Some(FixSide::Proxy) => "In the proxy",
        Some(FixSide::Path) => "On the path",
        Some(FixSide::Server) => "In the backend’s server",
        None => "In the next capture",
    }
}

/// What people change in its place.
pub fn not_instead(what: &str) -> String {
    format!("Not instead: {what}.")
}

/// Where the setting stands.
pub fn place(place: &str) -> String {
    format!("Where: {place}.")
}

/// Why that value, or that side.
pub fn why(why: &str) -> String {
    format!("Why: {why}.")
}

/// What comes after the change.
pub const DID_IT_HELP: &str = "Did it help?";

/// What the histogram shows.
pub const IDLE_INTRO: &str = "How long connections were idle before they were used again.";

/// What the span in it is, where there is one.
pub const IDLE_SPAN: &str =
    "Whatever falls into the marked span meets a connection that the backend has closed.";

/// The name of the span between the timers.
pub const DANGER: [&str; 2] = ["already closed,", "still reused"];

/// What the backend does at its timer.
pub fn closes_at(name: &str) -> String {
    format!("{} closes", capital(name))
}

/// A timer, and how it is known.
pub fn timer(time: Duration, seen: Option<u64>) -> String {
    match seen {
        Some(times) => format!("{} · seen {}×", setting_or_seen(time), grouped(times)),
        None => format!("{} · configured or default", setting_or_seen(time)),
    }
}

/// The titles of the histogram's table.
pub const IDLE_COLUMNS: [&str; 3] = ["idle for", "answered", "lost"];

/// A range of the histogram.
pub fn range(from: Duration, to: Option<Duration>) -> String {
    match to {
        Some(to) => format!("{} to {}", tick(from), tick(to)),
        None => format!("{} and more", tick(from)),
    }
}

/// A time at an axis: `0.1 s`, `500 ms`.
pub fn tick(time: Duration) -> String {
    let nanos = time.as_nanos();
    // Half units read better than a thousand and a half of the next.
    let whole = |unit: u128, name: &str| {
        let tenths = nanos.saturating_mul(10);
        let is_tenth = nanos >= unit && tenths.checked_rem(unit) == Some(0);
        is_tenth.then(|| {
            let tenths = tenths.checked_div(unit).unwrap_or(0);
            match (tenths / 10, tenths % 10) {
                (whole, 0) => format!("{whole} {name}"),
                (whole, tenth) => format!("{whole}.{tenth} {name}"),
            }
        })
    };
    if nanos == 0 {
        return "0".to_owned();
    }
    whole(60_000_000_000, "min")
        .or_else(|| whole(1_000_000_000, "s"))
        .or_else(|| whole(1_000_000, "ms"))
        .or_else(|| whole(1_000, "µs"))
        .unwrap_or_else(|| duration(time))
}

/// What the histogram says, for who does not see it.
pub fn histogram_described(
    answered: u64,
    lost: u64,
    keepalive: Option<Duration>,
    proxy_idle: Option<Duration>,
) -> String {
    let mut text =
        format!("Idle times before reuse: {} answered, {} lost.", grouped(answered), grouped(lost));
    if let Some(time) = keepalive {
        text.push_str(&format!(" The backend closes at {}.", setting_or_seen(time)));
    }
    if let Some(time) = proxy_idle {
        text.push_str(&format!(" The proxy closes at {}.", setting_or_seen(time)));
    }
    text
}

/// What explains a cause, in place of the idle times.
pub const fn lanes_intro(cause: Cause) -> &'static str {
    match cause {
        Cause::ResponseTimeout | Cause::Stalled | Cause::ClientGone => {
            "How long each request waited, from its first byte on, and who closed then."
        }
        Cause::ConnectionRefused | Cause::Unreachable | Cause::HealthCheckFailing => {
            "How soon each connection attempt was turned down, from its SYN on."
        }
        Cause::ConnectTimeout => {
            "When the SYN of each connection attempt was sent, and sent again."
        }
        Cause::ProtocolMismatch | Cause::TlsHandshakeFailed => {
            "What came after the proxy’s first bytes on each connection."
        }
        Cause::KeepaliveRace
        | Cause::StaleReuse
        | Cause::ClosedInFlight
        | Cause::ResetInFlight
        | Cause::TruncatedResponse
        | Cause::AcceptQueueFull
        | Cause::SilentDrop
        | Cause::UploadCutShort
        | Cause::InvalidResponse
        | Cause::BackendError
        | Cause::Unproven => "What came after each request, from its first byte on.",
    }
}

/// The titles of that figure's table.
pub const LANE_COLUMNS: [&str; 3] = ["request", "after", "what came"];

/// More of them than the figure shows.
pub fn more_lanes(more: usize) -> String {
    format!("The first of them; {} more like these.", grouped(more as u64))
}

/// What the strip shows: requests, beside them connections that failed.
pub fn strip_intro([requests, connects]: [u64; 2], failed: u64, span: Duration) -> String {
    let what = match (requests, connects) {
        (0, _) => plural_grouped(connects, "connection"),
        (_, 0) => plural_grouped(requests, "request"),
        _ => format!(
            "{} and {}",
            plural_grouped(requests, "request"),
            plural_grouped(connects, "failed connection")
        ),
    };
    let failed = match (failed, requests.min(connects)) {
        (0, _) => "none failed".to_owned(),
        (failed, 0) => format!("{} failed", grouped(failed)),
        (failed, _) => format!("{} failures", grouped(failed)),
    };
    format!("{what}, {failed} in {}.", rough(span))
}

/// A long time, roughly.
pub fn rough(span: Duration) -> String {
    match span.as_secs() {
        0..=119 => plural(span.as_secs().max(1), "second"),
        seconds @ 120..=7_199 => plural(seconds / 60, "minute"),
        seconds @ 7_200..=172_799 => plural(seconds / 3_600, "hour"),
        seconds => plural(seconds / 86_400, "day"),
    }
}

/// Answered, at a legend.
pub fn answered_key(count: u64) -> String {
    format!("answered ({})", grouped(count))
}

/// Lost, at a legend.
pub fn lost_key(count: u64) -> String {
    format!("failed ({})", grouped(count))
}

/// What the axis of the histogram is.
pub const LOGARITHMIC: &str = "idle time, logarithmic";

/// A user got this.
pub fn user_got(status: u16) -> String {
    format!("user got {status}")
}

/// A user got a part of it.
pub fn user_got_cut(status: u16) -> String {
    format!("user got {status}, cut short")
}

/// A user never saw the failure.
pub fn hidden_by_retry(status: u16) -> String {
    format!("hidden: sent again, {status}")
}

/// A backend's own error, which goes through the proxy as it is.
pub fn backend_answered(status: u16) -> String {
    format!("answered {status}")
}

/// A user got nothing.
pub const USER_GOT_NOTHING: &str = "user got no answer";

/// A user did not wait.
pub const USER_LEFT: &str = "user left";

/// What users saw, as far as packets to the backend show.
pub fn sent_again_pill(status: Option<u16>) -> String {
    status.map_or_else(|| "sent again".to_owned(), |status| format!("sent again: {status}"))
}

/// Nothing shows that it was sent again.
pub const NOT_SENT_AGAIN: &str = "not sent again";

/// The filters by what users saw.
pub const FILTER_ALL: &str = "All";
pub const FILTER_USERS: &str = "Users saw";
pub const FILTER_LEFT: &str = "Users left";
pub const FILTER_HIDDEN: &str = "Hidden by a retry";
pub const FILTER_NOT_AGAIN: &str = "Not sent again";
pub const FILTER_AGAIN: &str = "Sent again";
pub const CAUSE_LABEL: &str = "Cause";
pub const BACKEND_LABEL: &str = "Backend";
pub const EVERY: &str = "all";

/// Failures of which the page has no drawing.
pub fn rows_intro(count: usize) -> String {
    format!(
        "{} more, without a drawing. why502 analyze --format json has all of each.",
        grouped(count as u64)
    )
}

/// A connection on which nothing was asked, by the end that it comes from.
pub fn connection_from(end: &str) -> String {
    format!("connection from {end}")
}

/// A request of which nothing could be read.
pub const UNREAD_REQUEST: &str = "request that could not be read";

/// The captures that were read.
pub const CAPTURES: &str = "Captures";
pub const LOG: &str = "Log";
pub const MEASURED: &str = "Measured";
pub const CONFIGURED: &str = "Configured";
pub const GUESSED: &str = "Likely";
pub const CAPTURE_POINT: &str = "Capture point";
pub const NOTES: &str = "Notes";

/// A capture of so many frames.
pub fn capture(path: &str, frames: u64) -> String {
    format!("{path}: {}", plural_grouped(frames, "frame"))
}

/// A log of so many lines.
pub fn log_file(path: &str, lines: u64) -> String {
    format!("{path}: {}", plural_grouped(lines, "line"))
}

/// Whose timer it is.
pub fn timer_of(timer: &str, whose: &str) -> String {
    format!("{timer} timeout of {whose}")
}

/// A timer as it was seen.
pub fn measured(what: &str, time: Duration, range: Option<(Duration, Duration)>, n: u64) -> String {
    let range = range.map_or_else(String::new, |(low, high)| {
        format!("{} to {}, ", duration(low), duration(high))
    });
    format!("{what}: {} ({range}{})", duration(time), plural_grouped(n, "close"))
}

/// A timer as it was configured, or is by default.
pub fn configured(what: &str, time: Duration) -> String {
    format!("{what}: {}", setting(time))
}

/// What is known of a program by its headers alone.
pub fn guessed(side: &str, name: &str) -> String {
    format!("{side} is {name}, by its headers")
}

/// The last line.
pub fn made_by(version: &str) -> String {
    format!(
        "Made by why502 {version}. Bodies and header values are not in this page. The report is in it as JSON:"
    )
}

/// The report in the page is not whole.
pub fn shortened(count: usize) -> String {
    format!("Of {} in it the frames are left out.", plural_grouped(count as u64, "failure"))
}

/// A close, in a lane.
pub fn lane_end(by_proxy: bool, reset: bool) -> &'static str {
    match (by_proxy, reset) {
        (true, false) => "proxy closes",
        (true, true) => "proxy resets",
        (false, false) => "backend closes",
        (false, true) => "backend resets",
    }
}

/// What stands in a lane besides closes.
pub const LANE_ACK: &str = "backend acknowledges";
pub const LANE_RESPONSE: &str = "response";
pub const LANE_SYN: &str = "SYN";
pub const LANE_AGAIN: &str = "sent again";
pub const LANE_ICMP: &str = "ICMP error";
pub const LANE_ALERT: &str = "TLS alert";

/// The proxy's read timeout, at a figure.
pub fn read_timeout(time: Duration) -> String {
    format!("read timeout {}", setting_or_seen(time))
}

/// What answers there were, by status.
pub const STATUS_INTRO: &str = "What the backend answered, by status.";

/// Bytes that came of a response, and were announced.
pub fn part_of(received: u64, expected: Option<u64>) -> String {
    match expected {
        Some(expected) => format!("{} of {}", bytes(received), bytes(expected)),
        None => bytes(received),
    }
}

/// What the response lanes show.
pub const CUT_INTRO: &str =
    "How much of each response came before the close, of what was announced.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        let said = [0, 999, 1_000, 98_225, 1_234_567].map(grouped);
        assert_eq!(said, ["0", "999", "1,000", "98,225", "1,234,567"]);
        let nanos = [0, 200_000_000, 1_000_000_000, 120_000_000_000, 50_000];
        let said = nanos.map(Duration::from_nanos).map(tick);
        assert_eq!(said, ["0", "200 ms", "1 s", "2 min", "50 µs"]);
        let said = [1_500_000_000, 2_500_000].map(Duration::from_nanos).map(tick);
        assert_eq!(said, ["1.5 s", "2.5 ms"]);
    }

    #[test]
    fn names_of_programs_keep_their_letters() {
        assert_eq!(capital("the proxy"), "The proxy");
        assert_eq!(capital("nginx"), "nginx");
    }
}
