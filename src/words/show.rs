//! One failure (`why502 show`), in words.

use super::failure_section::request;
use super::fix::Fix;
use super::page::change_on;
use super::phrases::sentence;
use super::words;
use crate::base::time::Timestamp;
use crate::packet::Endpoint;
use crate::verdict::{Cause, Certainty};

/// Number, method and target, and why it failed.
pub fn heading(
    number: usize,
    [method, target]: [Option<&str>; 2],
    cause: Cause,
    certainty: Certainty,
) -> String {
    let asked = match (method, target) {
        (None, None) => String::new(),
        _ => format!("  {}", request(method, target)),
    };
    format!("#{number}{asked}  {} ({})", words(cause).noun[0], certainty.name())
}

/// From where to where; those of probes come from many ports.
pub fn ends(proxy: Option<Endpoint>, backend: Option<Endpoint>) -> Option<String> {
    let (proxy, backend) = proxy.zip(backend)?;
    let proxy = if proxy.port == 0 { proxy.addr.to_string() } else { proxy.to_string() };
    Some(format!("{proxy} -> {backend}"))
}

/// What happened, and when.
pub fn happened(at: Timestamp, summary: &str) -> String {
    format!("{} {}: {}", at.date_and_time(), at.zone(), sentence(summary))
}

/// What `X` in the drawing means.
pub const CROSSED: &str = "X: the request and the close crossed on the way; neither side knew.";

/// The frames of a sentence, at the proxy and at the backend.
pub fn frames(frames: [Option<u64>; 2]) -> String {
    match frames {
        [Some(proxy), Some(backend)] => format!(" (frames {proxy} and {backend})"),
        [Some(one), None] | [None, Some(one)] => format!(" (frame {one})"),
        [None, None] => String::new(),
    }
}

/// What to change; in the first `place`, or what would help as well.
pub fn change(place: usize, cause: Cause, fix: &Fix) -> String {
    let label = match (place, cause) {
        (0, Cause::Unproven) => "Find out",
        (0, _) => "Change",
        (_, _) => "or",
    };
    let text = fix.brief.as_deref().unwrap_or(&fix.text);
    let what = match (&fix.line, &fix.place) {
        (Some(line), Some(place)) => format!("{line} ({place})"),
        (Some(line), None) => line.clone(),
        (None, _) => format!("{text}."),
    };
    format!("{label:<11}{}: {what}", change_on(fix.side))
}

/// How to see whether it helped.
pub fn helped(check: &str) -> String {
    format!("Helped?    {check}")
}

/// The display filter for frames of these numbers.
pub fn proof_filter(numbers: &str) -> String {
    format!("Proof      frame.number in {{{numbers}}}")
}

/// The display filter for the connection.
pub fn connection_filter(filter: &str) -> String {
    format!("Wireshark  {filter}")
}

/// No failure is called so.
pub fn no_such(which: &str, failures: usize) -> String {
    match failures {
        0 => format!("no failure {which}: nothing failed in these captures"),
        1 => format!("no failure {which}: there is one, number 1"),
        _ => format!(
            "no failure {which}: there are {failures}, numbers 1 to {failures} (or their ids)"
        ),
    }
}
