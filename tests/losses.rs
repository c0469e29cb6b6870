//! What a missing frame must cost. That damage may lower a certainty is held elsewhere; here is where it has
//! to, because nothing that is left shows what the frame showed.

use crate::conversations::{Expected, SCENARIOS, Scenario, failure};
use crate::scenarios::{ISNS, analyze, played, rank, said};
use crate::wire::Frame;
use why502::report::Report;

/// What must be said of a conversation without one of its frames.
enum Left {
    /// This, of its one failure.
    Said(&'static str, &'static str, &'static str),
    /// Nothing of a failure, but this note.
    Noted(&'static str),
}

use Left::{Noted, Said};

const UNPROVEN: Left = Said("unproven", "possible", "unknown");
/// As much of the answer came that the request had been read.
const UNPROVEN_ANSWERED: Left = Said("unproven", "possible", "unsafe");
const LOSS: Left = Noted("capture_loss");
const OPEN: Left = Noted("unanswered_at_end");

/// Conversations, and by the numbers of frames what is left without each.
const LOSSES: &[(&str, &[(usize, Left)])] = &[
    // The FIN; the request; the reset that shows that the kernel threw the request away.
    (
        "the backend's FIN crosses the request",
        &[(8, UNPROVEN), (9, LOSS), (10, Said("keepalive_race", "proven", "unknown"))],
    ),
    (
        "the backend's FIN crosses a request of two segments",
        &[(8, UNPROVEN), (9, LOSS), (11, Said("keepalive_race", "proven", "unknown"))],
    ),
    // Without the first reset, the second is that of a host that has forgotten the connection.
    (
        "the backend resets an idle connection and the request crosses that",
        &[(8, Said("silent_drop", "likely", "unknown")), (9, LOSS)],
    ),
    (
        "a backend that half-closed goes on acknowledging what it will not answer",
        &[(8, OPEN), (9, LOSS)],
    ),
    (
        "a backend that half-closed acknowledges what crossed its FIN, and resets",
        &[(8, UNPROVEN), (9, LOSS)],
    ),
    (
        "the request acknowledges the backend's FIN",
        &[
            (8, Said("silent_drop", "likely", "unknown")),
            (10, LOSS),
            (11, Said("stale_reuse", "proven", "unknown")),
        ],
    ),
    // The request; the backend's FIN; the proxy's: it may have closed before the backend did.
    ("the backend takes the request and closes", &[(8, LOSS), (10, OPEN), (11, UNPROVEN)]),
    // A part of the upload; the backend's FIN; the proxy's.
    ("the backend closes in the middle of an upload", &[(9, UNPROVEN), (11, OPEN), (12, UNPROVEN)]),
    ("the backend accepts, and closes before the request reaches it", &[(4, UNPROVEN)]),
    ("the backend resets with the request unread", &[(8, LOSS), (10, OPEN)]),
    ("a new connection is reset by a host that has forgotten it", &[(5, OPEN)]),
    ("something between resets the connection", &[(10, OPEN)]),
    // The head with the length; the proxy's FIN.
    (
        "the backend closes before its Content-Length is reached",
        &[(10, LOSS), (13, LOSS), (14, UNPROVEN_ANSWERED)],
    ),
    ("the backend closes before the last chunk", &[(6, LOSS), (8, LOSS), (9, UNPROVEN_ANSWERED)]),
    ("the backend resets in the middle of an answer", &[(6, LOSS), (9, OPEN)]),
    ("the backend closes in the middle of the head", &[(6, LOSS), (9, UNPROVEN_ANSWERED)]),
    ("a SYN is answered by a reset", &[(1, Said("connection_refused", "likely", "safe"))]),
    // The answer could have been in what is missing.
    ("the proxy loses patience", &[(8, LOSS), (10, UNPROVEN), (11, OPEN)]),
    ("the answer comes after the proxy has lost patience", &[(4, UNPROVEN), (9, OPEN)]),
    (
        "nobody answers three SYNs",
        &[
            (1, Said("connect_timeout", "possible", "safe")),
            (2, Said("connect_timeout", "possible", "safe")),
            (3, Said("connect_timeout", "possible", "safe")),
        ],
    ),
    ("the backend itself answers 503", &[(6, LOSS)]),
    ("the request is sent again and again without a word, until the proxy closes", &[(12, OPEN)]),
    (
        "the request arrives when the proxy has given up",
        &[(8, Said("silent_drop", "possible", "unsafe")), (13, Noted("answers_unacknowledged"))],
    ),
    (
        "a request sent twice on a new connection, and the proxy closes",
        &[
            (4, Said("silent_drop", "possible", "unknown")),
            (5, Said("silent_drop", "possible", "unknown")),
        ],
    ),
    ("a request that nobody acknowledges before a late FIN is no crossing", &[(12, UNPROVEN)]),
    ("the queue has room at last, when the proxy has given up", &[(13, UNPROVEN), (14, OPEN)]),
    (
        "the backend stops in the middle of its answer and the proxy closes",
        &[(10, LOSS), (11, UNPROVEN_ANSWERED), (13, UNPROVEN_ANSWERED), (14, OPEN)],
    ),
    // The acknowledgement that closes the window.
    (
        "the backend stops reading and the proxy closes",
        &[(6, Said("client_gone", "possible", "unknown")), (8, OPEN)],
    ),
    (
        "the proxy closes while the answer is flowing",
        &[(11, UNPROVEN_ANSWERED), (13, UNPROVEN_ANSWERED), (14, OPEN)],
    ),
    ("the answer begins with no status line", &[(6, LOSS), (8, LOSS)]),
    ("the head is longer than the proxy's buffer", &[(10, LOSS)]),
    ("a request in clear is answered by a TLS alert", &[(6, UNPROVEN)]),
    ("a TLS hello is answered in clear", &[(4, LOSS), (6, LOSS)]),
    ("an HTTP/2 preface is answered in HTTP/1", &[(4, LOSS), (6, LOSS)]),
];

fn without(frames: &[Frame], number: usize) -> Report {
    let mut damaged = frames.to_vec();
    damaged.remove(number - 1);
    analyze(&damaged)
}

fn find(name: &str) -> &'static Scenario {
    SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn what_rests_on_a_frame_is_not_said_without_it() {
    for (name, losses) in LOSSES {
        for isns in [ISNS[0], ISNS[2]] {
            let frames = played(find(name), isns);
            for (number, left) in *losses {
                let report = without(&frames, *number);
                let found: Vec<Expected> = report.failures.iter().map(said).collect();
                let what = format!("{name}, without frame {number}: {:?}", report.notes);
                match left {
                    Said(cause, certainty, retry) => {
                        assert_eq!(found, failure(cause, certainty, retry), "{what}");
                    }
                    Noted(code) => {
                        assert_eq!(found, [], "{what}");
                        assert!(report.notes.iter().any(|note| note.code == *code), "{what}");
                    }
                }
            }
        }
    }
}

/// Who says that a close was the reason has seen it. What the answer itself shows needs none.
#[test]
fn without_its_close_no_failure_is_as_sure_as_with_it() {
    let mut closes = 0;
    for scenario in SCENARIOS {
        let frames = played(scenario, ISNS[0]);
        let report = analyze(&frames);
        let Some(whole) = report.failures.first() else { continue };
        let by_answer = matches!(whole.cause.name(), "invalid_response" | "protocol_mismatch");
        let close = whole.close.as_ref().and_then(|close| close.frame);
        let Some(close) = close.filter(|_| frames.len() > 1 && !by_answer) else { continue };
        closes += 1;
        for now in &without(&frames, close.number as usize).failures {
            let lower = whole.certainty.name() == "possible"
                || rank(now.certainty.name()) < rank(whole.certainty.name());
            assert!(lower, "{}: {:?} became {:?}", scenario.name, said(whole), said(now));
        }
    }
    assert!(closes > 30, "{closes}");
}

/// A proof rests on something that was captured: without that it is none.
#[test]
fn whatever_is_proven_rests_on_a_frame() {
    for scenario in SCENARIOS.iter().filter(|one| (one.expected)().iter().any(is_proven)) {
        let frames = played(scenario, ISNS[0]);
        let proven = |number: &usize| {
            let report = without(&frames, *number);
            report.failures.iter().map(said).any(|failure| is_proven(&failure))
        };
        let kept = (1..=frames.len()).filter(proven).count();
        assert!(kept < frames.len(), "{}: proven whatever is missing", scenario.name);
    }
}

fn is_proven(failure: &Expected) -> bool {
    failure.certainty == "proven"
}
