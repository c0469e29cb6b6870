//! What a log without a capture allows to say, and how to take the capture that would tell the rest.

use super::log::meaning;
use super::log_section::{ErrorLines, error_lines, status_or_none};
use super::phrases::plural;
use crate::logs::Says;
use crate::packet::Endpoint;
use std::collections::BTreeMap;

/// What stands behind the first sentence.
pub const NO_CAPTURE: &str = "No capture was given: this is from the log alone.";

/// The heading of how to take one.
pub const TAKE_A_CAPTURE: &str = "Take a capture";

/// The heading where the log shows something already.
pub const CAPTURE_TO_PROVE: &str = "To prove it, take a capture";

/// Where to take it, and for how long.
pub const WHERE: &str = "On the proxy's host or on the backend's, for longer than the longest keep-alive timeout, \
                         until the error has happened again:";

/// Where to take it, and for how long, where the proxy is a cloud's.
pub const WHERE_IN_A_CLOUD: &str = "The load balancer cannot be captured: on a backend's host, for longer than the longest \
                                    keep-alive timeout, until the error has happened again:";

/// Where to take it where backends are a cloud's too.
pub const WHERE_IN_A_DYNO: &str = "Heroku's router cannot be captured. In the dyno, where tcpdump can be run there, or \
                                   not at all:";

/// Nothing that packets would show.
pub const NO_CAPTURE_NEEDED: &str =
    "No capture is needed: packets would not show more of these errors.";

/// What the commands have in place of a backend, where the log names none.
pub const PORT_STANDS_FOR: &str =
    "(8080 stands for the port of the backends, which the log does not name)";

/// What stands before the command that watches.
pub const OR_WATCH: &str = "or, with why502 on that host, to be told as it happens:";

/// Characters of the proxy's own words that are shown.
const LONG: usize = 70;

/// No line could be read, and, in the second part, what to do.
pub fn no_line_read(files: &str) -> [String; 2] {
    [
        format!("No line of {files} could be read"),
        "as a proxy's log: give its format with --log-format.".to_owned(),
    ]
}

/// How many lines are of errors.
pub fn errors(lines: &ErrorLines<'_>, requests: u64, files: &str) -> String {
    format!("{} among {} in {files}.", error_lines(lines), plural(requests, "request"))
}

/// A line that explains failures, and how many; one that explains none says what it means.
pub fn backend_out(
    (backend, says): (Option<Endpoint>, Option<Says>),
    code: &str,
    line: u64,
    failures: u64,
) -> String {
    let backend = backend.map_or_else(String::new, |backend| format!(", {backend}"));
    let code = shortened(code);
    if failures > 0 {
        return format!("{} by line {line}: {code}{backend}", plural(failures, "failure"));
    }
    let meaning = says.map_or("", meaning);
    format!(
        "Line {line} says that {meaning}: {code}{backend}. What failed then is in the proxy's log"
    )
}

/// Errors that are alike: why, as far as the log says it, in whose words, and what clients got of each.
pub fn alike(says: Option<Says>, code: Option<&str>, statuses: &[Option<u16>]) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for status in statuses {
        let count = counts.entry(status_or_none(*status)).or_default();
        *count = count.saturating_add(1);
    }
    let counts: Vec<String> =
        counts.iter().map(|(status, count)| format!("{status} × {count}")).collect();
    let meaning = says.map_or("the log has no reason", meaning);
    let code = code.map_or_else(String::new, |code| format!(" ({})", shortened(code)));
    let times = plural(u64::try_from(statuses.len()).unwrap_or(u64::MAX), "time");
    format!("{times}: {meaning}{code}. {}", counts.join(", "))
}

fn shortened(code: &str) -> String {
    if code.chars().count() <= LONG {
        return code.to_owned();
    }
    let begin: String = code.chars().take(LONG).collect();
    format!("{begin}…")
}

/// The command that captures what is spoken with these backends, or with all on one port.
pub fn capture(backends: &[Endpoint]) -> String {
    let host = |Endpoint { addr, port }: &Endpoint| format!("host {addr} and tcp port {port}");
    let filter = match backends {
        [] => "tcp port 8080".to_owned(),
        [one] => host(one),
        // ICMP says why a host cannot be reached, and has no port.
        several => {
            let each = several.iter().map(|backend| format!("({})", host(backend)));
            each.collect::<Vec<_>>().join(" or ")
        }
    };
    format!("tcpdump -i any -s 0 -B 16384 -w 502.pcap '{filter}'")
}

/// The command that joins a log with that capture.
pub fn analyze(log: Option<&str>) -> String {
    format!("why502 analyze --access-log {} 502.pcap", log.unwrap_or("access.log"))
}

/// The command that watches these backends, or all on one port.
pub fn watch(backends: &[Endpoint]) -> String {
    let named: Vec<String> =
        backends.iter().map(|backend| format!("--backend {backend}")).collect();
    let listeners = if named.is_empty() { "--backend :8080".to_owned() } else { named.join(" ") };
    format!("sudo why502 live -i any {listeners} --keep-evidence evidence")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_alone_shows_is_counted() {
        let statuses = BTreeMap::from([(Some(502), 3)]);
        let lines = ErrorLines { errors: 3, messages: 0, statuses: &statuses };
        assert_eq!(errors(&lines, 20, "a.log"), "3 lines with 502 among 20 requests in a.log.");
        assert_eq!(
            no_line_read("2 logs").join(" "),
            "No line of 2 logs could be read as a proxy's log: give its format with --log-format."
        );
    }

    #[test]
    fn errors_that_are_alike_are_told_with_the_proxys_own_words() {
        let statuses = [Some(504), None, Some(502), Some(504)];
        assert_eq!(
            alike(Some(Says::Timeout), Some("upstream timed out"), &statuses),
            "4 times: the backend did not answer in time (upstream timed out). 502 × 1, 504 × 2, no \
             status × 1"
        );
        assert_eq!(alike(None, None, &[Some(502)]), "1 time: the log has no reason. 502 × 1");
        let long = "x".repeat(LONG + 1);
        let shown = format!("1 time: its own rules ({}…). 503 × 1", &long[1..]);
        assert_eq!(alike(Some(Says::Proxy), Some(&long), &[Some(503)]), shown);
    }

    #[test]
    fn commands_name_the_backends_of_the_log() {
        let backends: Vec<Endpoint> = [("10.0.0.1", 80), ("fd00::2", 81)]
            .map(|(addr, port)| Endpoint { addr: addr.parse().unwrap(), port })
            .to_vec();
        let tcpdump = "tcpdump -i any -s 0 -B 16384 -w 502.pcap";
        assert_eq!(capture(&[]), format!("{tcpdump} 'tcp port 8080'"));
        assert_eq!(capture(&backends[..1]), format!("{tcpdump} 'host 10.0.0.1 and tcp port 80'"));
        assert_eq!(
            capture(&backends),
            format!(
                "{tcpdump} '(host 10.0.0.1 and tcp port 80) or (host fd00::2 and tcp port 81)'"
            )
        );
        assert_eq!(watch(&[]), "sudo why502 live -i any --backend :8080 --keep-evidence evidence");
        assert_eq!(
            watch(&backends),
            "sudo why502 live -i any --backend 10.0.0.1:80 --backend [fd00::2]:81 --keep-evidence evidence"
        );
        assert_eq!(analyze(None), "why502 analyze --access-log access.log 502.pcap");
        assert_eq!(analyze(Some("a.log")), "why502 analyze --access-log a.log 502.pcap");
    }
}
