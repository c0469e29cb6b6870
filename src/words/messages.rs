//! Messages that people search for when requests fail, and what each can mean.
//!
//! Sources: the sources and manuals of nginx, Apache httpd, HAProxy, Envoy; AWS, Google Cloud, Azure, Heroku and
//! Cloudflare's documentation; Node, Go, Python, Java and .NET.

use crate::verdict::Cause;

/// The heading of the causes.
pub const CAN_MEAN: &str = "It can mean";

/// The heading of the capture.
pub const WHICH: &str = "Which of them: packets tell";

/// Where there is more of the first cause.
pub fn more(cause: &str) -> String {
    format!("`why502 explain {cause}` says how it is proven and what to change.")
}

/// A message, and what to make of it.
pub struct KnownMessage {
    /// As it is written; `…` stands for what differs.
    pub text: &'static str,
    /// Who writes it.
    pub whose: &'static str,
    /// What it can mean, the likeliest first; none where nothing on the way to a backend failed.
    pub causes: &'static [Cause],
    /// How to tell these apart, and what to do.
    pub apart: &'static str,
}

const fn of(
    text: &'static str,
    whose: &'static str,
    causes: &'static [Cause],
    apart: &'static str,
) -> KnownMessage {
    KnownMessage { text, whose, causes, apart }
}

use Cause::{
    AcceptQueueFull, BackendError, ClientGone, ClosedInFlight, ConnectTimeout, ConnectionRefused,
    HealthCheckFailing, InvalidResponse, KeepaliveRace, ProtocolMismatch, ResetInFlight,
    ResponseTimeout, SilentDrop, Stalled, TlsHandshakeFailed, TruncatedResponse, Unreachable,
    UploadCutShort,
};

