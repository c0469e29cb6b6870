//! Lines of a proxy's log become entries: who asked for what, what the client got, and what the log
//! itself says of the cause.
//!
//! A file is a format, or those of one proxy; [`LogReader`] finds out which one a log has, line by line.
//! Nothing here reads files or remembers lines. What cannot be read says why, and stops nothing.

mod entry;
mod fields;
mod format_string;
mod formats;
mod known_formats;
mod reader;
mod times;
mod wrapping;

pub use entry::{Attempt, Entry, LineKind, Says};
use fields::Unfit;
pub use format_string::FormatString;
pub use reader::{LogFormatChoice, LogReader};

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
    /// Google Cloud load balancers, as Cloud Logging exports them.
    GoogleCloud,
    /// Azure Application Gateway.
    AzureAppGateway,
    /// Azure Front Door.
    AzureFrontDoor,
    /// Cloudflare, Logpush of HTTP requests.
    Cloudflare,
    /// Amazon CloudFront, in JSON; its standard log is of the W3C's kind.
    Cloudfront,
    /// Amazon API Gateway.
    ApiGateway,
    /// W3C extended: IIS with Application Request Routing, CloudFront's standard log.
    W3c,
    /// Heroku's router.
    Heroku,
    /// Squid's native format, and Apache Traffic Server's.
    Squid,
    /// uvicorn, a backend's.
    Uvicorn,
    /// Messages of proxies that are programs of their own: Go, Traefik, Node, h2o, nghttpx.
    Messages,
    /// Lines of proxies, backends, the kernel and Kubernetes that say why requests fail.
    Explaining,
    /// JSON objects whose keys say what they mean.
    Json,
    /// A time, a request, a status, and named values.
    Labelled,
    /// As a format string says.
    Told,
}

impl LogFormat {
    /// All that are known by name, in the order in which they are tried: the strictest first.
    pub const ALL: [Self; 25] = [
        Self::Alb,
        Self::Clb,
        Self::Istio,
        Self::Envoy,
        Self::IngressNginx,
        Self::Combined,
        Self::Haproxy,
        Self::NginxError,
        Self::ApacheError,
        Self::Heroku,
        Self::Squid,
        Self::W3c,
        Self::Uvicorn,
        Self::Messages,
        Self::Explaining,
        Self::GoogleCloud,
        Self::AzureAppGateway,
        Self::AzureFrontDoor,
        Self::Cloudflare,
        Self::Cloudfront,
        Self::ApiGateway,
        Self::Traefik,
        Self::Caddy,
        Self::Json,
        Self::Labelled,
    ];

    /// Whether it takes what it understands of a line: then it is tried where none of the strict ones fits.
    pub const fn is_loose(self) -> bool {
        matches!(self, Self::Json | Self::Labelled)
    }

    /// Whose proxy runs where nobody else can capture.
    pub const fn is_of_cloud(self) -> bool {
        matches!(
            self,
            Self::Alb
                | Self::Clb
                | Self::GoogleCloud
                | Self::AzureAppGateway
                | Self::AzureFrontDoor
                | Self::Cloudflare
                | Self::Cloudfront
                | Self::ApiGateway
                | Self::Heroku
        )
    }

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
            Self::GoogleCloud => "google-cloud",
            Self::AzureAppGateway => "azure-app-gateway",
            Self::AzureFrontDoor => "azure-front-door",
            Self::Cloudflare => "cloudflare",
            Self::Cloudfront => "cloudfront",
            Self::ApiGateway => "api-gateway",
            Self::W3c => "w3c",
            Self::Heroku => "heroku",
            Self::Squid => "squid",
            Self::Uvicorn => "uvicorn",
            Self::Messages => "messages",
            Self::Explaining => "explaining",
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
