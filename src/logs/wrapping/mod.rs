//! What others put around a proxy's line: the runtime of containers, syslog and journald, collectors of logs,
//! terminals. One layer is taken off at a time; what is inside may be wrapped again.

mod containers;
mod envelope;
mod syslog;
mod terminal;
mod unwrapped;

use super::times::LogTime;
use std::borrow::Cow;
use std::cell::OnceCell;
pub(super) use unwrapped::{OutputStream, SplitLine, Unwrapped};

/// More layers than anybody puts around a line.
pub(super) const LAYERS: usize = 6;

/// Takes off the outermost layer; `None` where there is none that is known.
pub(super) fn peel(line: &[u8]) -> Option<Unwrapped<'_>> {
    terminal::peel(line)
        .or_else(|| envelope::peel(line))
        .or_else(|| containers::peel(line))
        .or_else(|| syslog::peel(line))
        .or_else(|| containers::peel_time(line))
}

/// Part of a split line; `None` where no runtime of containers wrote it.
pub(super) fn part(line: &[u8]) -> Option<SplitLine<'_>> {
    containers::part(line).or_else(|| envelope::part(line))
}

/// A line, and what is inside of it, layer by layer, as far as somebody looks.
#[derive(Debug)]
pub(super) struct Layers<'l> {
    line: Unwrapped<'l>,
    inside: [OnceCell<Option<Unwrapped<'l>>>; LAYERS],
}

impl<'l> Layers<'l> {
    pub(super) fn new(line: Unwrapped<'l>) -> Self {
        Self { line, inside: Default::default() }
    }

    /// What is inside of so many layers.
    pub(super) fn text(&self, depth: usize) -> Option<&[u8]> {
        self.layer(depth).map(|layer| layer.text.as_ref())
    }

    /// The time that is nearest to what is inside of so many layers.
    pub(super) fn time(&self, depth: usize) -> Option<LogTime> {
        (0..=depth).rev().find_map(|depth| self.layer(depth)?.at)
    }

    /// The text inside of all layers.
    pub(super) fn innermost(&self) -> &[u8] {
        (0..=LAYERS).rev().find_map(|depth| self.text(depth)).unwrap_or_default()
    }

    /// Whether the text of any layer is of a kind.
    pub(super) fn any(&self, kind: fn(&[u8]) -> bool) -> bool {
        (0..=LAYERS).map_while(|depth| self.text(depth)).any(kind)
    }

    fn layer(&self, depth: usize) -> Option<&Unwrapped<'l>> {
        let Some(outside) = depth.checked_sub(1) else { return Some(&self.line) };
        let inside = self.inside.get(outside)?.get_or_init(|| match &self.layer(outside)?.text {
            Cow::Borrowed(text) => peel(text),
            Cow::Owned(text) => peel(text).map(Unwrapped::into_owned),
        });
        inside.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The innermost text, and the time of the innermost layer that has one.
    fn innermost(line: &[u8]) -> (String, Option<u64>) {
        let (mut text, mut at) = (line.to_vec(), None);
        for _ in 0..LAYERS {
            let Some(inside) = peel(&text) else { break };
            at = inside.at.map(|at| at.at.as_nanos() / 1_000_000_000).or(at);
            text = inside.text.into_owned();
        }
        (String::from_utf8(text).unwrap(), at)
    }

    const BARE: &str =
        r#"192.0.2.10 - - [27/Nov/2026:06:47:52 +0000] "GET /ok?n=1 HTTP/1.1" 200 3"#;

