//! Lines of a proxy's log become entries: who asked for what, what the client got, and what the log
//! itself says of the cause.
//!
//! A file is a format, or those of one proxy; [`LogReader`] finds out which one a log has, line by line.
//! Nothing here reads files or remembers lines. What cannot be read says why, and stops nothing.

mod entry;
mod fields;
mod format_string;
mod formats;
mod times;

pub use entry::{Attempt, Entry, LineKind, Says};
use fields::Unfit;
pub use format_string::FormatString;
use std::sync::LazyLock;

/// A format of a log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LogFormat {
    /// AWS Application Load Balancer.
    Alb,
    /// AWS Classic Load Balancer.
    Clb,
    /// HAProxy, `option httplog`.
    Haproxy,
    /// Istio's and Envoy's, as Istio sets it.
    Istio,
    /// Envoy, unless told otherwise.
    Envoy,
    /// ingress-nginx, unless told otherwise.
    IngressNginx,
    /// nginx's and Apache's combined or common format, with or without more after it.
    Combined,
    /// nginx, error log.
    NginxError,
    /// Apache httpd, error log.
    ApacheError,
    /// Traefik, JSON.
    Traefik,
    /// Caddy, JSON: access and error log.
    Caddy,
    /// JSON objects whose keys say what they mean.
    Json,
    /// A time, a request, a status, and named values.
    Labelled,
    /// As a format string says.
    Told,
}

impl LogFormat {
    /// All that are known by name, in the order in which they are tried: the strictest first.
    pub const ALL: [Self; 13] = [
        Self::Alb,
        Self::Clb,
        Self::Istio,
        Self::Envoy,
        Self::IngressNginx,
        Self::Combined,
        Self::Haproxy,
        Self::NginxError,
        Self::ApacheError,
        Self::Traefik,
        Self::Caddy,
        Self::Json,
        Self::Labelled,
    ];

    /// The format's name in `--log-format` and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alb => "alb",
            Self::Clb => "clb",
            Self::Haproxy => "haproxy",
            Self::Istio => "istio",
            Self::Envoy => "envoy",
            Self::IngressNginx => "ingress-nginx",
            Self::Combined => "combined",
            Self::NginxError => "nginx-error",
            Self::ApacheError => "apache-error",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Json => "json",
            Self::Labelled => "labelled",
            Self::Told => "format string",
        }
    }
}

/// Why a line is not understood.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LineError {
    /// A line of none of the known formats.
    Unknown,
    /// A line that is not of the format that the log has.
    OtherFormat,
    /// No time, or one in no known form.
    Time,
    /// Neither a request nor what stands for one.
    Request,
    /// A status that is none.
    Status,
    /// No JSON object.
    Json,
    /// A line longer than any should be.
    TooLong,
}

impl LineError {
    /// In a few words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => {
                "of no known format; --log-format names one, or gives the format string"
            }
            Self::OtherFormat => "not of this log's format",
            Self::Time => "no time in it that can be read",
            Self::Request => "no request in it",
            Self::Status => "its status is no status",
            Self::Json => "not a JSON object",
            Self::TooLong => "longer than 64 KiB",
        }
    }
}

impl From<Unfit> for LineError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Time => Self::Time,
            Unfit::Request => Self::Request,
            Unfit::Status => Self::Status,
        }
    }
}

/// What a line came to: an entry; `None` where it is of nothing that concerns a request.
pub type LineRead<'l> = Result<Option<Entry<'l>>, LineError>;

/// Reads the lines of one log.
#[derive(Clone, Debug, Default)]
pub struct LogReader {
    told: Option<LogFormatChoice>,
    /// What the last line that was understood was.
    found: Option<LogFormat>,
}

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
        Self { told, found: None }
    }

    /// The format of the lines understood so far.
    pub fn format(&self) -> Option<LogFormat> {
        match &self.told {
            Some(LogFormatChoice::Named(format)) => Some(*format),
            Some(LogFormatChoice::Pattern(_)) => Some(LogFormat::Told),
            None => self.found,
        }
    }

    /// Reads one line, without its end.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub fn read<'l>(&mut self, line: &'l [u8]) -> LineRead<'l> {
        let line = line.trim_ascii_end();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(None);
        }
        let told = match &self.told {
            Some(LogFormatChoice::Named(format)) => Some(with(*format, line)),
            Some(LogFormatChoice::Pattern(pattern)) => Some(match pattern.fields(line) {
                Some((fields, _)) => fields.entry().map(Some).map_err(LineError::from),
                None => Err(LineError::OtherFormat),
            }),
            None => None,
        };
        if let Some(read) = told {
            return read;
        }
        let inner = without_prefix(line);
        let known = self.found.map(|format| with(format, line).or_else(|_| with(format, inner)));
        let reason = match known {
            Some(Ok(entry)) => return Ok(entry),
            Some(Err(reason)) => reason,
            None => LineError::Unknown,
        };
        for format in LogFormat::ALL {
            let read = match with(format, line) {
                Err(_) if inner.len() < line.len() => with(format, inner),
                read => read,
            };
            if let Ok(entry) = read {
                self.found = Some(format);
                return Ok(entry);
            }
        }
        Err(reason)
    }
}