/// All of them.
pub static MESSAGES: [KnownMessage; 99] = [
    of(
        "upstream prematurely closed connection while reading response header from upstream",
        "nginx",
        &[KeepaliveRace, ClosedInFlight],
        "The backend closed before it answered. On a reused connection, within a round trip of the request: a keep-alive race. Seconds after the request, or on a fresh connection: the backend gave up or crashed.",
    ),
    of(
        "upstream prematurely closed connection while reading upstream",
        "nginx",
        &[TruncatedResponse],
        "The answer had begun and broke off: the backend's own log at that second says why.",
    ),
    of(
        "upstream prematurely closed FastCGI",
        "nginx",
        &[ClosedInFlight, TruncatedResponse],
        "PHP-FPM ended the child: look for `exited on signal` and `request_terminate_timeout` in its log.",
    ),
    of(
        "recv() failed (104: Connection reset by peer) while reading response header from upstream",
        "nginx",
        &[KeepaliveRace, ResetInFlight],
        "A reset at once on a reused connection: the backend had closed it already. Later: it closed with the request unread, or was killed.",
    ),
    of(
        "readv() failed (104: Connection reset by peer) while reading upstream",
        "nginx",
        &[TruncatedResponse],
        "The answer had begun and was reset.",
    ),
    of(
        "writev() failed (32: Broken pipe) while sending request to upstream",
        "nginx",
        &[KeepaliveRace, ClosedInFlight],
        "The backend had closed while the request was being sent: a reused connection, or a body that it refused to read.",
    ),
    of(
        "sendfile() failed (32: Broken pipe)",
        "nginx",
        &[ClosedInFlight, UploadCutShort],
        "The backend stopped reading the body: look for its limit of the body's size.",
    ),
    of(
        "connect() failed (111: Connection refused) while connecting to upstream",
        "nginx",
        &[ConnectionRefused],
        "Nothing listens there, or the accept queue is full with tcp_abort_on_overflow, or a firewall rejects.",
    ),
    of(
        "connect() failed (113: No route to host)",
        "nginx",
        &[Unreachable],
        "A router or the host itself says that it cannot be reached: packets show who.",
    ),
    of(
        "connect() failed (110: Connection timed out)",
        "nginx",
        &[ConnectTimeout, AcceptQueueFull],
        "No answer to the SYN: dropped on the way, or by a backend whose accept queue is full.",
    ),
    of(
        "upstream timed out (110: Connection timed out) while connecting to upstream",
        "nginx",
        &[ConnectTimeout, AcceptQueueFull],
        "No answer to the SYN within proxy_connect_timeout: a firewall, a host that is down, or a full accept queue.",
    ),
    of(
        "upstream timed out (110: Connection timed out) while reading response header from upstream",
        "nginx",
        &[ResponseTimeout, SilentDrop],
        "The request was sent and no answer came within proxy_read_timeout. Acknowledged: the backend is slow. Not acknowledged: packets are dropped.",
    ),
    of(
        "upstream timed out (110: Connection timed out) while reading upstream",
        "nginx",
        &[Stalled, SilentDrop],
        "The answer had begun and stood still for proxy_read_timeout.",
    ),
    of(
        "upstream timed out (110: Connection timed out) while SSL handshaking to upstream",
        "nginx",
        &[TlsHandshakeFailed],
        "The port accepts connections and speaks no TLS, or something between drops the handshake.",
    ),
    of(
        "SSL_do_handshake() failed",
        "nginx",
        &[TlsHandshakeFailed, ProtocolMismatch],
        "`wrong version number` is plain HTTP on that port; an alert is the backend's refusal: name, version or certificate.",
    ),
    of(
        "upstream SSL certificate verify error",
        "nginx",
        &[TlsHandshakeFailed],
        "proxy_ssl_verify is on and the certificate is not accepted: the message says why.",
    ),
    of(
        "no live upstreams while connecting to upstream",
        "nginx",
        &[ConnectionRefused, KeepaliveRace, HealthCheckFailing],
        "All servers of the group had failed max_fails times within fail_timeout: the lines before say of what.",
    ),
    of(
        "upstream server temporarily disabled",
        "nginx",
        &[ConnectionRefused, KeepaliveRace, ResponseTimeout],
        "One server of the group failed max_fails times: the line before says of what.",
    ),
    of(
        "upstream sent too big header while reading response header from upstream",
        "nginx",
        &[InvalidResponse],
        "The head is larger than proxy_buffer_size (fastcgi_buffer_size): often cookies. No capture is needed: raise it.",
    ),
    of(
        "upstream sent invalid header",
        "nginx",
        &[InvalidResponse],
        "A name or a line that nginx does not take: the message shows it.",
    ),
    of(
        "upstream sent no valid HTTP/1.0 header",
        "nginx",
        &[InvalidResponse, ProtocolMismatch],
        "The backend does not speak HTTP there: TLS, HTTP/2 or another protocol on that port.",
    ),
    of(
        "upstream sent unexpected FastCGI record",
        "nginx",
        &[ProtocolMismatch],
        "What listens there does not speak FastCGI.",
    ),
    of(
        "upstream sent too large http2 frame",
        "nginx",
        &[ProtocolMismatch],
        "grpc_pass to a port that speaks HTTP/1.1.",
    ),
    of(
        "host not found in upstream",
        "nginx",
        &[],
        "The name could not be resolved when nginx started: check the name and the resolver. A capture of backends shows nothing.",
    ),
    of(
        "could not be resolved (3: Host not found)",
        "nginx",
        &[],
        "The resolver has no such name: check the name and `resolver`.",
    ),
    of(
        "no resolver defined to resolve",
        "nginx",
        &[],
        "A variable in proxy_pass needs `resolver`.",
    ),
    of(
        "(99: Cannot assign requested address) while connecting to upstream",
        "nginx",
        &[],
        "No local port is left towards this backend: keep connections alive (`keepalive`), or widen net.ipv4.ip_local_port_range.",
    ),
    of(
        "worker_connections are not enough",
        "nginx",
        &[],
        "nginx' own limit: raise worker_connections. Nothing was sent to a backend.",
    ),
    of(
        "connect() to unix:/… failed (2: No such file or directory)",
        "nginx",
        &[],
        "The backend's socket is not there: it does not run, or listens elsewhere. No packets are sent.",
    ),
    of(
        "connect() to unix:/… failed (13: Permission denied)",
        "nginx",
        &[],
        "nginx may not open the socket: its owner and mode (`listen.owner`), or SELinux. No packets are sent.",
    ),
    of(
        "connect() to unix:/… failed (11: Resource temporarily unavailable)",
        "nginx",
        &[],
        "The socket's backlog is full: more workers, or `listen.backlog` with net.core.somaxconn. No packets are sent.",
    ),
    of(
        "Primary script unknown",
        "nginx with PHP-FPM",
        &[BackendError],
        "SCRIPT_FILENAME names no file that PHP-FPM sees: no connection failed.",
    ),
    of(
        "client prematurely closed connection",
        "nginx",
        &[ClientGone],
        "The client left before the answer: often because it was slow.",
    ),
    of(
        "AH01102: error reading status line from remote server",
        "Apache",
        &[KeepaliveRace, ClosedInFlight, ResponseTimeout],
        "With `timeout specified has expired` the backend was slow; else it closed or reset: at once on a reused connection is a keep-alive race.",
    ),
    of(
        "AH00898: Error reading from remote server returned by",
        "Apache",
        &[KeepaliveRace, ClosedInFlight, ResponseTimeout],
        "The second message of a failure: AH01102 before it says how.",
    ),
    of(
        "AH00957: HTTP: attempt to connect to",
        "Apache",
        &[ConnectionRefused, ConnectTimeout, Unreachable],
        "The system's error before it says which.",
    ),
    of(
        "AH01114: HTTP: failed to make connection to backend",
        "Apache",
        &[ConnectionRefused, ConnectTimeout, Unreachable],
        "The second message of a failure: AH00957 before it says how.",
    ),
    of(
        "AH00959: ap_proxy_connect_backend disabling worker",
        "Apache",
        &[ConnectionRefused, ConnectTimeout],
        "For that long Apache sends this worker nothing and answers 503: the line before says why.",
    ),
    of(
        "AH01110: error reading response",
        "Apache",
        &[TruncatedResponse, Stalled],
        "The answer had begun: broken off, or stood still where the timeout expired.",
    ),
    of(
        "SH--",
        "HAProxy",
        &[KeepaliveRace, ClosedInFlight, ResetInFlight, InvalidResponse],
        "The server ended the connection before its head was complete. Only packets tell a race from a crash.",
    ),
    of(
        "sH--",
        "HAProxy",
        &[ResponseTimeout, SilentDrop],
        "`timeout server` expired before the head came.",
    ),
    of("SD--", "HAProxy", &[TruncatedResponse], "The server ended in the middle of its answer."),
    of("sD--", "HAProxy", &[Stalled], "`timeout server` expired in the middle of the answer."),
    of(
        "SC--",
        "HAProxy",
        &[ConnectionRefused, Unreachable, TlsHandshakeFailed],
        "The server refused the connection, or its handshake failed.",
    ),
    of("sC--", "HAProxy", &[ConnectTimeout, AcceptQueueFull], "`timeout connect` expired."),
    of(
        "PH--",
        "HAProxy",
        &[InvalidResponse],
        "HAProxy refused the answer: `show errors` on its socket shows the bytes.",
    ),
    of(
        "sQ--",
        "HAProxy",
        &[],
        "The request waited in the queue for `timeout queue`: maxconn of the servers. Nothing was sent.",
    ),
    of("CD--", "HAProxy", &[ClientGone], "The client left in the middle of the answer."),
    of(
        "<NOSRV>",
        "HAProxy",
        &[HealthCheckFailing],
        "No server was up: look for `Server … is DOWN` before it.",
    ),
    of(
        "Layer4 connection problem",
        "HAProxy",
        &[HealthCheckFailing, ConnectionRefused],
        "Health checks could not connect: the server was taken out.",
    ),
    of(
        "Layer7 wrong status",
        "HAProxy",
        &[HealthCheckFailing],
        "The health check's path answers another status than wanted.",
    ),
    of(
        "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
        "Envoy, Istio",
        &[KeepaliveRace, ClosedInFlight],
        "Flag UC. At once on a reused connection: a keep-alive race; idle timeouts of both sides decide. Else the backend closed.",
    ),
    of(
        "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
        "Envoy, Istio",
        &[ConnectionRefused, ConnectTimeout, Unreachable],
        "Flag UF: delayed_connect_error:_111 is a refused connection; in a mesh also a failed mTLS handshake.",
    ),
    of(
        "upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
        "Envoy, Istio",
        &[ConnectTimeout],
        "Flag UF: no connection within connect_timeout.",
    ),
    of(
        "upstream connect error or disconnect/reset before headers. reset reason: protocol error",
        "Envoy, Istio",
        &[InvalidResponse, ProtocolMismatch],
        "Flag UPE: the answer is not what Envoy takes, or the backend speaks another protocol.",
    ),
    of(
        "upstream connect error or disconnect/reset before headers. reset reason: overflow",
        "Envoy, Istio",
        &[],
        "Flag UO: a circuit breaker was full (max_connections, max_pending_requests). Nothing was sent.",
    ),
    of(
        "upstream_reset_before_response_started{connection_termination}",
        "Envoy, Istio",
        &[KeepaliveRace, ClosedInFlight],
        "The backend closed before it answered: flag UC.",
    ),
    of(
        "upstream_reset_before_response_started{remote_reset}",
        "Envoy, Istio",
        &[ResetInFlight],
        "The backend reset the stream or connection: flag UR.",
    ),
    of(
        "upstream_reset_after_response_started",
        "Envoy, Istio",
        &[TruncatedResponse],
        "The answer had begun and broke off, although the status is 200.",
    ),
    of(
        "delayed_connect_error:_111",
        "Envoy, Istio",
        &[ConnectionRefused],
        "Nothing listens there, or a sidecar is not up yet.",
    ),
    of(
        "no healthy upstream",
        "Envoy, Istio",
        &[HealthCheckFailing],
        "Flag UH: no endpoint, or all are held for unhealthy or ejected. Nothing was sent.",
    ),
    of(
        "upstream request timeout",
        "Envoy, Istio",
        &[ResponseTimeout],
        "Flag UT: the route's timeout (15 s unless set) expired.",
    ),
    of(
        "response_timeout",
        "Envoy, Istio",
        &[ResponseTimeout, Stalled],
        "Flag UT: the route's timeout expired.",
    ),
    of(
        "TLS error: 268435703",
        "Envoy, Istio",
        &[ProtocolMismatch, TlsHandshakeFailed],
        "WRONG_VERSION_NUMBER: plain HTTP on a port where TLS was expected, or mTLS to a backend without a sidecar.",
    ),
    of(
        "-1 -1 -1 502 -",
        "AWS ALB",
        &[KeepaliveRace, ConnectionRefused, ConnectTimeout],
        "The request was not dispatched: a refused connect, or a reused connection that the target had closed. Only packets tell.",
    ),
    of(
        "0.001 0.004 -1 502 -",
        "AWS ALB",
        &[KeepaliveRace, ClosedInFlight, ResetInFlight],
        "The target closed after the dispatch. Within a round trip: a keep-alive race, its timeout is below the ALB's 60 s. Later: the target gave up.",
    ),
    of(
        "backend_connection_closed_before_data_sent_to_client",
        "Google Cloud",
        &[KeepaliveRace, ClosedInFlight],
        "The backend closed before it answered: its keep-alive timeout must exceed the load balancer's 600 s.",
    ),
    of(
        "failed_to_connect_to_backend",
        "Google Cloud",
        &[ConnectionRefused, ConnectTimeout, Unreachable],
        "No connection: check the firewall rule for the health-check ranges and the port.",
    ),
    of(
        "failed_to_pick_backend",
        "Google Cloud",
        &[HealthCheckFailing],
        "No healthy backend: look at its health checks.",
    ),
    of(
        "backend_timeout",
        "Google Cloud",
        &[ResponseTimeout],
        "The backend service's timeout (30 s unless set) expired.",
    ),
    of(
        "ERRORINFO_UPSTREAM_CLOSED_CONNECTION",
        "Azure Application Gateway",
        &[KeepaliveRace, ClosedInFlight],
        "The backend closed before it answered.",
    ),
    of(
        "H13 Connection closed without response",
        "Heroku",
        &[ClosedInFlight, KeepaliveRace],
        "The dyno accepted and closed: a crash, or a server whose keep-alive timeout is shorter than the router's 90 s.",
    ),
    of(
        "Error 520",
        "Cloudflare",
        &[ClosedInFlight, ResetInFlight, InvalidResponse, KeepaliveRace],
        "The origin closed, reset, or sent what is no answer.",
    ),
    of(
        "Error 522",
        "Cloudflare",
        &[ConnectTimeout],
        "No connection to the origin: its firewall may drop Cloudflare's addresses.",
    ),
    of("Error 524", "Cloudflare", &[ResponseTimeout], "Connected, and no answer within 100 s."),
    of(
        "socket hang up",
        "Node",
        &[KeepaliveRace, ClosedInFlight, ResponseTimeout],
        "ECONNRESET without an answer: also said when the proxy's own proxyTimeout ended the socket. `reusedSocket` true points to a race.",
    ),
    of(
        "read ECONNRESET",
        "Node",
        &[KeepaliveRace, ResetInFlight, TruncatedResponse],
        "The backend reset: at once on a reused connection is a keep-alive race.",
    ),
    of(
        "connect ECONNREFUSED",
        "Node",
        &[ConnectionRefused],
        "Nothing listens there; `::1` is tried before 127.0.0.1 since Node 17.",
    ),
    of(
        "other side closed",
        "Node (undici)",
        &[KeepaliveRace, ClosedInFlight],
        "UND_ERR_SOCKET: the backend closed before it answered.",
    ),
    of(
        "http: proxy error: EOF",
        "Go",
        &[KeepaliveRace, ClosedInFlight],
        "The backend closed before it answered; Go sends an idempotent request again by itself on a reused connection.",
    ),
    of(
        "http: server closed idle connection",
        "Go",
        &[KeepaliveRace],
        "The backend closed a kept connection as the request was sent.",
    ),
    of(
        "connection reset by peer",
        "any",
        &[KeepaliveRace, ResetInFlight, TruncatedResponse],
        "Who, and when: at once on a reused connection, after the request, or within the answer.",
    ),
    of(
        "net/http: timeout awaiting response headers",
        "Go",
        &[ResponseTimeout],
        "ResponseHeaderTimeout expired.",
    ),
    of(
        "context deadline exceeded",
        "Go",
        &[ResponseTimeout, ConnectTimeout],
        "A timeout of the caller's: packets show how far it came.",
    ),
    of("context canceled", "Go", &[ClientGone], "The client left."),
    of(
        "malformed HTTP response",
        "Go",
        &[ProtocolMismatch, InvalidResponse],
        "`\\x15\\x03` is a TLS alert: plain HTTP was sent to a TLS port. Else the answer is no HTTP.",
    ),
    of(
        "http: server gave HTTP response to HTTPS client",
        "Go",
        &[ProtocolMismatch],
        "TLS was spoken to a port of plain HTTP.",
    ),
    of(
        "RemoteDisconnected('Remote end closed connection without response')",
        "Python",
        &[KeepaliveRace, ClosedInFlight],
        "The server closed before it answered: on a reused connection of a session it is a keep-alive race.",
    ),
    of(
        "Connection aborted.",
        "Python (requests)",
        &[KeepaliveRace, ClosedInFlight, ResetInFlight],
        "What stands behind it says whether it was closed or reset.",
    ),
    of(
        "Server disconnected without sending a response",
        "Python (httpx, aiohttp)",
        &[KeepaliveRace, ClosedInFlight],
        "The server closed before it answered.",
    ),
    of(
        "NoHttpResponseException",
        "Java (Apache HttpClient)",
        &[KeepaliveRace, ClosedInFlight],
        "`failed to respond`: a kept connection was closed by the server; validate after inactivity, or keep it for less.",
    ),
    of(
        "Connection prematurely closed BEFORE response",
        "Java (Reactor Netty, Spring Cloud Gateway)",
        &[KeepaliveRace, ClosedInFlight],
        "A pooled connection was closed by the server: set maxIdleTime below its keep-alive timeout.",
    ),
    of(
        "Connection prematurely closed DURING response",
        "Java (Reactor Netty)",
        &[TruncatedResponse],
        "The answer had begun and broke off.",
    ),
    of(
        "The server returned an invalid or unrecognized response",
        ".NET",
        &[InvalidResponse, ProtocolMismatch],
        "What came is no HTTP of the version expected.",
    ),
    of(
        "The response ended prematurely",
        ".NET",
        &[KeepaliveRace, ClosedInFlight, TruncatedResponse],
        "ResponseEnded: the server closed before or within the answer.",
    ),
    of(
        "WORKER TIMEOUT",
        "gunicorn",
        &[ClosedInFlight, ResponseTimeout],
        "The worker was killed after `timeout` (30 s): its requests end without an answer at that second.",
    ),
    of(
        "exited on signal",
        "PHP-FPM, nginx",
        &[ClosedInFlight, ResetInFlight],
        "The process died: its requests end at that second. 9 is often the kernel's OOM killer.",
    ),
    of(
        "OOMKilled",
        "Kubernetes",
        &[ClosedInFlight, ResetInFlight, ConnectionRefused],
        "The container exceeded its memory limit: requests in flight break off, then connects are refused until it is back.",
    ),
    of(
        "blocked by CORS policy",
        "a browser",
        &[KeepaliveRace, ClosedInFlight, ConnectionRefused, ResponseTimeout, BackendError],
        "An error page of the proxy has no CORS headers, so the browser tells of CORS: look at its status in the network tab. 502, 503 or 504 is the failure to look for.",
    ),
];

