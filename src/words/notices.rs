//! What limits the answer, or completes it: a code for scripts and a sentence each.

use super::phrases::{duration, plural};
use crate::packet::{Endpoint, EndpointPattern};
use std::net::IpAddr;
use std::time::Duration;

/// Endpoints named in one sentence.
const NAMED: usize = 4;

/// Something that limits the answer, or completes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Reading a capture ended early.
    DamagedCapture {
        /// As given.
        path: String,
        /// Where and why.
        damage: String,
    },
    /// Captures hold the same connections: pairs of their paths, and how many connections both hold.
    TwoVantages {
        /// The pairs.
        pairs: Vec<(String, String, u64)>,
        /// Failures that the second one shows better.
        better: u64,
    },
    /// Frames inside of tunnels, by kind.
    TunnelsSkipped(Vec<(&'static str, u64)>),
    /// So many of something.
    Counted(Countable, u64),
    /// Places where the capture misses segments that were received.
    CaptureLoss {
        /// How many.
        places: u64,
        /// Requests that cannot be judged for it.
        hidden: u64,
    },
    /// Frames that the kernel's buffer had no room for.
    BufferFull {
        /// The interface.
        path: String,
        /// How many.
        frames: u64,
    },
    /// Frames that an interface lost.
    InterfaceDrops {
        /// The interface.
        path: String,
        /// How many.
        frames: u64,
    },
    /// Listeners that pass on what they are asked.
    FrontFound(Vec<Endpoint>),
    /// The proxy's own listeners are seen, and no connection to a backend.
    NoBackendLeg,
    /// A listener answers as only a proxy does, and opens no connection.
    Gateway {
        /// The listener.
        at: Endpoint,
        /// What it answers.
        status: u16,
    },
    /// A scan.
    Scan {
        /// Who scans.
        by: IpAddr,
        /// Addresses and ports that refused.
        refused: usize,
    },
    /// Calls that failed, and that nothing that the proxy was asked for explains: how many to whom, most first.
    FailedBeside(Vec<(Endpoint, u64)>),
    /// Connects to one loopback address were refused, and the other one took each at once.
    LocalhostDetour {
        /// The address and port that refused.
        refused: Endpoint,
        /// How many.
        connects: u64,
    },
    /// Connects to one loopback address are refused, and the same port at the other one answers.
    SamePortAnswers {
        /// The address and port that refused.
        refused: Endpoint,
        /// Where it answers.
        answers: Endpoint,
    },
    /// Listeners that were not judged as backends, the busiest first, and what they are.
    NotJudged(Vec<(Endpoint, &'static str)>),
    /// TLS connections, as their programs gave their text to OpenSSL.
    TlsInClear {
        /// Read.
        read: u64,
        /// Not read.
        unread: u64,
        /// Places of which nothing is known.
        unexplained: u64,
        /// Pieces of text that were lost.
        lost: u64,
        /// Connections that were followed no further after that.
        muted: u64,
    },
    /// A proxy pays a full TLS handshake for nearly each request.
    HandshakePerRequest {
        /// The proxy.
        proxy: IpAddr,
        /// The backend.
        backend: Endpoint,
        /// Full handshakes whose connections were closed behind a request or two.
        handshakes: u64,
        /// Requests.
        requests: u64,
        /// The median time of a handshake.
        each: Option<Duration>,
    },
    /// A bound that was reached.
    LimitHit {
        /// The name of the bound.
        bound: &'static str,
        /// How often.
        times: u64,
    },
    /// Clients speak TLS with the proxy.
    ClientsUnknown(Endpoint),
    /// Nobody tried a backend that was named.
    NoTrafficForBackend {
        /// What was named.
        named: EndpointPattern,
        /// For how long.
        span: Duration,
        /// What was tried on the same host, the busiest first, and whether all of it was refused.
        near: Vec<(Endpoint, bool)>,
        /// Anything else was seen.
        others: bool,
    },
}

impl Notice {
    /// The name in JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DamagedCapture { .. } => "damaged_capture",
            Self::TwoVantages { .. } => "two_vantages",
            Self::TunnelsSkipped(_) => "tunnels_skipped",
            Self::Counted(what, _) => what.code(),
            Self::CaptureLoss { .. } => "capture_loss",
            Self::BufferFull { .. } | Self::InterfaceDrops { .. } => "frames_dropped",
            Self::FrontFound(_) => "front_found",
            Self::NoBackendLeg | Self::Gateway { .. } => "unix_socket_possible",
            Self::Scan { .. } => "scan",
            Self::FailedBeside(_) => "failed_beside",
            Self::NotJudged(_) => "not_judged",
            Self::LocalhostDetour { .. } => "localhost_detour",
            Self::SamePortAnswers { .. } => "same_port_answers",
            Self::TlsInClear { .. } => "tls_in_clear",
            Self::HandshakePerRequest { .. } => "tls_handshake_per_request",
            Self::LimitHit { .. } => "limit_hit",
            Self::ClientsUnknown(_) => "clients_unknown",
            Self::NoTrafficForBackend { .. } => "no_traffic_for_backend",
        }
    }

    /// How soon a person should know it, the smaller the sooner; `None` where it can wait.
    pub const fn weight(&self) -> Option<u8> {
        Some(match self {
            Self::DamagedCapture { .. } | Self::NoTrafficForBackend { .. } => 0,
            Self::BufferFull { .. } | Self::InterfaceDrops { .. } | Self::CaptureLoss { .. } => 1,
            Self::SamePortAnswers { .. } => 1,
            Self::NoBackendLeg | Self::Gateway { .. } | Self::LocalhostDetour { .. } => 2,
            Self::FailedBeside(_) | Self::LimitHit { .. } | Self::TunnelsSkipped(_) => 3,
            Self::Counted(
                Countable::OneDirectionOnly
                | Countable::HeadsCut
                | Countable::NoPayload
                | Countable::ByTurns,
                _,
            ) => 3,
            Self::Counted(Countable::RolesGuessed, _) => 4,
            Self::Scan { .. } | Self::TlsInClear { .. } | Self::HandshakePerRequest { .. } => 4,
            Self::NotJudged(_) => 5,
            Self::Counted(..)
            | Self::FrontFound(_)
            | Self::TwoVantages { .. }
            | Self::ClientsUnknown(_) => return None,
        })
    }

    /// The sentence, without a capital and a full stop.
    pub fn text(&self) -> String {
        match self {
            Self::DamagedCapture { path, damage } => {
                format!("{path}: {damage}; everything before that was read")
            }
            Self::TwoVantages { pairs, better } => two_vantages(pairs, *better),
            Self::TunnelsSkipped(kinds) => {
                let kinds: Vec<String> =
                    kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
                format!(
                    "packets inside of tunnels were not read ({}): capture where the tunnel ends",
                    kinds.join(", ")
                )
            }
            Self::Counted(what, count) => what.text(*count),
            Self::CaptureLoss { places, hidden } => format!(
                "packets are missing from the capture in {} (lost by the capture, not by the network){}",
                plural(*places, "place"),
                match hidden {
                    0 => String::new(),
                    hidden => {
                        format!("; {} cannot be judged because of that", plural(*hidden, "request"))
                    }
                }
            ),
            Self::BufferFull { path, frames } => format!(
                "{path}: {} lost, the kernel's buffer was full: raise --buffer-size",
                plural(*frames, "packet")
            ),
            Self::InterfaceDrops { path, frames } => {
                format!("{path}: {} lost by the interface", plural(*frames, "packet"))
            }
            Self::FrontFound(at) => front_found(at),
            Self::LocalhostDetour { refused, connects } => localhost_detour(*refused, *connects),
            Self::SamePortAnswers { refused, answers } => format!(
                "{refused} refuses, and {answers} answers: localhost is two addresses; name {} in the \
                 proxy, or let the server listen on both",
                answers.addr
            ),
            Self::NoBackendLeg => {
                "the proxy's own listeners are in the capture, and no connection to a backend: it may use \
                 a Unix socket, or an interface that was not captured"
                    .to_owned()
            }
            Self::Gateway { at, status } => format!(
                "{at} answers {status}, so it is probably a proxy itself; its own backend connections are \
                 not in this capture (a Unix socket, or another interface), or it answers itself; if it is \
                 the proxy: --front {at}"
            ),
            Self::Scan { by, refused } => {
                format!("{by} was refused at {refused} addresses and ports: a scan, not judged")
            }
            Self::FailedBeside(calls) => failed_beside(calls),
            Self::NotJudged(listeners) => not_judged(listeners),
            Self::TlsInClear { read, unread, unexplained, lost, muted } => {
                in_clear([*read, *unread, *unexplained, *lost, *muted])
            }
            Self::HandshakePerRequest { proxy, backend, handshakes, requests, each } => {
                handshake_per_request(*proxy, *backend, [*handshakes, *requests], *each)
            }
            Self::LimitHit { bound, times } => {
                format!("the bound on {bound} was reached {}", plural(*times, "time"))
            }
            Self::ClientsUnknown(front) => format!(
                "what clients got is unknown, because they use TLS with the proxy ({front}): give its log \
                 (--access-log FILE)"
            ),
            Self::NoTrafficForBackend { named, span, near, others } => {
                no_traffic(*named, *span, near, *others)
            }
        }
    }
}

/// What there are so many of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Countable {
    /// Exchanges whose heads the snap length cut.
    HeadsCut,
    /// Connections of whose payload the snap length left nothing.
    NoPayload,
    /// Answers in chunks that the snap length cut.
    BodiesCut,
    /// Answers that are malformed, and that no proxy is seen to refuse.
    MalformedAnswers,
    /// Exchanges whose lengths contradict each other.
    ConflictingLengths,
    /// Connections that begin with a header of the PROXY protocol.
    ProxyProtocol,
    /// Answers that were framed by turns.
    ByTurns,
    /// Exchanges that were answered by something else than HTTP/1.
    NotHttp,
    /// Requests without an answer or a close when the capture ended.
    UnansweredAtEnd,
    /// Answers that are not seen to reach the proxy.
    AnswersUnacknowledged,
    /// Connects without an answer in the capture.
    ConnectsUnanswered,
    /// Connections of which only one direction was captured.
    OneDirectionOnly,
    /// Connections whose backend was guessed by the lower port.
    RolesGuessed,
    /// Segments on connections that had ended.
    AfterTheEnd,
}

