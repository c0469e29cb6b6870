//! Messages of clouds' load balancers, of languages and their libraries, of servers and browsers.

use super::known_message::{KnownMessage, of};
use crate::verdict::Cause::{
    BackendError, ClientGone, ClosedInFlight, ConnectTimeout, ConnectionRefused,
    HealthCheckFailing, InvalidResponse, KeepaliveRace, ProtocolMismatch, ResetInFlight,
    ResponseTimeout, TruncatedResponse, Unreachable,
};

/// All of them.
pub(super) static OF_OTHERS: &[KnownMessage] = &[
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
