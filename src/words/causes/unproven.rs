//! `unproven`: it failed, and the capture cannot tell why.

use super::cause_words::CauseWords;
use crate::verdict::Doubt;
use crate::words::fix::{Fix, FixSide};
use crate::words::subject::Subject;

pub(super) const WORDS: CauseWords = CauseWords {
    noun: ["failure without proof", "failures without proof"],
    page: include_str!("unproven.md"),
    expected_status: &[502, 503, 504],
    helped: None,
};

pub(super) fn summary(subject: &Subject<'_>, doubt: Doubt) -> String {
    let Subject { request, failure, .. } = *subject;
    let backend = failure.server;
    let text = doubt_text(doubt);
    // Of a connect only what a watch lost is missing: nothing else shows that it failed.
    if doubt == Doubt::Gap && failure.request().is_none() {
        return format!("{request} to {backend} may have failed: {text}");
    }
    format!("{request} to {backend} failed; the capture does not show why: {text}")
}

fn doubt_text(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Gap => "packets are missing where it matters",
        Doubt::HeadsCut => "the snap length cut the heads",
        Doubt::OneDirection => "only one direction was captured",
        Doubt::NotHttp => "it is not HTTP/1",
        Doubt::SeveralReadings => "its packets can be read in more than one way",
        Doubt::ProxyClosedFirst => {
            "the proxy closed the connection while it waited: it timed out, or its client left"
        }
    }
}

/// What to change: mostly how the next capture is taken.
pub(super) fn fix(_: &Subject<'_>, doubt: Doubt) -> Fix {
    let text = match doubt {
        Doubt::Gap => {
            "capture again without losses: filter on the backend's port, and give tcpdump (`-B 16384`) \
             or why502 live (`--buffer-size`) a larger buffer"
        }
        Doubt::HeadsCut => "capture again with a longer snap length: `tcpdump -s 0`",
        Doubt::OneDirection => {
            "capture both directions: on the proxy's or the backend's own host, interface `any`"
        }
        Doubt::NotHttp => "name the HTTP backends: `--backend ADDR:PORT`",
        Doubt::SeveralReadings => "capture on the other host as well: the order may be clear there",
        Doubt::ProxyClosedFirst => {
            "compare the wait with the proxy's read timeout, and find what was slow on the backend"
        }
    };
    match doubt {
        Doubt::ProxyClosedFirst => Fix::on(FixSide::Backend, text),
        Doubt::Gap
        | Doubt::HeadsCut
        | Doubt::OneDirection
        | Doubt::NotHttp
        | Doubt::SeveralReadings => Fix::of_capture(text),
    }
}
