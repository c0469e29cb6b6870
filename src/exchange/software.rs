//! What headers tell of the software on either side, and of probes. Values are looked at, not kept.

use crate::base::digest;
use httparse::Header;

/// Who probes a backend's health, by the user agent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Prober {
    /// AWS load balancers.
    Elb,
    /// AWS Route 53.
    Route53,
    /// Google Cloud load balancers.
    Google,
    /// Kubernetes.
    Kubernetes,
    /// Envoy, Istio.
    Envoy,
    /// Consul.
    Consul,
    /// Azure load balancers.
    Azure,
}

impl Prober {
    /// The prober's user agent, as it is known by.
    pub const fn user_agent(self) -> &'static str {
        match self {
            Self::Elb => "ELB-HealthChecker",
            Self::Route53 => "Amazon-Route53-Health-Check-Service",
            Self::Google => "GoogleHC",
            Self::Kubernetes => "kube-probe",
            Self::Envoy => "Envoy/HC",
            Self::Consul => "Consul Health Check",
            Self::Azure => "Load Balancer Agent",
        }
    }

    const ALL: [Self; 7] = [
        Self::Elb,
        Self::Route53,
        Self::Google,
        Self::Kubernetes,
        Self::Envoy,
        Self::Consul,
        Self::Azure,
    ];
}

/// The proxy, as its requests show it: a guess.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProxyKind {
    /// AWS Application Load Balancer.
    Alb,
    /// Google Cloud load balancer.
    Google,
    /// Envoy, Istio.
    Envoy,
    /// Varnish.
    Varnish,
    /// Squid.
    Squid,
    /// Apache Traffic Server.
    TrafficServer,
    /// Traefik.
    Traefik,
    /// Caddy.
    Caddy,
    /// Apache httpd.
    Apache,
}

impl ProxyKind {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alb => "AWS ALB",
            Self::Google => "Google Cloud load balancer",
            Self::Envoy => "Envoy",
            Self::Varnish => "Varnish",
            Self::Squid => "Squid",
            Self::TrafficServer => "Apache Traffic Server",
            Self::Traefik => "Traefik",
            Self::Caddy => "Caddy",
            Self::Apache => "Apache httpd",
        }
    }
}

/// The backend's server, as its responses show it: a guess.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ServerKind {
    /// Node's own server announces its timeout so: `Keep-Alive: timeout=5`.
    Node,
    /// gunicorn.
    Gunicorn,
    /// uvicorn.
    Uvicorn,
    /// hypercorn.
    Hypercorn,
    /// waitress.
    Waitress,
    /// Tomcat, Spring Boot.
    Tomcat,
    /// Jetty.
    Jetty,
    /// Apache httpd.
    Apache,
    /// nginx.
    Nginx,
    /// ASP.NET Core.
    Kestrel,
    /// IIS.
    Iis,
    /// lighttpd.
    Lighttpd,
    /// Caddy.
    Caddy,
    /// PostgreSQL.
    PostgreSql,
    /// MySQL, MariaDB.
    MySql,
    /// Redis, Valkey.
    Redis,
    /// memcached.
    Memcached,
}

impl ServerKind {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Gunicorn => "gunicorn",
            Self::Uvicorn => "uvicorn",
            Self::Hypercorn => "hypercorn",
            Self::Waitress => "waitress",
            Self::Tomcat => "Tomcat",
            Self::Jetty => "Jetty",
            Self::Apache => "Apache httpd",
            Self::Nginx => "nginx",
            Self::Kestrel => "Kestrel",
            Self::Iis => "IIS",
            Self::Lighttpd => "lighttpd",
            Self::Caddy => "Caddy",
            Self::PostgreSql => "PostgreSQL",
            Self::MySql => "MySQL",
            Self::Redis => "Redis",
            Self::Memcached => "memcached",
        }
    }

    /// What gives it away.
    pub const fn shown_by(self) -> &'static str {
        match self {
            Self::PostgreSql | Self::MySql | Self::Redis | Self::Memcached => "its protocol",
            Self::Node
            | Self::Gunicorn
            | Self::Uvicorn
            | Self::Hypercorn
            | Self::Waitress
            | Self::Tomcat
            | Self::Jetty
            | Self::Apache
            | Self::Nginx
            | Self::Kestrel
            | Self::Iis
            | Self::Lighttpd
            | Self::Caddy => "its headers",
        }
    }
}

