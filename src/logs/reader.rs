//! Reads the lines of one log: finds out what they are wrapped in and which format they have.

use super::formats::w3c::W3cColumns;
use super::wrapping::{self, Layers, OutputStream, Unwrapped};
use super::{Entry, FormatString, LineError, LineRead, LogFormat, formats, known_formats};
use std::borrow::Cow;

/// Reads the lines of one log.
#[derive(Clone, Debug, Default)]
pub struct LogReader {
    told: Option<LogFormatChoice>,
    /// What lines were so far; those tried first stand first.
    found: Vec<FoundFormat>,
    /// The begins of lines that a runtime of containers split, of its two streams.
    parts: [HeldLine; 2],
    /// A message that goes on in the lines below it.
    open: HeldLine,
    /// What the file says of its columns.
    columns: W3cColumns,
    /// The last line was understood: what is indented below it belongs to it.
    understood: bool,
}

/// Takes a line: its number, its text, and what it came to.
pub type TakeLine<'t> = dyn FnMut(u64, &[u8], LineRead<'_>) + 't;

/// A format that a line had, within so many layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct FoundFormat {
    format: LogFormat,
    depth: usize,
    /// So many lines had it.
    lines: u64,
}

/// What is held of a line until the rest of it comes.
#[derive(Clone, Debug, Default)]
struct HeldLine {
    /// Where it began; 0 when nothing is held.
    number: u64,
    text: Vec<u8>,
}

/// More kinds of lines than programs write into one file.
const KINDS: usize = 8;
/// Of what is held so much is kept.
const LONGEST: usize = 64 << 10;

/// What `--log-format` told.
#[derive(Clone, Debug)]
pub enum LogFormatChoice {
    /// A name.
    Named(LogFormat),
    /// A format string.
    Pattern(FormatString),
}

impl LogReader {
    /// A reader of what was told, or of what it finds.
    pub fn new(told: Option<LogFormatChoice>) -> Self {
        Self { told, ..Self::default() }
    }

    /// The format of most lines understood so far.
    pub fn format(&self) -> Option<LogFormat> {
        match &self.told {
            Some(LogFormatChoice::Named(format)) => Some(*format),
            Some(LogFormatChoice::Pattern(_)) => Some(LogFormat::Told),
            None => self.found.iter().max_by_key(|found| found.lines).map(|found| found.format),
        }
    }

    /// Reads the line of this number, without its end. `each` is told of every line that this made whole: the number at
    /// which it begins, its text, and what it came to. A line may be held until others have come.
    pub fn read(&mut self, number: u64, line: &[u8], each: &mut TakeLine<'_>) {
        let line = line.trim_ascii_end();
        if line.is_empty() || line.starts_with(b"#") {
            self.columns.directive(line);
            return each(number, line, Ok(None));
        }
        let Some((number, line)) = self.whole(number, line) else { return };
        let plain = self.open.number == 0 && !formats::nginx::may_be_open(&line.text);
        let layers = Layers::new(line);
        if !plain && self.hold(number, layers.innermost(), each) {
            return;
        }
        self.tell(number, &layers, each);
    }

    /// Holds a line of a message that has several; `each` is told of the message when it is over. `false` where the line
    /// is of none.
    fn hold(&mut self, number: u64, inside: &[u8], each: &mut TakeLine<'_>) -> bool {
        let full = self.open.text.len() >= LONGEST;
        if self.open.number != 0 && !full && !formats::nginx::begins_message(inside) {
            self.open.add(number, b"\n");
            self.open.add(number, inside);
            if !formats::nginx::is_open(&self.open.text) {
                self.close(each);
            }
            return true;
        }
        self.close(each);
        let opens = formats::nginx::is_open(inside);
        if opens {
            self.open.add(number, inside);
        }
        opens
    }

    /// No line follows: `each` is told of what was held.
    pub fn finish(&mut self, each: &mut TakeLine<'_>) {
        self.close(each);
        for stream in 0..self.parts.len() {
            let held = self.parts.get_mut(stream).map(std::mem::take).unwrap_or_default();
            if held.number != 0 {
                let text = Unwrapped { text: Cow::Owned(held.text), at: None };
                self.tell(held.number, &Layers::new(text), each);
            }
        }
    }

    /// Tells of the message that was open.
    fn close(&mut self, each: &mut TakeLine<'_>) {
        let open = std::mem::take(&mut self.open);
        if open.number != 0 {
            let text = Unwrapped { text: Cow::Owned(open.text), at: None };
            self.tell(open.number, &Layers::new(text), each);
        }
    }

