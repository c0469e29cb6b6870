//! What the way lost, and what only looks so: a request that was taken, a host that waits, an answer of
//! which too little was captured.

use crate::conversations::{Expected, failure};
use crate::events::{SECOND, millis};
use crate::scenarios::{analyze, said};
use crate::talk::{End, Frame, Talk, get, ok};
use End::{Backend, Proxy};
use std::time::Duration;

fn found(frames: &[Frame]) -> Vec<Expected> {
    analyze(frames).failures.iter().map(said).collect()
}

/// The request comes through at the third time, and the answer when the proxy has given up.
fn taken_after(wait: Duration, patience: Duration) -> Talk {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/warm", 64).data_unheard(Proxy, &get("/a"));
    talk.idle(wait).again(Proxy, &get("/a")).idle(wait).again(Proxy, &get("/a"));
    talk.arrives(Backend).ack(Backend).idle(patience).fin(Proxy).ack(Backend);
    talk.idle(SECOND).data_unheard(Backend, &ok(64)).rst_in_reply(Proxy);
    talk
}

#[test]
fn a_request_that_came_through_in_time_is_not_what_made_the_answer_late() {
    for (wait, patience) in [(millis(200), millis(100)), (millis(200), SECOND * 5)] {
        let found = found(&taken_after(wait, patience).frames);
        assert_eq!(found, failure("response_timeout", "likely", "unsafe"), "{patience:?}");
    }
    let late = found(&taken_after(millis(800), SECOND).frames);
    assert_eq!(late, failure("silent_drop", "proven", "unsafe"));
}
