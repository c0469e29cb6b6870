//! Lines read as one of the formats that are known by name.

use super::formats::w3c::W3cColumns;
use super::{FormatString, LineError, LineRead, LogFormat, formats};
use std::sync::LazyLock;

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

/// Reads a line as one of a format; `columns` are those that the file has named.
pub(super) fn read<'l>(format: LogFormat, line: &'l [u8], columns: &W3cColumns) -> LineRead<'l> {
    let pattern = |known: &'static Option<FormatString>| {
        known.as_ref().and_then(|pattern| pattern.fields(line)).ok_or(LineError::OtherFormat)
    };
    let object = || formats::json::object(line).ok_or(LineError::Json);
    let is_object = || line.starts_with(b"{");
    match format {
        LogFormat::Alb => Ok(Some(formats::alb::application(line)?)),
        LogFormat::Clb => Ok(formats::alb::classic(line)?),
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
        LogFormat::Heroku => Ok(Some(formats::heroku::line(line)?)),
        LogFormat::Squid => Ok(formats::squid::line(line)?),
        LogFormat::Uvicorn => Ok(Some(formats::backend_lines::uvicorn(line)?)),
        LogFormat::Explaining => Ok(Some(formats::explaining::line(line)?)),
        LogFormat::Messages => Ok(Some(formats::messages::line(line)?)),
        LogFormat::W3c => Ok(Some(columns.line(line).ok_or(LineError::OtherFormat)??)),
        LogFormat::Labelled => Ok(Some(formats::labelled::line(line)?)),
        LogFormat::Told => Err(LineError::OtherFormat),
        // The others are JSON.
        _ if !is_object() => Err(LineError::Json),
        LogFormat::GoogleCloud
        | LogFormat::AzureAppGateway
        | LogFormat::AzureFrontDoor
        | LogFormat::Cloudflare
        | LogFormat::Cloudfront
        | LogFormat::ApiGateway => {
            let entry = formats::keyed::line(&object()?, format).ok_or(LineError::OtherFormat)?;
            Ok(Some(entry?))
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
            let marks = ["level", "ts", "logger"].iter().all(|key| object.contains_key(*key));
            // Its own access lines have an object of the request; others have theirs beside the status.
            let known = marks && (object.contains_key("request") || !object.contains_key("status"));
            if known { Ok(formats::json::caddy(&object)?) } else { Err(LineError::OtherFormat) }
        }
        LogFormat::Json => {
            let object = object()?;
            match formats::json::labelled(&object) {
                Ok(entry) => Ok(Some(entry)),
                Err(unfit) => formats::json::message(&object).map(Some).ok_or(unfit.into()),
            }
        }
    }
}
