//! The drawing of one failure, on the page and in plain characters: labels, and what it is called.

use super::phrases::duration;
use super::phrases::{grouped, plural_grouped};
use std::time::Duration;

/// Below a ladder: where its two ends come from.
pub const fn ladder_caption(measured: bool, at_backend: bool) -> &'static str {
    match (measured, at_backend) {
        (true, _) => {
            "Both ends of each arrow are measured, one at either host. The order is exact, distances are \
             not to scale."
        }
        (false, false) => {
            "Measured on the left; on the right drawn half a round trip away. Distances are not to scale."
        }
        (false, true) => {
            "Measured on the right; on the left drawn half a round trip away. Distances are not to scale."
        }
    }
}

/// A pause in a ladder, in which the connection is idle.
pub fn idle_label(time: Duration) -> String {
    format!("idle {}", duration(time))
}

/// A pause in a ladder, whatever it is of.
pub fn passing_label(time: Duration) -> String {
    format!("{} pass", duration(time))
}

/// Time that passes while a request waits.
pub fn waiting_label(time: Duration) -> String {
    format!("waits {}", duration(time))
}

/// Labels of arrows.
pub const SYN: &str = "SYN";
pub const SYN_AGAIN: &str = "SYN again";
pub const SYN_ACK: &str = "SYN-ACK";
pub const ACK: &str = "ACK";
pub const RST: &str = "RST";
pub const FIN: &str = "FIN";
pub const AGAIN: &str = "the same again";
pub const RESPONSE: &str = "response";
pub const REQUEST: &str = "request";
pub const WHO_HAS: &str = "who has this address?";
pub const CLIENT_HELLO: &str = "ClientHello";
pub const TLS_ALERT: &str = "TLS alert";
pub const WINDOW_0: &str = "window 0: takes no more";
pub const CROSSING: &str = "In the ring the request and the close cross: neither side knew.";

/// A request that is sent again, so much later.
pub fn sent_again_arrow(after: &str) -> String {
    format!("sent again, +{after}")
}

/// A request or response, and its length.
pub fn with_length(what: &str, length: Option<u64>) -> String {
    length.filter(|length| *length > 0).map_or_else(
        || what.to_owned(),
        |length| format!("{what} · {}", plural_grouped(length, "byte")),
    )
}

/// A close, and what it acknowledges of the request.
pub fn acks_of(what: &str, got: u64, whole: u64) -> String {
    match got {
        0 => format!("{what} · acks 0 of {}", grouped(whole)),
        got if got >= whole => format!("{what} · acks all {}", grouped(whole)),
        got => format!("{what} · acks {} of {}", grouped(got), grouped(whole)),
    }
}

/// What a ladder shows, for who does not see it.
pub fn ladder_title(proxy: &str, backend: &str) -> String {
    format!("Timeline of the connection from {proxy} to {backend}")
}

/// The frames of a step: its number in the one capture, or in those of both sides.
pub fn frames(at_proxy: Option<u64>, at_backend: Option<u64>) -> Option<String> {
    Some(match (at_proxy, at_backend) {
        (Some(proxy), Some(backend)) => format!("frames {proxy} (proxy) and {backend} (backend)"),
        (Some(one), None) | (None, Some(one)) => format!("frame {one}"),
        (None, None) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_tells_how_much_it_acknowledges() {
        assert_eq!(acks_of("FIN", 0, 105), "FIN · acks 0 of 105");
        assert_eq!(acks_of("FIN", 105, 105), "FIN · acks all 105");
    }
}