/// What is known of a message, or of a line that holds one: the longest that fits.
pub fn find(text: &str) -> Option<&'static KnownMessage> {
    let words = text.split_whitespace();
    let states: Vec<&str> = words.filter(|word| word.len() == STATE).collect();
    let text = plain(text);
    let fits = |known: &&KnownMessage| {
        if known.text.len() == STATE {
            return states.contains(&known.text);
        }
        let known = plain(known.text);
        let mut rest = text.as_str();
        let held = known.split('…').all(|part| match rest.find(part) {
            Some(at) => {
                rest = rest.get(at.saturating_add(part.len())..).unwrap_or_default();
                true
            }
            None => false,
        });
        held || text.len() >= SHORTEST && known.contains(text.as_str())
    };
    MESSAGES.iter().filter(fits).max_by_key(|known| {
        // Of those that hold what was typed, the shortest says least more than it.
        let held = text.contains(&plain(known.text));
        (held, if held { known.text.len() } else { usize::MAX.saturating_sub(known.text.len()) })
    })
}

/// The length of HAProxy's termination states, of which small letters mean something else.
const STATE: usize = 4;

/// Fewer characters are in too many messages.
const SHORTEST: usize = 8;

/// In small letters, with single spaces.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_whole_in_lines_and_by_a_part() {
        for known in &MESSAGES {
            let found = find(known.text).unwrap();
            assert_eq!(found.text, known.text);
            assert!(known.apart.ends_with('.') && !known.whose.is_empty(), "{}", known.text);
        }
        assert!(find("sH--").unwrap().causes.contains(&ResponseTimeout));
        let line = r#"2026/11/27 06:47:52 [error] 1#1: *5 upstream prematurely closed connection while reading response header from upstream, client: 192.0.2.10"#;
        assert!(find(line).unwrap().causes.contains(&KeepaliveRace));
        assert!(
            find("upstream prematurely closed connection").unwrap().causes.contains(&KeepaliveRace)
        );
        let socket =
            "connect() to unix:/run/php.sock failed (13: Permission denied) while connecting";
        assert!(find(socket).unwrap().apart.contains("SELinux"));
        for nothing in ["", "502", "closed", "what is this message"] {
            assert!(find(nothing).is_none(), "{nothing}");
        }
    }
}
