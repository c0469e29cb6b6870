//! What a person reads of a failure.

use crate::events::{SECOND, all};
use crate::scenarios::analyze;
use crate::talk::{End, Talk, get};
use End::{Backend, Proxy};

#[test]
fn a_long_wait_is_told_in_minutes_and_seconds() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(SECOND * 125).close(Proxy);
    let summary = &analyze(&talk.frames).failures[0].summary;
    assert!(summary.contains("2 min 5 s"), "{summary}");
}

#[test]
fn failures_of_two_backends_are_told_one_by_one() {
    let mut talks = Vec::new();
    for (port, backend) in [(40_000, [10, 0, 0, 1]), (40_001, [10, 0, 0, 2])] {
        let mut talk = Talk::new(port.into(), 7)
            .between(([10, 0, 0, 9], port), (backend, 8080))
            .after(SECOND * (u32::from(port) - 39_990));
        talk.handshake().data(Proxy, &get("/crash")).ack(Backend).close(Backend);
        talks.push(talk);
    }
    let mut page = Vec::new();
    why502::report::text::write(&all(&talks), false, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    let lead = page.split("Causes").next().unwrap();
    assert!(lead.contains("10.0.0.1:8080") && lead.contains("10.0.0.2:8080"), "{lead}");
}