impl Countable {
    const fn code(self) -> &'static str {
        match self {
            Self::HeadsCut => "heads_cut",
            Self::NoPayload => "heads_cut",
            Self::BodiesCut => "bodies_cut",
            Self::MalformedAnswers => "malformed_answers",
            Self::ConflictingLengths => "conflicting_lengths",
            Self::ProxyProtocol => "proxy_protocol",
            Self::ByTurns => "framed_by_turns",
            Self::NotHttp => "not_http",
            Self::UnansweredAtEnd => "unanswered_at_end",
            Self::AnswersUnacknowledged => "answers_unacknowledged",
            Self::ConnectsUnanswered => "connects_unanswered",
            Self::OneDirectionOnly => "one_direction_only",
            Self::RolesGuessed => "roles_guessed",
            Self::AfterTheEnd => "after_the_end",
        }
    }

    fn text(self, count: u64) -> String {
        match self {
            Self::HeadsCut => {
                format!("the snap length cut the heads of {}", plural(count, "exchange"))
            }
            Self::NoPayload => {
                format!("the snap length left no payload byte of {}", plural(count, "connection"))
            }
            Self::BodiesCut => format!(
                "the snap length cut {} in chunks, so where they end is not visible",
                plural(count, "response")
            ),
            Self::MalformedAnswers => format!(
                "{} malformed (not valid HTTP/1), and no proxy is seen to refuse it",
                is(count, "response")
            ),
            Self::ConflictingLengths => format!(
                "{} not judged: readers differ in where the response, or the one before, ends \
                 (Transfer-Encoding, Content-Length)",
                is(count, "exchange")
            ),
            Self::ProxyProtocol if count == 1 => {
                "1 connection begins with a PROXY protocol header; what follows it was read"
                    .to_owned()
            }
            Self::ProxyProtocol => format!(
                "{count} connections begin with a PROXY protocol header; what follows it was read"
            ),
            Self::ByTurns => format!(
                "{} judged by who spoke when, for the content cannot be read (TLS, no HTTP, or not \
                 captured): a 5xx of the backend itself does not show",
                is(count, "exchange")
            ),
            Self::NotHttp => {
                format!("{} not judged: the response is not HTTP/1", is(count, "exchange"))
            }
            Self::UnansweredAtEnd => format!(
                "{} had neither a response nor a close when the capture ended",
                plural(count, "request")
            ),
            Self::AnswersUnacknowledged => format!(
                "no packet of the capture shows that {} reached the proxy",
                plural(count, "response")
            ),
            Self::ConnectsUnanswered => format!(
                "{} to a backend got no answer in the capture",
                plural(count, "connection attempt")
            ),
            Self::OneDirectionOnly => {
                format!("only one direction was captured of {}", plural(count, "connection"))
            }
            Self::RolesGuessed => format!(
                "the backend of {} was guessed by the lower port",
                plural(count, "connection")
            ),
            Self::AfterTheEnd => format!(
                "{} came on connections that had ended, as far as was captured: not read",
                plural(count, "segment")
            ),
        }
    }
}