    #[test]
    fn each_wrapping_is_taken_off() {
        let quoted = BARE.replace('"', "\\\"");
        for line in [
            format!("2026-11-27T06:43:35.123456789Z stdout F {BARE}"),
            format!(
                r#"{{"log": "{quoted}\n", "stream": "stdout", "time": "2026-11-27T06:43:35.123456789Z"}}"#
            ),
            format!(
                r#"{{"stream":"stdout","logtag":"F","log":"{quoted}","kubernetes":{{"pod_name":"p"}},"time":"2026-11-27T06:43:35Z"}}"#
            ),
            format!(
                r#"{{"timestamp": 1795761815123, "message": "{quoted}", "ingestionTime": 1795761820000}}"#
            ),
            format!(
                r#"{{"labels":{{"app":"proxy"}},"line":"{quoted}","timestamp":"2026-11-27T06:43:35.1Z"}}"#
            ),
            format!(
                r#"{{"__REALTIME_TIMESTAMP":"1795761815123456","_HOSTNAME":"lb1","MESSAGE":"{quoted}"}}"#
            ),
            format!(
                r#"{{"_index":"x","_source":{{"@timestamp":"2026-11-27T06:43:35Z","message":"{quoted}"}}}}"#
            ),
            format!("2026-11-27T06:43:35.123Z {BARE}"),
            format!(
                "<190>1 2026-11-27T06:43:35.123456Z lb1 nginx 1201 - [meta sequenceId=\"0\"] {BARE}"
            ),
            format!("<190>1 2026-11-27T06:43:35Z lb1 nginx 1201 - - {BARE}"),
            format!("2026-11-27T06:43:35.123456+00:00 lb1 nginx[12]: {BARE}"),
            format!("2026-11-27T06:43:35+0000 lb1 nginx: {BARE}"),
        ] {
            assert_eq!(
                innermost(line.as_bytes()),
                (BARE.to_owned(), Some(1_795_761_815)),
                "{line}"
            );
        }
        for line in [
            format!("\x1b[32mproxy-1  |\x1b[0m {BARE}"),
            format!("proxy-1  | {BARE}"),
            format!("[pod/proxy-7d9f8b6c5-abcde/nginx] {BARE}"),
            format!("<190>Nov 27 06:43:35 lb1 nginx: {BARE}"),
            format!("Nov 27 06:43:35 lb1 nginx[1201]: {BARE}"),
            format!("Feb  6 12:14:14 nginx[1201]: {BARE}"),
            format!("\u{feff}{BARE}"),
            BARE.to_owned(),
        ] {
            assert_eq!(innermost(line.as_bytes()), (BARE.to_owned(), None), "{line}");
        }
    }

    #[test]
    fn layers_lie_in_each_other() {
        let quoted = format!("2026-11-27T06:43:36Z stderr F {BARE}").replace('"', "\\\"");
        let line = format!(r#"proxy | {{"message": "{quoted}"}}"#);
        assert_eq!(innermost(line.as_bytes()), (BARE.to_owned(), Some(1_795_761_816)));
    }

    #[test]
    fn a_split_line_says_so() {
        let split = part(b"2026-11-27T06:43:35.1Z stdout P begin of").unwrap();
        assert!(
            split.goes_on
                && split.stream == OutputStream::Output
                && split.text.as_ref() == b"begin of"
        );
        assert!(!part(b"2026-11-27T06:43:35.1Z stderr F end").unwrap().goes_on);
        let long = "x".repeat(16 << 10);
        let split =
            format!(r#"{{"log":"{long}","stream":"stderr","time":"2026-11-27T06:43:35Z"}}"#);
        assert!(part(split.as_bytes()).unwrap().goes_on);
        let whole =
            format!(r#"{{"log":"{long}\n","stream":"stderr","time":"2026-11-27T06:43:35Z"}}"#);
        assert!(!part(whole.as_bytes()).unwrap().goes_on);
        assert!(part(br#"{"log":"x","stream":"stdout","logtag":"P"}"#).unwrap().goes_on);
        assert!(part(BARE.as_bytes()).is_none() && part(b"{").is_none() && part(b"").is_none());
    }

    #[test]
    fn nothing_is_taken_off_what_is_not_wrapped() {
        for line in [
            r#"{"status":502,"request":"GET / HTTP/1.1","time":"2026-11-27T06:43:35Z"}"#,
            "GET / 502 | x",
            "a: b",
            "",
            "{",
            "<>",
            "<190>",
            "[pod/x",
            "Nov 27",
            "2026-11-27T06:43:35.123Z",
        ] {
            assert_eq!(innermost(line.as_bytes()).0, line);
        }
    }
}
