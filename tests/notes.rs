//! What limits the answer, and is told as a note or a doubt.

use crate::conversations::failure;
use crate::properties::cut_to;
use crate::scenarios::{analyze, read, said};
use crate::talk::{End, Talk, get, ok};
use End::{Backend, Proxy};

#[test]
fn a_request_whose_head_was_cut_proves_nothing() {
    let mut talk = Talk::new(3, 4);
    talk.handshake()
        .data(Proxy, &get("/a?long=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))
        .ack(Backend)
        .close(Backend);
    let report = read(cut_to(&talk.frames, 90)).unwrap();
    assert_eq!(
        report.failures.iter().map(said).collect::<Vec<_>>(),
        failure("closed_in_flight", "likely", "unknown")
    );
}

#[test]
fn an_acknowledgement_at_the_very_end_tells_what_was_missed() {
    let mut talk = Talk::new(3, 4);
    talk.handshake().exchange("/a", 64).data(Proxy, &get("/b")).ack(Backend).data(Backend, &ok(64));
    talk.frames.pop();
    talk.ack(Proxy);
    let report = analyze(&talk.frames);
    assert_eq!(
        (
            report.counters.capture_gaps,
            report.counters.exchanges_unread,
            report.counters.exchanges_open
        ),
        (1, 1, 0)
    );
}
