//! Conversations, and the verdict on each: for every cause those where it fires, where it must not
//! fire, and where it cannot be told.

use crate::wire::{End, Talk, get, ok, ok_head, post_head};
use End::{Backend, Proxy};
use std::time::Duration;

const TWO_SECONDS: Duration = Duration::from_secs(2);

/// What is expected of one failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expected {
    pub cause: &'static str,
    pub certainty: &'static str,
    pub retry: &'static str,
}

pub fn failure(cause: &'static str, certainty: &'static str, retry: &'static str) -> Vec<Expected> {
    vec![Expected { cause, certainty, retry }]
}

/// One conversation and what must be said of it.
pub struct Scenario {
    pub name: &'static str,
    pub play: fn(&mut Talk),
    pub expected: fn() -> Vec<Expected>,
}

fn none() -> Vec<Expected> {
    Vec::new()
}

pub const SCENARIOS: &[Scenario] = &[
    // keepalive_race
    Scenario {
        name: "the backend's FIN crosses the request",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.fin_unheard(Backend).data(Proxy, &get("/raced"));
            talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
        },
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    Scenario {
        name: "the backend's FIN crosses a request of two segments",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.fin_unheard(Backend);
            talk.data(Proxy, &post_head("/raced", 300)).data(Proxy, &[b'b'; 300]);
            talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
        },
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    Scenario {
        name: "the backend resets an idle connection and the request crosses that",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.rst(Backend).data_unheard(Proxy, &get("/raced"));
            talk.rst_in_reply(Backend);
        },
        expected: || failure("keepalive_race", "proven", "safe"),
    },
    Scenario {
        name: "a backend that half-closed goes on acknowledging what it will not answer",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.fin_unheard(Backend).data(Proxy, &get("/raced")).ack(Backend);
            talk.arrives(Proxy).fin(Proxy).ack(Backend);
        },
        expected: || failure("keepalive_race", "proven", "unknown"),
    },
    Scenario {
        name: "a backend that half-closed acknowledges what crossed its FIN, and resets",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS).fin_unheard(Backend);
            talk.data(Proxy, &get("/raced")).ack(Backend);
            talk.idle(Duration::from_millis(3)).rst(Backend);
        },
        expected: || failure("keepalive_race", "proven", "unknown"),
    },
    // stale_reuse
    Scenario {
        name: "the request acknowledges the backend's FIN",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.fin(Backend).ack(Proxy).idle(TWO_SECONDS);
            talk.data_unheard(Proxy, &get("/stale")).rst_in_reply(Backend);
        },
        expected: || failure("stale_reuse", "proven", "safe"),
    },
    // closed_in_flight
    Scenario {
        name: "the backend takes the request and closes",
        play: |talk| {
            talk.handshake().exchange("/warm", 64);
            talk.data(Proxy, &get("/crash")).ack(Backend).idle(TWO_SECONDS).close(Backend);
        },
        expected: || failure("closed_in_flight", "proven", "unsafe"),
    },
    Scenario {
        name: "the backend takes the first request of a connection and closes without acknowledging apart",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/crash")).idle(TWO_SECONDS).close(Backend);
        },
        expected: || failure("closed_in_flight", "proven", "unsafe"),
    },
    Scenario {
        name: "the backend closes in the middle of an upload",
        play: |talk| {
            talk.handshake().exchange("/warm", 64);
            talk.data(Proxy, &post_head("/upload", 4_000)).data(Proxy, &[b'b'; 1_000]);
            talk.ack(Backend).fin(Backend).fin(Proxy).ack(Backend);
        },
        expected: || failure("closed_in_flight", "likely", "unknown"),
    },
    Scenario {
        name: "the backend accepts, and closes before the request reaches it",
        play: |talk| {
            talk.handshake().fin_unheard(Backend).data(Proxy, &get("/early"));
            talk.rst_in_reply(Backend).arrives(Proxy).fin(Proxy);
        },
        expected: || failure("closed_in_flight", "likely", "safe"),
    },
    Scenario {
        name: "an empty line comes before the request that the backend takes, and it closes",
        play: |talk| {
            talk.handshake().data(Proxy, &[b"\r\n", &get("/crash")[..]].concat()).ack(Backend);
            talk.close(Backend);
        },
        expected: || failure("closed_in_flight", "proven", "unsafe"),
    },
    // reset_in_flight
    Scenario {
        name: "the backend resets with the request unread",
        play: |talk| {
            talk.handshake().exchange("/warm", 64);
            talk.data(Proxy, &get("/reset")).ack(Backend).idle(TWO_SECONDS).rst(Backend);
        },
        expected: || failure("reset_in_flight", "proven", "unsafe"),
    },
    Scenario {
        name: "a new connection is reset by a host that has forgotten it",
        play: |talk| {
            talk.handshake().data_unheard(Proxy, &get("/reset")).rst_in_reply(Backend);
        },
        expected: || failure("reset_in_flight", "likely", "unknown"),
    },
    Scenario {
        name: "something between resets the connection",
        play: |talk| {
            talk.handshake().exchange("/warm", 64);
            talk.data(Proxy, &get("/reset"))
                .ack(Backend)
                .idle(TWO_SECONDS)
                .rst_foreign(Backend, 255);
        },
        expected: || failure("reset_in_flight", "likely", "unsafe"),
    },
    Scenario {
        name: "something between resets the proxy's end, and the answer comes after that",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/reset")).ack(Backend);
            talk.idle(TWO_SECONDS).rst_foreign(Backend, 255).data(Backend, &ok(64));
            talk.rst_in_reply(Proxy);
        },
        expected: || failure("reset_in_flight", "likely", "unsafe"),
    },
    Scenario {
        name: "a reset of another time to live comes after the answer, which the proxy has taken",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).exchange("/taken", 64);
            talk.rst_foreign(Backend, 255);
        },
        expected: none,
    },
    // truncated_response
    Scenario {
        name: "the backend closes before its Content-Length is reached",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/cut")).ack(Backend);
            talk.data(Backend, &ok_head(4_000)).data(Backend, &[b'x'; 1_000]).ack(Proxy);
            talk.close(Backend);
        },
        expected: || failure("truncated_response", "proven", "unsafe"),
    },
    Scenario {
        name: "the backend closes before the last chunk",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/cut")).ack(Backend);
            talk.data(
                Backend,
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            );
            talk.ack(Proxy).close(Backend);
        },
        expected: || failure("truncated_response", "proven", "unsafe"),
    },
    Scenario {
        name: "the backend resets in the middle of an answer",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/cut")).ack(Backend);
            talk.data(Backend, &ok_head(4_000)).data(Backend, &[b'x'; 1_000]).ack(Proxy);
            talk.rst(Backend);
        },
        expected: || failure("truncated_response", "proven", "unsafe"),
    },
    Scenario {
        name: "the backend closes in the middle of the head",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/cut")).ack(Backend);
            talk.data(Backend, b"HTTP/1.1 200 OK\r\nContent-Le").ack(Proxy).close(Backend);
        },
        expected: || failure("truncated_response", "proven", "unsafe"),
    },
    // connection_refused
    Scenario {
        name: "a SYN is answered by a reset",
        play: |talk| {
            talk.syn().refuse();
        },
        expected: || failure("connection_refused", "proven", "safe"),
    },
    Scenario {
        name: "a SYN that was not captured is answered by a reset",
        play: |talk| {
            talk.syn().refuse();
            talk.frames.remove(0);
        },
        expected: || failure("connection_refused", "likely", "safe"),
    },
    // response_timeout
    Scenario {
        name: "the proxy loses patience",
        play: |talk| {
            talk.handshake().exchange("/warm", 64);
            talk.data(Proxy, &get("/slow")).ack(Backend).idle(TWO_SECONDS).close(Proxy);
        },
        expected: || failure("response_timeout", "likely", "unsafe"),
    },
    Scenario {
        name: "the proxy loses patience after a tenth of a second",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/a")).ack(Backend);
            talk.idle(Duration::from_millis(100)).close(Proxy);
        },
        expected: || failure("response_timeout", "likely", "unsafe"),
    },
    Scenario {
        name: "the proxy closes so soon that it has not lost patience",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/a")).ack(Backend);
            talk.idle(Duration::from_millis(10)).close(Proxy);
        },
        expected: || failure("client_gone", "possible", "unsafe"),
    },
    Scenario {
        name: "the answer comes after the proxy has lost patience",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/slow")).ack(Backend).idle(TWO_SECONDS);
            talk.fin(Proxy).ack(Backend).idle(TWO_SECONDS).data_unheard(Backend, &ok(64));
            talk.rst_in_reply(Proxy);
        },
        expected: || failure("response_timeout", "likely", "unsafe"),
    },
    // connect_timeout
    Scenario {
        name: "nobody answers three SYNs",
        play: |talk| {
            talk.syn().idle(Duration::from_secs(1)).syn_again().idle(TWO_SECONDS).syn_again();
        },
        expected: || failure("connect_timeout", "proven", "safe"),
    },
    // backend_error
    Scenario {
        name: "the backend itself answers 503",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/busy")).ack(Backend);
            talk.data(Backend, b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno").ack(Proxy);
            talk.close(Proxy);
        },
        expected: || failure("backend_error", "proven", "unsafe"),
    },
    // silent_drop
    Scenario {
        name: "the request is sent again and again without a word, until the proxy closes",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let lost = get("/lost");
            talk.data_unheard(Proxy, &lost);
            talk.again_and_again(Proxy, &lost);
            talk.fin_unheard(Proxy);
        },
        expected: || failure("silent_drop", "proven", "unknown"),
    },
    Scenario {
        name: "the request is sent again and again without a word, and the capture ends",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let lost = get("/lost");
            talk.data_unheard(Proxy, &lost);
            for wait in [200, 200, 400, 800, 1_600, 3_200] {
                talk.idle(Duration::from_millis(wait)).again(Proxy, &lost);
            }
        },
        expected: || failure("silent_drop", "likely", "unknown"),
    },
    Scenario {
        name: "the request was sent again and again, and comes through at last",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let lost = get("/lost");
            talk.data_unheard(Proxy, &lost);
            for wait in [200, 200, 400, 800] {
                talk.idle(Duration::from_millis(wait)).again(Proxy, &lost);
            }
            talk.arrives(Backend).data(Backend, &ok(64)).ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "the request arrives when the proxy has given up",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let lost = get("/lost");
            talk.data_unheard(Proxy, &lost);
            talk.again_and_again(Proxy, &lost);
            talk.arrives(Backend).data_unheard(Backend, &ok(64)).rst_in_reply(Proxy);
        },
        expected: || failure("silent_drop", "proven", "unsafe"),
    },
    Scenario {
        name: "a request sent twice on a new connection, and the proxy closes",
        play: |talk| {
            talk.handshake().data_unheard(Proxy, &get("/lost")).idle(TWO_SECONDS);
            talk.again(Proxy, &get("/lost")).idle(TWO_SECONDS).fin_unheard(Proxy);
            talk.idle(TWO_SECONDS).fin_again(Proxy);
        },
        expected: || failure("silent_drop", "likely", "unknown"),
    },
    Scenario {
        name: "a request that nobody acknowledges before a late FIN is no crossing",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let lost = get("/lost");
            talk.data_unheard(Proxy, &lost);
            talk.again_and_again(Proxy, &lost);
            talk.fin_unheard(Backend).arrives(Proxy).fin(Proxy);
        },
        expected: || failure("silent_drop", "proven", "unknown"),
    },
    Scenario {
        name: "the other end has forgotten a connection that it used before",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data_unheard(Proxy, &get("/lost")).rst_in_reply(Backend);
        },
        expected: || failure("silent_drop", "likely", "unknown"),
    },
    Scenario {
        name: "the answer is sent again and again, and the proxy never hears of it",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data(Proxy, &get("/lost")).data_unheard(Backend, &ok(64));
            talk.again_and_again(Backend, &ok(64));
            talk.fin_unheard(Proxy);
        },
        expected: || failure("silent_drop", "likely", "unsafe"),
    },
    Scenario {
        name: "a request that had to be repeated, and is answered",
        play: |talk| {
            talk.handshake().exchange("/a", 64).idle(TWO_SECONDS);
            talk.data_unheard(Proxy, &get("/b"));
            talk.again_and_again(Proxy, &get("/b"));
            talk.arrives(Backend).data(Backend, &ok(64)).ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "an answer that had to be repeated, and is taken",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/b")).data_unheard(Backend, &ok(64));
            talk.again_and_again(Backend, &ok(64));
            talk.arrives(Proxy).ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "the proxy's FIN waits behind a request that nobody acknowledges",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            let lost = get("/lost");
            talk.data_unheard(Proxy, &lost);
            for _ in 0..2 {
                talk.idle(Duration::from_millis(400)).again(Proxy, &lost);
            }
            // Given up by now, but all that can be sent is the request again, with the FIN on it.
            talk.idle(TWO_SECONDS).again_with_fin(Proxy, &lost);
        },
        expected: || failure("silent_drop", "proven", "unknown"),
    },
    // accept_queue_full
    Scenario {
        name: "the SYN+ACK comes again and again though the proxy has answered it",
        play: |talk| {
            talk.handshake().data_unheard(Proxy, &get("/queued"));
            for _ in 0..3 {
                talk.idle(Duration::from_secs(1)).syn_ack_again();
            }
            talk.fin_unheard(Proxy).idle(TWO_SECONDS).fin_again(Proxy);
        },
        expected: || failure("accept_queue_full", "likely", "unknown"),
    },
    Scenario {
        name: "the queue has room at last, when the proxy has given up",
        play: |talk| {
            talk.handshake().data_unheard(Proxy, &get("/queued"));
            for _ in 0..3 {
                talk.idle(Duration::from_secs(1)).again(Proxy, &get("/queued")).syn_ack_again();
            }
            talk.idle(TWO_SECONDS).again(Proxy, &get("/queued")).arrives(Backend).ack(Backend);
            talk.close(Proxy);
        },
        expected: || failure("accept_queue_full", "likely", "unsafe"),
    },
    Scenario {
        name: "the queue has room in time, and the backend is slow",
        play: |talk| {
            talk.handshake().data_unheard(Proxy, &get("/queued"));
            for _ in 0..2 {
                talk.idle(Duration::from_secs(1)).again(Proxy, &get("/queued")).syn_ack_again();
            }
            talk.idle(TWO_SECONDS).again(Proxy, &get("/queued")).arrives(Backend).ack(Backend);
            talk.idle(Duration::from_secs(30)).close(Proxy);
        },
        expected: || failure("response_timeout", "likely", "unsafe"),
    },
    Scenario {
        name: "a SYN+ACK that comes again, and then the request is taken",
        play: |talk| {
            talk.handshake().data_unheard(Proxy, &get("/queued")).idle(Duration::from_secs(1));
            talk.syn_ack_again().again(Proxy, &get("/queued")).arrives(Backend);
            talk.data(Backend, &ok(5)).ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    // upload_cut_short
    Scenario {
        name: "the backend refuses an upload and resets before the proxy has read the answer",
        play: |talk| {
            talk.handshake().data(Proxy, &post_head("/big", 9_000)).data(Proxy, &[b'b'; 1_000]);
            talk.data_unheard(Backend, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
            talk.rst(Backend).data_unheard(Proxy, &[b'b'; 1_000]).rst_in_reply(Backend);
        },
        expected: || failure("upload_cut_short", "possible", "unsafe"),
    },
    Scenario {
        name: "the proxy has read the early answer when the reset comes",
        play: |talk| {
            talk.handshake().data(Proxy, &post_head("/big", 9_000)).data(Proxy, &[b'b'; 1_000]);
            talk.data(Backend, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").ack(Proxy);
            talk.data_unheard(Proxy, &[b'b'; 1_000]).rst(Backend);
        },
        expected: none,
    },
    // stalled
    Scenario {
        name: "the backend stops in the middle of its answer and the proxy closes",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/stuck")).ack(Backend);
            talk.data(Backend, &ok_head(4_000)).data(Backend, &[b'x'; 1_000]).ack(Proxy);
            talk.idle(TWO_SECONDS).close(Proxy);
        },
        expected: || failure("stalled", "likely", "unsafe"),
    },
    Scenario {
        name: "the backend goes on when the proxy has given up",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/stuck")).ack(Backend);
            talk.data(Backend, &ok_head(2_000)).data(Backend, &[b'x'; 1_000]).ack(Proxy);
            talk.idle(TWO_SECONDS).fin(Proxy).ack(Backend).idle(TWO_SECONDS);
            talk.data_unheard(Backend, &[b'x'; 1_000]).rst_in_reply(Proxy);
        },
        expected: || failure("stalled", "likely", "unsafe"),
    },
    Scenario {
        name: "the backend stops reading and the proxy closes",
        play: |talk| {
            talk.handshake().data(Proxy, &post_head("/big", 9_000)).data(Proxy, &[b'b'; 1_000]);
            talk.window(Backend, 0).ack(Backend).idle(TWO_SECONDS).ack(Backend).fin_unheard(Proxy);
            talk.idle(TWO_SECONDS).fin_again(Proxy);
        },
        expected: || failure("stalled", "proven", "unknown"),
    },
    Scenario {
        name: "the backend stops reading for a while and goes on",
        play: |talk| {
            talk.handshake().data(Proxy, &post_head("/big", 2_000)).data(Proxy, &[b'b'; 1_000]);
            talk.window(Backend, 0).ack(Backend).idle(TWO_SECONDS);
            talk.window(Backend, 60_000).ack(Backend).data(Proxy, &[b'b'; 1_000]);
            talk.data(Backend, &ok(5)).ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    // client_gone
    Scenario {
        name: "the proxy closes while the answer is flowing",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/left")).ack(Backend);
            talk.data(Backend, &ok_head(4_000)).data(Backend, &[b'x'; 1_000]).ack(Proxy);
            talk.close(Proxy);
        },
        expected: || failure("client_gone", "possible", "unsafe"),
    },
    Scenario {
        name: "the proxy closes in the middle of an upload",
        play: |talk| {
            talk.handshake().data(Proxy, &post_head("/left", 9_000)).data(Proxy, &[b'b'; 1_000]);
            talk.ack(Backend).close(Proxy);
        },
        expected: || failure("client_gone", "possible", "unknown"),
    },
    Scenario {
        name: "the proxy sends the head of an upload alone and closes; the answer to that is refused",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &post_head("/broken-off", 36));
            talk.fin(Proxy).data(Backend, &ok(64)).rst_in_reply(Proxy).fin(Backend);
        },
        expected: || failure("client_gone", "possible", "unknown"),
    },
    Scenario {
        name: "the proxy has no patience for the answer to a whole upload, which comes later",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &post_head("/late", 36));
            talk.data(Proxy, &[b'b'; 36]).ack(Backend).idle(TWO_SECONDS).fin(Proxy).ack(Backend);
            talk.data(Backend, &ok(64)).rst_in_reply(Proxy);
        },
        expected: || failure("response_timeout", "likely", "unsafe"),
    },
    Scenario {
        name: "the proxy closes after two seconds of silence in an answer, and more of that comes later",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/cut")).ack(Backend);
            talk.data(Backend, &ok_head(4_000)).data(Backend, &[b'x'; 1_000]).ack(Proxy);
            talk.idle(TWO_SECONDS).fin(Proxy).data(Backend, &[b'x'; 500]).rst_in_reply(Proxy);
        },
        expected: || failure("stalled", "likely", "unsafe"),
    },
    Scenario {
        name: "the proxy closes while the answer is flowing, and what was on its way comes after that",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/left")).ack(Backend);
            talk.data(Backend, &ok_head(4_000)).data(Backend, &[b'x'; 1_000]).ack(Proxy);
            talk.fin(Proxy).idle(TWO_SECONDS).data(Backend, &[b'x'; 500]).rst_in_reply(Proxy);
        },
        expected: || failure("client_gone", "possible", "unsafe"),
    },
    Scenario {
        name: "the proxy closes at once upon an interim response",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/early")).ack(Backend);
            talk.idle(Duration::from_millis(90));
            talk.data(Backend, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n").ack(Proxy);
            talk.fin(Proxy).fin(Backend).ack(Proxy);
        },
        expected: || failure("client_gone", "possible", "unsafe"),
    },
    Scenario {
        name: "the proxy closes long after an interim response",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/early")).ack(Backend);
            talk.data(Backend, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n").ack(Proxy);
            talk.idle(TWO_SECONDS).fin(Proxy).fin(Backend).ack(Proxy);
        },
        expected: || failure("response_timeout", "likely", "unsafe"),
    },
    // invalid_response
    Scenario {
        name: "the answer begins with no status line",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/bad")).ack(Backend);
            talk.data(Backend, b"500 sorry, the database is away\n").close(Backend);
        },
        expected: || failure("invalid_response", "likely", "unsafe"),
    },
    Scenario {
        name: "the answer has two lengths and the proxy closes",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/bad")).ack(Backend);
            talk.data(
                Backend,
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
            );
            talk.close(Proxy);
        },
        expected: || failure("invalid_response", "likely", "unsafe"),
    },
    Scenario {
        name: "a chunk begins with no length and the proxy closes",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/bad")).ack(Backend);
            talk.data(
                Backend,
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nok\r\n0\r\n\r\n",
            );
            talk.rst(Proxy);
        },
        expected: || failure("invalid_response", "likely", "unsafe"),
    },
    Scenario {
        name: "a line of the head is no header and the proxy closes at once",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/bad")).ack(Backend);
            talk.data(Backend, b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\nok");
            talk.fin(Proxy).fin(Backend).ack(Proxy);
        },
        expected: || failure("invalid_response", "likely", "unsafe"),
    },
    Scenario {
        name: "a line of the head is no header and the proxy, a round trip away, closes at once",
        play: |talk| {
            talk.syn_and_wait(Duration::from_millis(80)).data(Proxy, &get("/bad")).ack(Backend);
            talk.data(Backend, b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\nok");
            talk.idle(Duration::from_millis(90)).fin(Proxy).fin(Backend).ack(Proxy);
        },
        expected: || failure("invalid_response", "likely", "unsafe"),
    },
    Scenario {
        name: "a line of the head is no header and the proxy closes later than a round trip",
        play: |talk| {
            talk.syn_and_wait(Duration::from_millis(80)).data(Proxy, &get("/bad")).ack(Backend);
            talk.data(Backend, b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\nok");
            talk.idle(Duration::from_millis(150)).fin(Proxy).fin(Backend).ack(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "a line of the head is no header and the proxy closes when it is idle",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/bad")).ack(Backend);
            talk.data(Backend, b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\nok");
            talk.idle(Duration::from_millis(90)).fin(Proxy).fin(Backend).ack(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "a line of the head is no header and the proxy closes as that head announces",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/a")).ack(Backend);
            talk.data(
                Backend,
                b"HTTP/1.1 200 OK\r\nno header\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            );
            talk.ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "the head is longer than the proxy's buffer",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/big")).ack(Backend);
            talk.data(Backend, &large_head(9_000)).rst(Proxy);
        },
        expected: || failure("invalid_response", "likely", "unsafe"),
    },
    Scenario {
        name: "the proxy closes in the middle of a large head, whose rest comes after that",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/big")).ack(Backend);
            let head = large_head(9_000);
            let (begin, rest) = head.split_at(6_000);
            talk.data(Backend, begin).fin(Proxy).data(Backend, rest).rst_in_reply(Proxy);
        },
        expected: || failure("invalid_response", "likely", "unsafe"),
    },
    Scenario {
        name: "the proxy closes in the middle of a large head long after the last of it",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/big")).ack(Backend);
            talk.data(Backend, &large_head(9_000)[..6_000])
                .ack(Proxy)
                .idle(TWO_SECONDS)
                .close(Proxy);
        },
        expected: || failure("stalled", "likely", "unsafe"),
    },
    Scenario {
        name: "the proxy resets when it has taken a large head and much of the body",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/a")).ack(Backend);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\nX-Large: {}\r\n\r\n",
                "x".repeat(6_000)
            );
            for piece in head.as_bytes().chunks(1_400) {
                talk.data(Backend, piece);
            }
            for _ in 0..6 {
                talk.data(Backend, &[b'y'; 1_400]).ack(Proxy);
            }
            talk.data(Backend, &[b'y'; 600]).rst(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "the proxy closes after a large head and its short body, as it does after the last answer",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).data(Proxy, &get("/big")).ack(Backend);
            talk.data(Backend, &large_head(9_000)).ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "a large head that the proxy takes",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/big")).data(Backend, &large_head(9_000));
            talk.ack(Proxy).exchange("/b", 64).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "a malformed answer that the proxy puts up with",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/bad"));
            talk.data(Backend, b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\nok");
            talk.ack(Proxy).idle(TWO_SECONDS).exchange("/b", 64).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "bare line feeds, odd spaces, folded lines, trailers and early hints",
        play: |talk| {
            talk.handshake().data(Proxy, b"GET  /odd  HTTP/1.1\nHost: a\n\n");
            talk.data(Backend, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
            talk.data(
                Backend,
                b"HTTP/1.1  200  OK\nX-Folded: a\n b\nX-Odd : c\nTransfer-Encoding: chunked\n\n",
            );
            talk.data(Backend, b"5 ; name=\"v\"\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n");
            talk.ack(Proxy).exchange("/b", 64).close(Backend);
        },
        expected: none,
    },
    // protocol_mismatch
    Scenario {
        name: "a request in clear is answered by a TLS alert",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/clear")).ack(Backend);
            talk.data(Backend, &[0x15, 3, 1, 0, 2, 2, 70]).close(Backend);
        },
        expected: || failure("protocol_mismatch", "proven", "safe"),
    },
    Scenario {
        name: "a TLS hello is answered in clear",
        play: |talk| {
            talk.handshake().data(Proxy, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).ack(Backend);
            talk.data(Backend, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            talk.close(Backend);
        },
        expected: || failure("protocol_mismatch", "proven", "safe"),
    },
    Scenario {
        name: "an HTTP/2 preface is answered in HTTP/1",
        play: |talk| {
            talk.handshake().data(Proxy, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").ack(Backend);
            talk.data(Backend, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            talk.close(Backend);
        },
        expected: || failure("protocol_mismatch", "proven", "safe"),
    },
    Scenario {
        name: "an HTTP/2 preface is answered by a TLS alert",
        play: |talk| {
            talk.handshake().data(Proxy, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
            talk.ack(Backend).data(Backend, &[0x15, 3, 1, 0, 2, 2, 70]).ack(Proxy).close(Backend);
        },
        expected: || failure("protocol_mismatch", "proven", "safe"),
    },
    Scenario {
        name: "a greeting before the hello is no answer to it",
        play: |talk| {
            talk.handshake().data_unheard(Backend, b"220 mail ESMTP\r\n");
            talk.data(Proxy, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).arrives(Proxy).ack(Proxy);
            talk.close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "what follows an answer that was not captured is no answer in another protocol",
        play: |talk| {
            talk.handshake().data(Proxy, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).ack(Backend);
            talk.data(Backend, &[0x16, 3, 3, 0, 200, 2, 0, 0, 1, 0]);
            talk.frames.pop();
            talk.data(Backend, &[0x41; 190]).ack(Proxy).idle(Duration::from_secs(1));
            talk.ack(Backend).ack(Proxy).ack(Backend).ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    // unproven
    Scenario {
        name: "a part of the request is acknowledged, and the proxy closes",
        play: |talk| {
            talk.handshake().data(Proxy, &post_head("/up", 300)).ack(Backend);
            talk.data_unheard(Proxy, &[b'b'; 300]).idle(TWO_SECONDS).fin_unheard(Proxy);
            talk.idle(Duration::from_secs(1)).ack(Backend);
        },
        expected: || failure("unproven", "possible", "unknown"),
    },
    Scenario {
        name: "the backend closes seconds after a request that it does not acknowledge",
        play: |talk| {
            talk.handshake().exchange("/warm", 64).idle(TWO_SECONDS);
            talk.data_unheard(Proxy, &get("/lost"))
                .idle(Duration::from_secs(3))
                .fin_unheard(Backend);
            talk.arrives(Proxy).fin(Proxy).rst_in_reply(Backend);
        },
        expected: || failure("unproven", "possible", "unknown"),
    },
    // sound
    Scenario {
        name: "exchanges on one connection",
        play: |talk| {
            talk.handshake()
                .exchange("/a", 64)
                .exchange("/b", 0)
                .exchange("/c", 4_000)
                .close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "the backend closes an idle connection that nobody uses",
        play: |talk| {
            talk.handshake().exchange("/a", 64).idle(TWO_SECONDS).close(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "an answer that the close delimits",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/old")).ack(Backend);
            talk.data(Backend, b"HTTP/1.0 200 OK\r\n\r\nhello ").data(Backend, b"world").ack(Proxy);
            talk.close(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "FIN on the last segment of an answer",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/last")).ack(Backend);
            talk.data(
                Backend,
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
            );
            talk.fin(Backend).ack(Proxy).fin(Proxy).ack(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "HEAD, 204, 304 and 100-continue have no body",
        play: |talk| {
            talk.handshake();
            talk.data(Proxy, b"HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n").ack(Backend);
            talk.data(Backend, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n").ack(Proxy);
            talk.data(Proxy, &get("/n"))
                .data(Backend, b"HTTP/1.1 204 No Content\r\n\r\n")
                .ack(Proxy);
            talk.data(Proxy, &get("/m"));
            talk.data(Backend, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")
                .ack(Proxy);
            talk.data(
                Proxy,
                b"PUT /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
            );
            talk.data(Backend, b"HTTP/1.1 100 Continue\r\n\r\n").data(Proxy, b"abc");
            talk.data(Backend, &ok(2)).ack(Proxy).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "pipelined requests",
        play: |talk| {
            talk.handshake().data(Proxy, &[get("/1"), get("/2"), get("/3")].concat());
            talk.data(Backend, &[ok(3), ok(4)].concat())
                .data(Backend, &ok(5))
                .ack(Proxy)
                .close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "an early answer to an upload that goes on",
        play: |talk| {
            talk.handshake().data(Proxy, &post_head("/big", 3_000)).data(Proxy, &[b'b'; 1_000]);
            talk.data(Backend, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").ack(Proxy);
            talk.data(Proxy, &[b'b'; 1_000])
                .data(Proxy, &[b'b'; 1_000])
                .ack(Backend)
                .close(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "a WebSocket after 101",
        play: |talk| {
            talk.handshake();
            talk.data(
                Proxy,
                b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            );
            talk.data(Backend, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
            talk.data(Proxy, &[0x81, 5, 1, 2, 3, 4, 5]).data(Backend, &[0x81, 2, 1, 2]).ack(Proxy);
            talk.close(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "a tunnel after CONNECT",
        play: |talk| {
            talk.handshake().data(Proxy, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
            talk.data(Backend, b"HTTP/1.1 200 Established\r\n\r\n");
            talk.data(Proxy, &[0x16, 3, 1, 0, 1, 1]).data(Backend, &[0x15, 3, 3, 0, 2, 2, 40]);
            talk.ack(Proxy).close(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "HTTP/1.0 with keep-alive, and without",
        play: |talk| {
            talk.handshake().data(Proxy, b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
            talk.data(
                Backend,
                b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
            );
            talk.data(Proxy, b"GET /b HTTP/1.0\r\n\r\n")
                .data(Backend, b"HTTP/1.0 200 OK\r\n\r\nbb");
            talk.ack(Proxy).close(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "heads in many segments",
        play: |talk| {
            talk.handshake();
            let (request, answer) = (get("/pieces"), ok(5));
            request.chunks(7).for_each(|piece| {
                talk.data(Proxy, piece);
            });
            talk.ack(Backend);
            answer.chunks(5).for_each(|piece| {
                talk.data(Backend, piece);
            });
            talk.ack(Proxy).exchange("/b", 5).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "probes of a window that is zero for a moment",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/big")).data(Backend, &ok_head(2_000));
            talk.data(Backend, &[b'x'; 1_000]).window(Proxy, 0).ack(Proxy);
            for _ in 0..3 {
                // The last byte again, to hear of the window.
                talk.idle(Duration::from_millis(300)).again(Backend, b"x").ack(Proxy);
            }
            talk.window(Proxy, 60_000).ack(Proxy).data(Backend, &[b'x'; 1_000]).ack(Proxy);
            talk.exchange("/b", 5).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "both sides close an idle connection at the same time",
        play: |talk| {
            talk.handshake().exchange("/a", 64).idle(TWO_SECONDS);
            talk.fin_unheard(Backend).fin_unheard(Proxy).arrives(Proxy).arrives(Backend);
            talk.ack(Proxy).ack(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "FIN on the last segment of a request, which is answered",
        play: |talk| {
            talk.handshake().data_with_fin(Proxy, &get("/last")).ack(Backend);
            talk.data(Backend, &ok(5)).ack(Proxy).fin(Backend).ack(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "a notice of the server that answers nothing",
        play: |talk| {
            talk.handshake().exchange("/a", 64).idle(TWO_SECONDS);
            talk.data(
                Backend,
                b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            );
            talk.ack(Proxy).close(Backend);
        },
        expected: none,
    },
    Scenario {
        name: "a half close by the client, answered in full",
        play: |talk| {
            talk.handshake().data(Proxy, &get("/half")).fin(Proxy).ack(Backend);
            talk.data(Backend, &ok(64)).ack(Proxy).fin(Backend).ack(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "a keep-alive probe between exchanges",
        play: |talk| {
            talk.handshake().exchange("/a", 64).idle(TWO_SECONDS);
            talk.again(Proxy, b"\n").ack(Backend).exchange("/b", 64).close(Proxy);
        },
        expected: none,
    },
    Scenario {
        name: "a keep-alive probe that was not captured, and then the backend closes",
        play: |talk| {
            talk.handshake().exchange("/a", 64).idle(Duration::from_secs(1));
            talk.data_unheard(Proxy, b"\0");
            talk.frames.pop();
            talk.arrives(Backend)
                .ack(Backend)
                .idle(Duration::from_secs(1))
                .ack(Backend)
                .close(Backend);
        },
        expected: none,
    },
];

/// A whole answer whose head has so many bytes.
fn large_head(bytes: usize) -> Vec<u8> {
    let begin = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: ";
    let cookie = "c".repeat(bytes - begin.len() - 4);
    format!("{begin}{cookie}\r\n\r\nok").into_bytes()
}