/// What a request's headers tell beyond the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RequestSigns {
    /// Who probes, where the request is a probe.
    pub prober: Option<Prober>,
    /// Who sends it.
    pub proxy: Option<ProxyKind>,
    /// The request was made for a client: it names one, or carries what a client was given.
    pub for_client: bool,
    /// The request names the client that it was made for, or the proxies that it went through.
    pub forwarded: bool,
    /// The request announces a body.
    pub has_body: bool,
    /// Digests of what traces it, as `X-Amzn-Trace-Id` and `traceparent` have it; 0 where there is none.
    pub traces: [u64; 2],
}

/// What identifies a request in a value of a header or of a log: the root of an AWS trace id, the trace
/// of a `traceparent`, whose other parts change from hop to hop; anything else as it is.
pub fn trace_id(value: &[u8]) -> &[u8] {
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    if let Some(root) = parts.find_map(|part| part.strip_prefix(b"Root=")) {
        return root;
    }
    // 00-<32 digits>-<16 digits>-01 (W3C Trace Context, section 3.2).
    let dashes = value.get(2) == Some(&b'-') && value.get(35) == Some(&b'-');
    let trace = value.get(3..35).filter(|_| dashes && value.len() >= 55);
    trace.unwrap_or(value)
}

/// Reads a request's headers.
pub(super) fn of_request(headers: &[Header<'_>]) -> RequestSigns {
    let mut signs = RequestSigns::default();
    for header in headers {
        let (name, value) = (header.name, header.value);
        // By length first: few names are looked at twice.
        match name.len() {
            10 if name.eq_ignore_ascii_case("user-agent") => {
                let begins = |prober: &Prober| value.starts_with(prober.user_agent().as_bytes());
                signs.prober = Prober::ALL.into_iter().find(begins);
            }
            3 if name.eq_ignore_ascii_case("via") => {
                (signs.for_client, signs.forwarded) = (true, true);
                signs.proxy = signs.proxy.or(via(value));
            }
            6 if name.eq_ignore_ascii_case("cookie") => signs.for_client = true,
            7 if name.eq_ignore_ascii_case("referer") => signs.for_client = true,
            9 if name.eq_ignore_ascii_case("forwarded")
                || name.eq_ignore_ascii_case("x-real-ip") =>
            {
                (signs.for_client, signs.forwarded) = (true, true);
            }
            13 if name.eq_ignore_ascii_case("authorization") => signs.for_client = true,
            14 if name.eq_ignore_ascii_case("content-length") => {
                signs.has_body |= value.trim_ascii() != b"0";
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => signs.has_body = true,
            9 if name.eq_ignore_ascii_case("x-varnish") => {
                signs.proxy = Some(ProxyKind::Varnish);
                signs.for_client = true;
            }
            11 if name.eq_ignore_ascii_case("traceparent") => {
                signs.traces[1] = digest::of(trace_id(value).iter());
            }
            15 if name.eq_ignore_ascii_case("x-amzn-trace-id") => {
                signs.traces[0] = digest::of(trace_id(value).iter());
                signs.proxy = Some(ProxyKind::Alb);
                signs.for_client = true;
            }
            15 if name.eq_ignore_ascii_case("x-forwarded-for") => {
                (signs.for_client, signs.forwarded) = (true, true);
            }
            21 if name.eq_ignore_ascii_case("x-cloud-trace-context") => {
                signs.proxy = signs.proxy.or(Some(ProxyKind::Google));
            }
            18 if name.eq_ignore_ascii_case("x-forwarded-server") => {
                // Apache sends it with X-Forwarded-Host, Traefik with X-Real-Ip.
                let traefik = headers.iter().any(|one| one.name.eq_ignore_ascii_case("x-real-ip"));
                let kind = if traefik { ProxyKind::Traefik } else { ProxyKind::Apache };
                signs.proxy = signs.proxy.or(Some(kind));
            }
            12.. if name.get(..8).is_some_and(|begin| begin.eq_ignore_ascii_case("x-envoy-")) => {
                signs.proxy = Some(ProxyKind::Envoy);
            }
            _ => {}
        }
    }
    signs
}

/// Who put itself into a `Via`: the last entry is the nearest.
fn via(value: &[u8]) -> Option<ProxyKind> {
    let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
    let has = |word: &[u8]| last.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    let known = [
        (&b"squid"[..], ProxyKind::Squid),
        (b"ApacheTrafficServer", ProxyKind::TrafficServer),
        (b"varnish", ProxyKind::Varnish),
        (b"caddy", ProxyKind::Caddy),
        (b"google", ProxyKind::Google),
    ];
    known.into_iter().find(|(word, _)| has(word)).map(|(_, kind)| kind)
}

/// How servers begin what they answer to a request in clear on a port of TLS: nginx, Go, Apache, Tomcat.
const WANTS_TLS: [&[u8]; 4] = [
    b"The plain HTTP request was sent to HTTPS port",
    b"Client sent an HTTP request to an HTTPS server",
    b"speaking plain HTTP to an SSL-enabled server port",
    b"This combination of host and port requires TLS",
];
/// So far into the body it stands.
const WITHIN: usize = 1 << 10;

/// A body that begins so says that the port speaks TLS.
pub(super) fn wants_tls(body: &[u8]) -> bool {
    let begin = body.get(..WITHIN.min(body.len())).unwrap_or_default();
    WANTS_TLS.iter().any(|said| begin.windows(said.len()).any(|here| here == *said))
}

/// Reads a response's headers.
pub(super) fn of_response(headers: &[Header<'_>]) -> Option<ServerKind> {
    let known = [
        ("gunicorn", ServerKind::Gunicorn),
        ("uvicorn", ServerKind::Uvicorn),
        ("hypercorn", ServerKind::Hypercorn),
        ("waitress", ServerKind::Waitress),
        ("Apache-Coyote", ServerKind::Tomcat),
        ("Jetty", ServerKind::Jetty),
        ("Apache", ServerKind::Apache),
        ("nginx", ServerKind::Nginx),
        ("openresty", ServerKind::Nginx),
        ("Kestrel", ServerKind::Kestrel),
        ("Microsoft-IIS", ServerKind::Iis),
        ("lighttpd", ServerKind::Lighttpd),
        ("Caddy", ServerKind::Caddy),
    ];
    let mut node = None;
    for header in headers {
        match header.name.len() {
            6 if header.name.eq_ignore_ascii_case("server") => {
                let begins = |word: &str| {
                    header
                        .value
                        .get(..word.len())
                        .is_some_and(|begin| begin.eq_ignore_ascii_case(word.as_bytes()))
                };
                // Whoever names itself otherwise is not guessed at.
                return known.into_iter().find(|(word, _)| begins(word)).map(|(_, kind)| kind);
            }
            // Apache adds a maximum, and Tomcat too.
            10 if header.name.eq_ignore_ascii_case("keep-alive") => {
                let alone = header.value.starts_with(b"timeout=") && !header.value.contains(&b',');
                node = alone.then_some(ServerKind::Node);
            }
            _ => {}
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<'a>(lines: &'a [(&'a str, &'a str)]) -> Vec<Header<'a>> {
        lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect()
    }

    #[test]
    fn probes_are_known_by_their_user_agent() {
        for prober in Prober::ALL {
            let agent = format!("{}/2.0", prober.user_agent());
            let signs = of_request(&headers(&[("host", "a"), ("User-Agent", &agent)]));
            assert_eq!(signs.prober, Some(prober));
            assert!(!signs.for_client);
        }
        assert_eq!(of_request(&headers(&[("user-agent", "curl/8.0")])).prober, None);
    }

    #[test]
    fn what_a_proxy_adds_gives_it_away() {
        let proxy = |lines: &[(&str, &str)]| of_request(&headers(lines)).proxy;
        assert_eq!(proxy(&[("X-Amzn-Trace-Id", "Root=1-2-3")]), Some(ProxyKind::Alb));
        assert_eq!(proxy(&[("x-envoy-expected-rq-timeout-ms", "15000")]), Some(ProxyKind::Envoy));
        assert_eq!(proxy(&[("Via", "1.0 a, 1.1 edge (squid/5.7)")]), Some(ProxyKind::Squid));
        assert_eq!(proxy(&[("X-Forwarded-Server", "a")]), Some(ProxyKind::Apache));
        assert_eq!(proxy(&[("Host", "a"), ("Accept", "*/*")]), None);
    }

    #[test]
    fn a_server_is_what_it_says_or_how_it_announces_its_timeout() {
        let server = |lines: &[(&str, &str)]| of_response(&headers(lines));
        assert_eq!(server(&[("Server", "gunicorn")]), Some(ServerKind::Gunicorn));
        assert_eq!(server(&[("Server", "nginx/1.22.1")]), Some(ServerKind::Nginx));
        assert_eq!(server(&[("Keep-Alive", "timeout=5")]), Some(ServerKind::Node));
        assert_eq!(server(&[("Keep-Alive", "timeout=5, max=100")]), None);
        assert_eq!(server(&[("Keep-Alive", "timeout=5"), ("Server", "mine")]), None);
    }
}
