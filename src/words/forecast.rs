//! What a backend's keep-alive timer is expected to hit, in words.

use super::phrases::{duration, plural};
use crate::knowledge::expected_losses::{Basis, Estimate};
use std::time::Duration;

/// Requests from which on a rate says more than a count.
const ENOUGH: u64 = 1_000;

/// What a timer is expected to hit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ExpectedLosses {
    /// The backend's timer.
    pub keepalive: Duration,
    /// How close to the close a request must come to be lost.
    pub window: Duration,
    /// What the expectation rests on.
    pub basis: Basis,
    /// Requests in the capture.
    pub requests: u64,
    /// Of these, lost.
    pub lost: Estimate,
    /// Of a million requests, lost.
    pub per_million: Estimate,
    /// Lost in a day, where the capture is long enough to tell.
    pub per_day: Option<Estimate>,
}

/// What the timer is expected to hit, in a sentence or two.
pub fn sentence(losses: &ExpectedLosses) -> String {
    let ExpectedLosses { requests, per_million, .. } = *losses;
    let (keepalive, window) = (duration(losses.keepalive), duration(losses.window));
    let with = format!("With a backend keep-alive of {keepalive}");
    let per_day = losses.per_day.map_or_else(String::new, |day| format!(", {} a day", span(day)));
    let few = requests < ENOUGH;
    let lost = format!("{:.0}", losses.lost.mid);
    let of = plural(requests, "request");
    match losses.basis {
        Basis::ProxyFirst => format!("{with} no request is lost: the proxy closes first."),
        Basis::Observed if few => format!(
            "{lost} of {of} hit the backend's keep-alive timeout of {keepalive}. Requests seem to come at a \
             fixed interval close to it."
        ),
        Basis::Observed => format!(
            "{with}, {} in a million requests are lost{per_day}, by those in the capture. That is more than \
             even traffic would explain: requests seem to come at a fixed interval close to it.",
            span(per_million)
        ),
        Basis::Bound => format!(
            "{with}: at most {} in a million requests are lost. Idle times above today's timeout do not \
             occur in this capture, so there is no better estimate.",
            number(per_million.high)
        ),
        Basis::Counted if few => format!(
            "{with}: {} expected in {of}, at most {}. A request is lost if it is sent within {window} of the \
             close.",
            if lost == "0" { "no loss".to_owned() } else { format!("{lost} lost") },
            number(losses.lost.high)
        ),
        Basis::Counted => format!(
            "{with}, {} in a million requests are expected to be lost{per_day}. A request is lost if it is \
             sent within {window} of the close.",
            span(per_million)
        ),
    }
}

/// What the timer would hit with other timeouts than today's.
pub fn what_if(losses: &ExpectedLosses) -> String {
    format!("What if: {}", sentence(losses))
}

/// `3 (1 to 8)`.
fn span(estimate: Estimate) -> String {
    let Estimate { low, mid, high } = estimate;
    format!("{} ({} to {})", number(mid), number(low), number(high))
}

fn text_of(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

/// Two digits of a number that is not known better.
fn number(number: f64) -> String {
    if number >= 1_000.0 {
        let unit = 10_f64.powf(number.log10().floor() - 1.0);
        let digits = format!("{:.0}", (number / unit).round() * unit);
        let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(text_of).collect();
        groups.join(",")
    } else if number >= 10.0 || number == 0.0 {
        format!("{number:.0}")
    } else if number >= 0.1 {
        format!("{number:.1}")
    } else {
        "less than 0.1".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(basis: Basis, requests: u64) -> ExpectedLosses {
        ExpectedLosses {
            keepalive: Duration::from_secs(5),
            window: Duration::from_millis(2),
            basis,
            requests,
            lost: Estimate { low: 1.0, mid: 3.0, high: 8.0 },
            per_million: Estimate { low: 0.04, mid: 12.3, high: 1_234.0 },
            per_day: Some(Estimate { low: 0.0, mid: 1.25, high: 23_456.0 }),
        }
    }

    #[test]
    fn a_count_is_told_of_few_requests_and_a_rate_of_many() {
        let (few, many) = (ENOUGH - 1, ENOUGH);
        assert_eq!(
            sentence(&losses(Basis::Counted, few)),
            "With a backend keep-alive of 5.00 s: 3 lost expected in 999 requests, at most 8.0. A request \
             is lost if it is sent within 2.0 ms of the close."
        );
        let none = Estimate { low: 0.0, mid: 0.0, high: 0.2 };
        assert_eq!(
            sentence(&ExpectedLosses { lost: none, ..losses(Basis::Counted, few) }),
            "With a backend keep-alive of 5.00 s: no loss expected in 999 requests, at most 0.2. A request \
             is lost if it is sent within 2.0 ms of the close."
        );
        assert_eq!(
            sentence(&losses(Basis::Counted, many)),
            "With a backend keep-alive of 5.00 s, 12 (less than 0.1 to 1,200) in a million requests are \
             expected to be lost, 1.2 (0 to 23,000) a day. A request is lost if it is sent within 2.0 ms \
             of the close."
        );
        assert_eq!(
            sentence(&losses(Basis::Observed, few)),
            "3 of 999 requests hit the backend's keep-alive timeout of 5.00 s. Requests seem to come at a \
             fixed interval close to it."
        );
        assert_eq!(
            sentence(&ExpectedLosses { per_day: None, ..losses(Basis::Observed, many) }),
            "With a backend keep-alive of 5.00 s, 12 (less than 0.1 to 1,200) in a million requests are \
             lost, by those in the capture. That is more than even traffic would explain: requests seem \
             to come at a fixed interval close to it."
        );
    }

    #[test]
    fn what_other_timeouts_would_lose_is_a_bound_or_nothing() {
        assert_eq!(
            what_if(&losses(Basis::Bound, ENOUGH)),
            "What if: With a backend keep-alive of 5.00 s: at most 1,200 in a million requests are lost. \
             Idle times above today's timeout do not occur in this capture, so there is no better \
             estimate."
        );
        assert_eq!(
            what_if(&losses(Basis::ProxyFirst, ENOUGH)),
            "What if: With a backend keep-alive of 5.00 s no request is lost: the proxy closes first."
        );
    }
}