/// A line that syslog or a container's runtime passed on, without what they put before it:
/// `Feb  6 12:14:14 host haproxy[14389]: …`, `2026-11-20T16:25:22.1Z stdout F …`.
fn without_prefix(line: &[u8]) -> &[u8] {
    let head = line.get(..line.len().min(160)).unwrap_or_default();
    for marker in [&b" stdout F "[..], b" stderr F "] {
        if let Some(at) = fields::find(head, marker) {
            return line.get(at.saturating_add(marker.len())..).unwrap_or(line);
        }
    }
    let end = fields::find(head, b"]: ").filter(|end| {
        let number = head.get(..*end).and_then(|head| head.rsplit(|byte| *byte == b'[').next());
        number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    });
    end.and_then(|end| line.get(end.saturating_add(3)..)).unwrap_or(line)
}

/// The formats that are format strings.
struct KnownFormats {
    combined: Option<FormatString>,
    ingress: Option<FormatString>,
    haproxy: Option<FormatString>,
    envoy: Option<FormatString>,
    istio: Option<FormatString>,
}

static KNOWN: LazyLock<KnownFormats> = LazyLock::new(|| KnownFormats {
    combined: FormatString::new(formats::nginx::COMBINED).ok(),
    ingress: FormatString::new(formats::nginx::INGRESS).ok(),
    haproxy: FormatString::new(formats::haproxy::HTTPLOG).ok(),
    envoy: FormatString::new(formats::envoy::DEFAULT).ok(),
    istio: FormatString::new(formats::envoy::ISTIO).ok(),
});

/// Reads a line as one of a format.
fn with(format: LogFormat, line: &[u8]) -> LineRead<'_> {
    let pattern = |known: &'static Option<FormatString>| {
        known.as_ref().and_then(|pattern| pattern.fields(line)).ok_or(LineError::OtherFormat)
    };
    let object = || formats::json::object(line).ok_or(LineError::Json);
    let is_object = || line.starts_with(b"{");
    match format {
        LogFormat::Alb => Ok(Some(formats::alb::application(line)?)),
        LogFormat::Clb => Ok(Some(formats::alb::classic(line)?)),
        LogFormat::Istio => Ok(Some(pattern(&KNOWN.istio)?.0.entry()?)),
        LogFormat::Envoy => Ok(Some(pattern(&KNOWN.envoy)?.0.entry()?)),
        LogFormat::IngressNginx => Ok(Some(pattern(&KNOWN.ingress)?.0.entry()?)),
        LogFormat::Combined => {
            let (mut fields, rest) = pattern(&KNOWN.combined)?;
            formats::nginx::tail(&mut fields, rest);
            fields.settle_time();
            Ok(Some(fields.entry()?))
        }
        LogFormat::Haproxy => {
            if let Some(state) = formats::haproxy::state_line(line) {
                return Ok(Some(state));
            }
            let (mut fields, rest) = pattern(&KNOWN.haproxy)?;
            if !formats::haproxy::tail(&mut fields, rest) {
                return Err(LineError::Request);
            }
            Ok(Some(fields.entry()?))
        }
        LogFormat::NginxError => Ok(formats::nginx::error_line(line)?),
        LogFormat::ApacheError => Ok(formats::apache::error_line(line)?),
        LogFormat::Traefik | LogFormat::Caddy | LogFormat::Json if !is_object() => {
            Err(LineError::Json)
        }
        LogFormat::Traefik => {
            let object = object()?;
            let known = object.contains_key("DownstreamStatus");
            if known {
                Ok(Some(formats::json::traefik(&object)?))
            } else {
                Err(LineError::OtherFormat)
            }
        }
        LogFormat::Caddy => {
            let object = object()?;
            let known = object.contains_key("level") && object.contains_key("ts");
            if known { Ok(formats::json::caddy(&object)?) } else { Err(LineError::OtherFormat) }
        }
        LogFormat::Json => Ok(Some(formats::json::labelled(&object()?)?)),
        LogFormat::Labelled => Ok(Some(formats::labelled::line(line)?)),
        LogFormat::Told => Err(LineError::OtherFormat),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format_of(line: &str) -> Option<&'static str> {
        let mut reader = LogReader::default();
        reader.read(line.as_bytes()).ok()??;
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
        let entry = reader.read(line.as_bytes()).unwrap().unwrap();
        assert_eq!(entry.source.unwrap().port(), 58719);
        assert_eq!(entry.says, Some(Says::Refused));
    }

    #[test]
    fn a_log_that_changes_its_format_is_read_on() {
        let mut reader = LogReader::default();
        let combined =
            br#"1.2.3.4 - - [20/Nov/2026:16:25:22 +0000] "GET /a HTTP/1.1" 502 157 "-" "curl/8""#;
        assert!(reader.read(combined).is_ok());
        assert!(reader.read(b"1795191862.648 GET /destroy 502").is_ok());
        assert_eq!(reader.format(), Some(LogFormat::Labelled));
        assert_eq!(reader.read(b"\xff\xfe").unwrap_err(), LineError::Request);
    }
}