    fn tell(&mut self, number: u64, layers: &Layers<'_>, each: &mut TakeLine<'_>) {
        let read = self.understand(layers);
        each(number, layers.text(0).unwrap_or_default(), read);
    }

    /// The whole line, where it was split, and where it began; `None` where more of it follows.
    fn whole<'l>(&mut self, number: u64, line: &'l [u8]) -> Option<(u64, Unwrapped<'l>)> {
        let Some(part) = wrapping::part(line) else {
            return Some((number, Unwrapped { text: Cow::Borrowed(line), at: None }));
        };
        let held = self.parts.get_mut(usize::from(part.stream == OutputStream::Error))?;
        if part.goes_on {
            held.add(number, &part.text);
            return None;
        }
        if held.number == 0 {
            return Some((number, Unwrapped { text: part.text, at: part.at }));
        }
        held.add(number, &part.text);
        let HeldLine { number, text } = std::mem::take(held);
        Some((number, Unwrapped { text: Cow::Owned(text), at: part.at }))
    }

    /// What a line says, within whatever it is wrapped.
    fn understand<'t>(&mut self, layers: &'t Layers<'_>) -> LineRead<'t> {
        let read = if self.told.is_some() { self.as_told(layers) } else { self.as_found(layers) };
        self.understood = match &read {
            Ok(_) => true,
            Err(_) => self.understood && formats::program::goes_on(layers.innermost()),
        };
        match read {
            Err(_) if self.understood => Ok(None),
            Err(_) if layers.any(formats::program::is_line) => {
                self.understood = true;
                Ok(None)
            }
            read => read,
        }
    }

    fn as_told<'t>(&self, layers: &'t Layers<'_>) -> LineRead<'t> {
        let read = |text: &'t [u8]| match &self.told {
            Some(LogFormatChoice::Named(format)) => {
                known_formats::read(*format, text, &self.columns)
            }
            Some(LogFormatChoice::Pattern(pattern)) => match pattern.fields(text) {
                Some((fields, _)) => fields.entry().map(Some).map_err(LineError::from),
                None => Err(LineError::OtherFormat),
            },
            None => Err(LineError::OtherFormat),
        };
        let mut first = Err(LineError::OtherFormat);
        for depth in 0..=wrapping::LAYERS {
            let Some(text) = layers.text(depth) else { break };
            match read(text) {
                Ok(Some(entry)) => return Ok(Some(timed(entry, layers, depth))),
                other if depth == 0 => first = other,
                Ok(None) if first.is_err() => first = Ok(None),
                _ => {}
            }
        }
        first
    }

    fn as_found<'t>(&mut self, layers: &'t Layers<'_>) -> LineRead<'t> {
        let mut reason = LineError::Unknown;
        for at in 0..self.found.len() {
            let Some(FoundFormat { format, depth, .. }) = self.found.get(at).copied() else {
                break;
            };
            let Some(text) = layers.text(depth) else { continue };
            match known_formats::read(format, text, &self.columns) {
                Ok(Some(entry)) => {
                    self.note(format, depth);
                    return Ok(Some(timed(entry, layers, depth)));
                }
                // Of no request, as that format has it; it may explain others all the same.
                Ok(None) => {
                    let format = LogFormat::Explaining;
                    let explains = known_formats::read(format, text, &self.columns);
                    return Ok(explains.ok().flatten().map(|one| timed(one, layers, depth)));
                }
                Err(other) if at == 0 => reason = other,
                Err(_) => {}
            }
        }
        // What is strict is not deceived by what a line is wrapped in.
        let mut nothing = None;
        for depth in 0..=wrapping::LAYERS {
            let Some(text) = layers.text(depth) else { break };
            for format in LogFormat::ALL.into_iter().filter(|format| !format.is_loose()) {
                match known_formats::read(format, text, &self.columns) {
                    Ok(Some(entry)) => {
                        self.note(format, depth);
                        return Ok(Some(timed(entry, layers, depth)));
                    }
                    Ok(None) => nothing = nothing.or(Some((format, depth))),
                    Err(_) => {}
                }
            }
        }
        if let Some((format, depth)) = nothing {
            self.note(format, depth);
            return Ok(None);
        }
        for depth in (0..=wrapping::LAYERS).rev() {
            let Some(text) = layers.text(depth) else { continue };
            for format in LogFormat::ALL.into_iter().filter(|format| format.is_loose()) {
                if let Ok(entry) = known_formats::read(format, text, &self.columns) {
                    self.note(format, depth);
                    return Ok(entry.map(|entry| timed(entry, layers, depth)));
                }
            }
        }
        Err(reason)
    }

    /// A line had this format: the next ones may have it too. Loose ones are tried behind the strict.
    fn note(&mut self, format: LogFormat, depth: usize) {
        let same = |one: &FoundFormat| one.format == format && one.depth == depth;
        let at = self.found.iter().position(same);
        if at == Some(0) {
            if let Some(first) = self.found.first_mut() {
                first.lines = first.lines.saturating_add(1);
            }
            return;
        }
        let mut one = match at {
            Some(at) => self.found.remove(at),
            None => FoundFormat { format, depth, lines: 0 },
        };
        one.lines = one.lines.saturating_add(1);
        let strict = |one: &FoundFormat| !one.format.is_loose();
        let at = if strict(&one) { 0 } else { self.found.partition_point(strict) };
        self.found.insert(at, one);
        self.found.truncate(KINDS);
    }
}

