//! One file a format, or a family of them.

pub(super) mod alb;
pub(super) mod apache;
mod entry_of_fields;
pub(super) mod envoy;
pub(super) mod error_messages;
pub(super) mod haproxy;
pub(super) mod json;
pub(super) mod labelled;
pub(super) mod nginx;
pub(super) mod nginx_variables;

use super::{FormatString, LineError, LineRead, LogFormat};
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
    combined: FormatString::new(nginx::COMBINED).ok(),
    ingress: FormatString::new(nginx::INGRESS).ok(),
    haproxy: FormatString::new(haproxy::HTTPLOG).ok(),
    envoy: FormatString::new(envoy::DEFAULT).ok(),
    istio: FormatString::new(envoy::ISTIO).ok(),
});

/// Reads a line as one of a format.
pub(super) fn read(format: LogFormat, line: &[u8]) -> LineRead<'_> {
    let pattern = |known: &'static Option<FormatString>| {
        known.as_ref().and_then(|pattern| pattern.fields(line)).ok_or(LineError::OtherFormat)
    };
    let object = || json::object(line).ok_or(LineError::Json);
    let is_object = || line.starts_with(b"{");
    match format {
        LogFormat::Alb => Ok(Some(alb::application(line)?)),
        LogFormat::Clb => Ok(Some(alb::classic(line)?)),
        LogFormat::Istio => Ok(Some(pattern(&KNOWN.istio)?.0.entry()?)),
        LogFormat::Envoy => Ok(Some(pattern(&KNOWN.envoy)?.0.entry()?)),
        LogFormat::IngressNginx => Ok(Some(pattern(&KNOWN.ingress)?.0.entry()?)),
        LogFormat::Combined => {
            let (mut fields, rest) = pattern(&KNOWN.combined)?;
            nginx::tail(&mut fields, rest);
            fields.settle_time();
            Ok(Some(fields.entry()?))
        }
        LogFormat::Haproxy => {
            let (mut fields, rest) = pattern(&KNOWN.haproxy)?;
            if !haproxy::tail(&mut fields, rest) {
                return Err(LineError::Request);
            }
            Ok(Some(fields.entry()?))
        }
        LogFormat::NginxError => Ok(nginx::error_line(line)?),
        LogFormat::ApacheError => Ok(apache::error_line(line)?),
        LogFormat::Traefik | LogFormat::Caddy | LogFormat::Json if !is_object() => {
            Err(LineError::Json)
        }
        LogFormat::Traefik => {
            let object = object()?;
            let known = object.contains_key("DownstreamStatus");
            if known { Ok(Some(json::traefik(&object)?)) } else { Err(LineError::OtherFormat) }
        }
        LogFormat::Caddy => {
            let object = object()?;
            let known = object.contains_key("level") && object.contains_key("ts");
            if known { Ok(json::caddy(&object)?) } else { Err(LineError::OtherFormat) }
        }
        LogFormat::Json => Ok(Some(json::labelled(&object()?)?)),
        LogFormat::Labelled => Ok(Some(labelled::line(line)?)),
        LogFormat::Told => Err(LineError::OtherFormat),
    }
}