/// `1 response is`, `2 responses are`.
fn is(count: u64, noun: &str) -> String {
    format!("{} {}", plural(count, noun), if count == 1 { "is" } else { "are" })
}

/// `localhost` stands for two addresses.
fn localhost_detour(refused: Endpoint, connects: u64) -> String {
    let was = if connects == 1 { "was" } else { "were" };
    let (first, second) =
        if refused.addr.is_ipv6() { ("::1", "127.0.0.1") } else { ("127.0.0.1", "::1") };
    format!(
        "{} to {refused} {was} refused, and the same port at {second} took each at once: `localhost` stands for \
         {first} first, where nothing listens; harmless, and naming {second} in the proxy saves a connect",
        plural(connects, "connect"),
    )
}

fn two_vantages(pairs: &[(String, String, u64)], better: u64) -> String {
    let pairs = pairs.iter().map(|(first, second, connections)| {
        format!("{first} and {second} both hold {}", plural(*connections, "connection"))
    });
    let better = match better {
        0 => String::new(),
        better => format!("; the second one shows {} better", plural(better, "failure")),
    };
    format!(
        "{}: each capture was judged, then both were combined{better}",
        pairs.collect::<Vec<_>>().join(", ")
    )
}

fn failed_beside(calls: &[(Endpoint, u64)]) -> String {
    let all = calls.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let mut names: Vec<String> =
        calls.iter().take(NAMED).map(|(at, count)| format!("{at} ({count})")).collect();
    let more = calls.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    format!(
        "{} beside the proxy failed and {} not counted, for no client's request explains them: {}; to judge \
         one as a backend: --backend ADDR:PORT",
        plural(all, "call"),
        if all == 1 { "is" } else { "are" },
        names.join(", ")
    )
}

