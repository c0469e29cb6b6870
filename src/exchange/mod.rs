//! Streams become requests and responses, and these become exchanges.
//!
//! [`Reader`] follows one connection. Whatever the protocol, it makes known an [`Exchange`] for each
//! request, once its fate is known, and at the end what the connection was ([`Ended`]). It frames
//! HTTP/1.1 by its heads (`http1`); other protocols are recognised, and framed by whose turn it is
//! (`turn_reader`).
//!
//! An answered exchange is made known when the next request comes, or with the end of its connection:
//! what follows the answer tells whether the client took it. A 5xx is told at once.
//!
//! Invariant: a byte of the server belongs to a request only if the segment that first carried it
//! acknowledged some of that request; anything else is surplus (a greeting, a notice, the body that
//! a HEAD should not have), never an answer.

mod detect;
mod flaw;
mod goodbye;
mod hand_over;
mod harmless;
mod http1;
mod known_protocol;
mod marks;
mod opaque;
mod opening;
mod outcome;
mod output;
mod proxy_header;
mod reader;
mod request;
mod response;
mod software;
mod tls;
mod told;
mod turn_reader;
mod turns;

pub use detect::Protocol;
pub use flaw::{Flaw, FlawKind};
pub use harmless::each_harmless;
pub use http1::gaps::MIN_MESSAGE;
pub use http1::turns::SHORTEST_KEEPALIVE;
pub use known_protocol::KnownProtocol;
pub use marks::{HarmlessSpan, HarmlessSpans};
pub use outcome::{Outcome, Unread};
pub use output::{Ended, Exchange, Mismatch, Output, ToldText, Tunnel};
pub use proxy_header::ProxyHeader;
pub use reader::Reader;
pub use request::{Request, RequestDigest, RequestHead};
pub use response::{Begun, Response};
pub use software::{Prober, ProxyKind, RequestSigns, ServerKind, trace_id};
pub use turns::{Turns, TurnsEnded};