impl HeldLine {
    /// Adds what belongs to it, as far as there is room.
    fn add(&mut self, number: u64, text: &[u8]) {
        if self.number == 0 {
            self.number = number;
        }
        let room = LONGEST.saturating_sub(self.text.len()).min(text.len());
        self.text.extend_from_slice(text.get(..room).unwrap_or_default());
    }
}

/// An entry that has no time of its own has that of what it was wrapped in: it was written when it was over.
fn timed<'t>(mut entry: Entry<'t>, layers: &Layers<'_>, depth: usize) -> Entry<'t> {
    if !entry.has_time()
        && let Some(when) = layers.time(depth)
    {
        entry.ended = Some(when.at);
        entry.resolution = when.resolution;
        entry.local = when.local;
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Says;

    /// What lines come to: where each begins, and its status, or why it was not understood.
    fn read(reader: &mut LogReader, lines: &[&str]) -> Vec<(u64, Result<Option<u16>, LineError>)> {
        let mut found = Vec::new();
        let mut each = |number, _: &[u8], read: LineRead<'_>| {
            found.push((number, read.map(|entry| entry.and_then(|entry| entry.status))));
        };
        for (number, line) in (1..).zip(lines) {
            reader.read(number, line.as_bytes(), &mut each);
        }
        reader.finish(&mut each);
        found
    }

    fn format_of(line: &str) -> Option<&'static str> {
        let mut reader = LogReader::default();
        let read = read(&mut reader, &[line]);
        matches!(read.as_slice(), [(_, Ok(_))]).then_some(())?;
        reader.format().map(LogFormat::name)
    }

    #[test]
    fn formats_are_known_by_their_lines() {
        for (line, name) in [
            (
                r#"10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1""#,
                "haproxy",
            ),
            (
                r#"Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 503 2750 - - SC-- 1/1/1/1/0 0/0 "GET /index.html HTTP/1.1""#,
                "haproxy",
            ),
            (
                r#"[2016-04-15T20:17:00.310Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "10.0.0.1:80""#,
                "envoy",
            ),
            (
                r#"[2024-06-20T08:00:00.000Z] "GET / HTTP/1.1" 503 UC upstream_reset_before_response_started{connection_termination} - "-" 138 95 120001 - "-" "curl" "id-1" "host" "10.0.0.1:8080" inbound|8080|| 127.0.0.6:58719 10.0.0.1:8080 10.0.0.9:41000 - default"#,
                "istio",
            ),
            (
                r#"192.168.1.1 - - [20/Nov/2026:16:25:22 +0000] "GET /a HTTP/1.1" 502 157 "-" "curl/8" 120 0.003 [ns-svc-80] [] 10.0.0.1:80, 10.0.0.2:80 0, 157 0.001, 0.002 502, 502 0123456789abcdef"#,
                "ingress-nginx",
            ),
            (
                r#"192.168.1.1 - bob [20/Nov/2026:16:25:22 +0000] "GET /a HTTP/1.1" 502 157 "-" "curl/8""#,
                "combined",
            ),
            (
                r#"192.168.1.1 - - [20/Nov/2026:16:25:22 +0000] "GET /a HTTP/1.1" 502 157"#,
                "combined",
            ),
            (r#"1795191862.648 id=x GET /destroy 502 0.199"#, "labelled"),
        ] {
            assert_eq!(format_of(line), Some(name), "{line}");
        }
        assert_eq!(format_of("what is this"), None);
    }

    #[test]
    fn the_upstream_address_of_envoy_is_the_key_to_the_connection() {
        let line = r#"[2024-06-20T08:00:00.000Z] "GET / HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111} - "delayed connect error: 111" 138 95 1 - "-" "curl" "id-1" "host" "10.0.0.1:8080" outbound|8080||h 10.0.0.9:58719 10.0.0.1:8080 10.0.0.9:41000 - default"#;
        let mut reader = LogReader::default();
        let mut port = None;
        reader.read(1, line.as_bytes(), &mut |_, _, entry| {
            let entry = entry.unwrap().unwrap();
            assert_eq!(entry.says, Some(Says::Refused));
            port = entry.source.map(|source| source.port());
        });
        assert_eq!(port, Some(58719));
    }

    #[test]
    fn a_log_that_changes_its_format_is_read_on() {
        let mut reader = LogReader::default();
        let combined =
            r#"1.2.3.4 - - [20/Nov/2026:16:25:22 +0000] "GET /a HTTP/1.1" 502 157 "-" "curl/8""#;
        let labelled = "1795191862.648 GET /destroy 502";
        let wanted = [(1, Ok(Some(502))), (2, Ok(Some(502))), (3, Ok(Some(502)))];
        assert_eq!(read(&mut reader, &[combined, labelled, labelled]), wanted);
        assert_eq!(reader.format(), Some(LogFormat::Labelled));
        let unread = read(&mut reader, &["\u{1}\u{2} something"]);
        assert!(matches!(unread.as_slice(), [(1, Err(_))]), "{unread:?}");
    }

    const ERROR: &str = r#"2026/11/27 06:47:52 [error] 3902#3902: *5 FastCGI sent in stderr: "PHP message: PHP Warning:  a in /srv/a.php on line 3"#;
    const REST: &str = r#"PHP message: b" while reading response header from upstream, client: 192.0.2.10, server: a, request: "GET /a.php HTTP/1.1", upstream: "fastcgi://unix:/run/php.sock:", host: "a""#;

    #[test]
    fn a_message_over_several_lines_is_one() {
        let notice = "2026/11/27 06:47:53 [notice] 3902#3902: signal 1";
        let lines = [ERROR, REST, notice, ERROR, notice, ERROR];
        let numbers: Vec<u64> =
            read(&mut LogReader::default(), &lines).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 3, 4, 5, 6]);
    }

    #[test]
    fn what_a_runtime_split_is_put_together_by_stream() {
        let lines = [
            r#"2026-11-27T06:43:35.1Z stdout P 1.2.3.4 - - [27/Nov/2026:06:47:52 +0000] "GET /a"#,
            "2026-11-27T06:43:35.2Z stderr F 2026/11/27 06:47:53 [notice] 3902#3902: signal 1",
            r#"2026-11-27T06:43:35.3Z stdout P  HTTP/1.1" 50"#,
            "2026-11-27T06:43:35.4Z stdout F 2 157",
        ];
        let wanted = [(2, Ok(None)), (1, Ok(Some(502)))];
        assert_eq!(read(&mut LogReader::default(), &lines), wanted);
        assert_eq!(read(&mut LogReader::default(), &lines[..1]).len(), 1);
    }

    #[test]
    fn a_wrapped_line_keeps_its_own_time() {
        let mut reader = LogReader::default();
        let line = r#"{"log":"1795191862.648 GET /destroy 502\n","stream":"stdout","time":"2020-01-01T00:00:00Z"}"#;
        reader.read(1, line.as_bytes(), &mut |_, _, entry| {
            let at = entry.unwrap().unwrap().about.unwrap();
            assert_eq!(at.as_nanos() / 1_000_000, 1_795_191_862_648);
        });
    }

    #[test]
    fn lines_of_other_programs_are_nothing_and_not_unreadable() {
        let lines = [
            "I1127 06:43:00.000000       7 main.go:123] \"Starting\"",
            "time=\"2026-11-27T06:43:35Z\" level=info msg=\"Configuration loaded from flags.\"",
            "2026-11-27T06:43:36Z INF Starting server",
            "[WARN]  (12) : a notice",
        ];
        for (_, read) in read(&mut LogReader::default(), &lines) {
            assert_eq!(read, Ok(None));
        }
    }
}