fn front_found(at: &[Endpoint]) -> String {
    let names: Vec<String> = at.iter().map(Endpoint::to_string).collect();
    let (forwards, is) =
        if at.len() == 1 { ("forwards its", "it is") } else { ("forward their", "they are") };
    format!(
        "{} {forwards} requests to another listener, so {is} treated as the proxy; if that is wrong, use \
         --backend ADDR:PORT",
        names.join(", ")
    )
}

fn not_judged(listeners: &[(Endpoint, &'static str)]) -> String {
    const NAMED: usize = 5;
    let named = listeners.iter().take(NAMED).map(|(endpoint, what)| format!("{endpoint} ({what})"));
    let named = named.collect::<Vec<_>>().join(", ");
    match listeners.len().saturating_sub(NAMED) {
        0 => format!("ignored: {named}"),
        more => format!("ignored: {named} and {more} more"),
    }
}

fn in_clear([read, unread, unexplained, lost, muted]: [u64; 5]) -> String {
    let were = |count: u64| match count {
        1 => "1 TLS connection was".to_owned(),
        more => format!("{more} TLS connections were"),
    };
    let programs = "from what programs of this host gave to OpenSSL (--tls-uprobes): protocols, sizes and \
                    counts of these are those of the plain text";
    let mut text = match (read, unread) {
        (0, _) => format!("none of {} was read", plural(unread, "TLS connection")),
        (_, 0) => format!("{} read {programs}", were(read)),
        _ => format!("{} read {programs}; {unread} more could not be read", were(read)),
    };
    if unexplained > 0 {
        text = format!("{text}; the text is unknown in {}", plural(unexplained, "place"));
    }
    if lost > 0 {
        let pieces = plural(lost, "piece");
        text = format!("{text}; {pieces} of text came faster than they could be read");
    }
    if muted > 0 {
        text = format!("{text}, and connections that missed some were not followed any further");
    }
    text
}

fn handshake_per_request(
    proxy: IpAddr,
    backend: Endpoint,
    [handshakes, requests]: [u64; 2],
    each: Option<Duration>,
) -> String {
    let each = each.map_or_else(String::new, |each| format!(", {} each", duration(each)));
    format!(
        "{proxy} makes a new connection to {backend} and a full TLS handshake for nearly every request ({handshakes} \
         handshakes that resume no session for {}{each}): keep connections open (nginx: `keepalive 32;` in the \
         upstream, `proxy_http_version 1.1;`, `proxy_set_header Connection \"\";`; HAProxy: no `option \
         http-server-close`, and `http-reuse always` if the backend keeps idle connections for longer than the proxy) \
         and resume sessions (nginx: `proxy_ssl_session_reuse on;`; HAProxy: no `no-ssl-reuse`); the backend must not \
         close after each response either",
        plural(requests, "request"),
    )
}

fn no_traffic(
    named: EndpointPattern,
    span: Duration,
    near: &[(Endpoint, bool)],
    others: bool,
) -> String {
    let near = near.iter().take(NAMED).map(|(endpoint, refused)| {
        format!("{endpoint}{}", if *refused { " (refused)" } else { "" })
    });
    let near = near.collect::<Vec<_>>().join(", ");
    let instead = match (near.is_empty(), others) {
        (false, _) => format!("; connections went to {near} instead"),
        (true, true) => ", although other traffic is in the capture".to_owned(),
        (true, false) => String::new(),
    };
    format!(
        "no connection to {named} in {}{instead}: check the security group, the target port, and the \
         address in the proxy",
        duration(span)
    )
}
