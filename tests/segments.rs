//! The kernel's programs at interfaces: what they join says the same as what they do not.

use crate::live::{needs_hooks, on_a_host, run};
use crate::machine::{lacks, tests};
use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use why502::inside::analysis::{Analysis, Settings};
use why502::inside::ebpf::{HookOptions, Segments};
use why502::inside::report::records::Record;

tests![
    what_is_joined_says_the_same_as_every_segment,
    what_is_lost_is_counted_though_no_record_follows,
];

/// Bytes of an answer: far more than is kept of a turn.
const BODY: usize = 300_000;

/// Answers each request with a long body, in pieces of an odd size.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            while matches!(stream.read(&mut head), Ok(read) if read > 0) {
                let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n");
                answer.push_str(&"x".repeat(BODY));
                for piece in answer.as_bytes().chunks(7_001) {
                    // The last one is not wanted to its end.
                    if stream.write_all(piece).is_err() {
                        return;
                    }
                }
            }
        }
    });
    port
}

/// What one way of watching saw.
struct Seen {
    segments: Segments,
    analysis: Analysis,
    records: RefCell<Vec<serde_json::Value>>,
    frames: usize,
}

impl Seen {
    fn begin(joining: bool) -> Self {
        let wanted = HookOptions {
            interfaces: &["lo".to_owned()],
            ports: &[],
            turn_bytes: 4_096,
            joining,
            buffer_bytes: 1 << 24,
        };
        let mut settings = Settings::default();
        settings.records.connections = true;
        settings.records.exchanges = true;
        Self {
            segments: Segments::open(&wanted).unwrap(),
            analysis: Analysis::new(settings),
            records: RefCell::default(),
            frames: 0,
        }
    }

    fn note(records: &RefCell<Vec<serde_json::Value>>, record: Record) {
        records.borrow_mut().push(serde_json::to_value(record).unwrap());
    }

    /// What is told of each exchange and connection, without what depends on how many frames there were.
    fn end(mut self) -> (usize, Vec<serde_json::Value>) {
        let (analysis, records, frames) = (&mut self.analysis, &self.records, &mut self.frames);
        self.segments.take(usize::MAX, |mut frame| {
            *frames += 1;
            frame.reference.number = *frames as u64;
            analysis.frame(&frame, 0, &mut |record| Self::note(records, record));
        });
        assert_eq!(self.segments.dropped().by_kernel, 0);
        self.analysis.finish([], &mut [], &mut |record| Self::note(records, record));
        let mut records = self.records.into_inner();
        for record in &mut records {
            let fields = record.as_object_mut().unwrap();
            fields.retain(|name, _| {
                !["frame", "segments", "_at", "_ns", "at"].iter().any(|word| name.contains(word))
                    || name == "status"
            });
        }
        (self.frames, records)
    }
}

fn what_is_joined_says_the_same_as_every_segment() {
    on_a_host(|| {
        needs_hooks();
        // Segments of a size that a wire would carry.
        if !run("ip link set lo mtu 1500 gso_max_segs 1").status.success() {
            lacks("needs an iproute2 that sets gso_max_segs");
        }
        let port = server();
        let (joined, single) = (Seen::begin(true), Seen::begin(false));
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        for number in 0..20 {
            let request = format!("GET /{number} HTTP/1.1\r\nHost: shop\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let (mut read, mut piece) = (0, [0; 1 << 16]);
            while read < BODY + 43 {
                read += stream.read(&mut piece).unwrap();
            }
        }
        // The last one is broken off in its middle.
        stream.write_all(b"GET /last HTTP/1.1\r\nHost: shop\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 1_000]).unwrap();
        drop(stream);
        thread::sleep(Duration::from_millis(200));
        let ((few, joined), (many, single)) = (joined.end(), single.end());
        assert_eq!(joined, single);
        let connection = joined.iter().find(|record| record["type"] == "connection").unwrap();
        assert_eq!(
            (&connection["exchanges"], &connection["capture_gaps"]),
            (&21.into(), &0.into())
        );
        assert!(few * 4 < many * 3, "{few} records for {many} segments");
    });
}

fn what_is_lost_is_counted_though_no_record_follows() {
    on_a_host(|| {
        needs_hooks();
        let wanted = HookOptions {
            interfaces: &["lo".to_owned()],
            ports: &[],
            turn_bytes: 4_096,
            joining: true,
            buffer_bytes: 1 << 16,
        };
        let mut segments = Segments::open(&wanted).unwrap();
        let port = server();
        for _ in 0..200 {
            // To its end: what came later would find room again, and tell.
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
        }
        segments.take(usize::MAX, |_| ());
        assert_eq!(segments.dropped().by_kernel, 0, "none of those that had room tells");
        segments.look_round();
        assert!(segments.dropped().by_kernel > 0);
    });
}
