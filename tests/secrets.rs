//! Nothing secret is shown, in no form of the answer, nor kept in a file of frames: by whatever key,
//! wherever it stands, however often it is encoded.

use crate::program::{run, stderr, stdout};
use crate::properties::cut_to;
use crate::wire::{self, End, Talk, pcap};
use proptest::prelude::*;
use std::fs::{self, Permissions};
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use why502::inside::analysis::{Analysis, Settings};
use why502::inside::evidence::{EvidenceFiles, Keeper, Recording, Rotation, Troubles};
use why502::inside::input::{Block, Fill, Savefile, Source};

/// Every word that makes a key's value secret.
const WORDS: [&str; 29] = [
    "token",
    "secret",
    "sig",
    "signature",
    "hmac",
    "pass",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pin",
    "otp",
    "auth",
    "authorization",
    "bearer",
    "session",
    "sid",
    "jsessionid",
    "cookie",
    "credential",
    "jwt",
    "saml",
    "samlresponse",
    "ticket",
    "key",
    "apikey",
    "code",
    "nonce",
    "private",
];

/// How keys are named after one.
const NAMES: [&str; 10] =
    ["{}", "user[{}]", "{}[]", "x-{}", "my_{}_2", "a.{}.b", "+{}", "{}%20", "%5B{}%5D", "id{C}"];

/// A secret in two halves, each of which betrays it.
fn secrets() -> impl Strategy<Value = (String, String)> {
    let between = prop::sample::select(vec![
        "", ":", "%40", "%26", "%2F", "%3B", "%253D", ",", "=", "!", "+", "'", "@", "%", "~", "*",
        "(",
    ]);
    ("hun[a-z0-9]{8}", between, "ter[A-Z0-9]{8}")
        .prop_map(|(begin, between, end)| (begin.clone(), format!("{begin}{between}{end}")))
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A key, as one of the names has it, its first letter encoded so many times.
fn key(word: &str, name: &str, encodings: usize) -> String {
    let capital = word[..1].to_uppercase() + &word[1..];
    let key = name.replace("{}", word).replace("{C}", &capital);
    let Some((first, rest)) = key.split_at_checked(1).filter(|_| encodings > 0) else {
        return key;
    };
    let mut first = format!("%{:02x}", first.as_bytes()[0]);
    for _ in 1..encodings {
        first = first.replace('%', "%25");
    }
    first + rest
}

/// Every place where a target can hold a secret.
fn targets(key: &str, secret: &str) -> Vec<String> {
    let url = |text: String| encoded(&text);
    let nested = format!("https://h/?{key}={}&x=1", encoded(secret));
    vec![
        format!("/a?{key}={secret}"),
        format!("/a?x=1&{key}={secret}&y=2"),
        format!("/a?x=1;{key}={secret}"),
        format!("/a?x=1,{key}={secret}"),
        format!("/a?x=1?{key}={secret}"),
        format!("/a?x=1#{key}={secret}"),
        format!("/a#{key}={secret}"),
        format!("/a?{key}%3D{secret}"),
        format!("/a?%7B%22{}%22:%22{secret}%22%7D", key.trim_start_matches('+')),
        format!("/a;{key}={secret}"),
        format!("/a;x=1;{key}={secret}/b?c=d"),
        format!("/a?next={nested}"),
        format!("/a?next={}", url(nested.clone())),
        format!("/a?next={}&x=1", url(format!("https://h/?next={}", url(nested)))),
        format!("http://bob:{secret}@h/a"),
        format!("http://{secret}@h:8080/a?x=1"),
        format!("//bob:{secret}@h/a"),
        format!("/a?next=http://bob:{secret}@h/"),
        format!("/a?next={}", url(format!("http://bob:{}@h/", encoded(secret)))),
        format!("bob:{secret}@h:443"),
    ]
}

/// Each request is closed in flight.
fn lost(targets: &[String], secret: &str) -> Vec<wire::Frame> {
    let mut talks = Vec::new();
    for (port, target) in (40_000..).zip(targets) {
        let mut talk =
            Talk::new(11, 22).on_port(port).after(Duration::from_secs(u64::from(port) - 40_000));
        let method = if target.starts_with("bob") { "CONNECT" } else { "GET" };
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: bob:{secret}@h\r\nAuthorization: Bearer {secret}\r\n\
             Cookie: s={secret}\r\nX-Api-Key: {secret}\r\n\r\n"
        );
        talk.handshake().exchange("/warm", 8).idle(Duration::from_millis(100));
        talk.data(End::Proxy, head.as_bytes()).ack(End::Backend).idle(Duration::from_millis(200));
        talk.close(End::Backend);
        talks.push(talk);
    }
    wire::together(&talks.iter().collect::<Vec<_>>())
}

/// Lines of logs: some are read, some cannot be.
fn lines(targets: &[String], secret: &str) -> String {
    let mut log = String::new();
    for target in targets {
        log += &format!(
            "10.0.0.9 - - [20/Nov/2026:12:00:01 +0000] \"GET {target} HTTP/1.1\" 502 157 \"-\" \"x\"\n"
        );
        log += &format!(
            "2026/11/20 12:00:02 [error] 1#1: *2 connect() failed (111: Connection refused) while \
             connecting to upstream, client: 10.0.0.9, request: \"GET {target} HTTP/1.1\", \
             upstream: \"http://10.0.0.1:8080{target}\", host: \"bob:{secret}@h\"\n"
        );
    }
    log += &format!(
        "Authorization: Bearer {secret}\n{{\"token\":\"{secret}\"\nlogin with password {secret}\n\
         2026-11-20 12:00:03 GET /a 502 Cookie: sid={secret}\n{secret}\n"
    );
    log
}

/// What is in the files of a folder, which nobody but its owner may read.
fn kept(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        bytes.extend(fs::read(path).unwrap());
    }
    bytes
}

/// Keeps the frames of a capture, and evidence of its failures, in a folder.
fn keep(file: &[u8], folder: &Path) {
    let troubles = Troubles::default();
    let path = folder.join("all.pcapng");
    // Somebody made it before, for all to read.
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let recording =
        Recording::begin(path, Rotation::default(), "lo".to_owned(), troubles.clone()).unwrap();
    let evidence =
        EvidenceFiles::new(folder.to_owned(), 64 << 20, 1_000, "lo".to_owned(), troubles.clone());
    let mut settings = Settings::default();
    settings.records.failures = true;
    let mut analysis = Analysis::new(settings);
    analysis.keep(Box::new(Keeper::new(Some(recording), Some(evidence), false)));
    let input = Box::new(Cursor::new(file.to_vec()));
    let mut source = Savefile::from_reader(input, "file".to_owned(), 0).unwrap();
    let mut block = Block::new();
    while source.fill(&mut block).unwrap() != Fill::End {
        analysis.take(&block, 0..block.len(), 0, &mut |_| {});
    }
    analysis.finish([source.facts()], &mut [], &mut |_| {});
    assert_eq!(troubles.take(), [""; 0]);
}

fn holds(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_secret_never_appears(
        (half, secret) in secrets(),
        word in prop::sample::select(WORDS.to_vec()),
        name in prop::sample::select(NAMES.to_vec()),
        encodings in 0_usize..3,
        upper in any::<bool>(),
    ) {
        let word = if upper && !name.contains("{C}") { word.to_uppercase() } else { word.to_owned() };
        let targets = targets(&key(&word, name, encodings), &secret);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let file = pcap(&lost(&targets, &secret));
        fs::write(at("a.pcap"), &file).unwrap();
        fs::write(at("a.log"), lines(&targets, &secret)).unwrap();
        let other_half = secret.rsplit("ter").next().unwrap();
        for log in [&[][..], &["--access-log", &at("a.log")]] {
            for options in [&["--verbose"][..], &["--format", "json"], &["--format", "jsonl", "--exchanges"]] {
                let output = run(&[&["analyze", &at("a.pcap")][..], options, log].concat());
                let said = stdout(&output) + &stderr(&output);
                prop_assert!(said.contains("closed_in_flight") || said.contains("closed "), "{said}");
                for part in [half.as_str(), other_half] {
                    let line = said.lines().find(|line| line.contains(part)).map(str::to_owned);
                    prop_assert_eq!(line, None, "{:?}", options);
                }
            }
        }
        let files = tempfile::tempdir().unwrap();
        keep(&file, files.path());
        let bytes = kept(files.path());
        prop_assert!(holds(&bytes, "GET /a?"));
        for part in [half.as_str(), other_half] {
            prop_assert!(!holds(&bytes, part), "{part} is in a file");
        }
    }
}

/// What every body holds: a secret, and what looks like heads with it.
const BODY: &str = "name=s3cret\r\n\r\nGET /s3cret HTTP/1.1\r\nHost: s3cret\r\nServer: s3cret\r\n\r\n\
                    GET /s3cret HTTP/1.1\r\nVia: s3cret\r\n\r\nHTTP/1.1 200 s3cret\r\nServer: s3cret\r\n\r\n\
                    HTTP/1.1 200 s3cret\r\nDate: s3cret\r\n\r\nServer: s3cret\r\n{\"a\": \"s3cret\"}\r\n";

/// Requests and answers with bodies, each cut into segments of these lengths, one after the other.
fn uploads(lengths: &[usize]) -> Talk {
    let mut lengths = lengths.iter().cycle();
    let mut talk = Talk::new(11, 22);
    talk.handshake();
    for number in 0..4 {
        let body = BODY.repeat(number + 1);
        let len = body.len();
        let request = format!(
            "POST /{number}?token=s3cret HTTP/1.1\r\nHost: shop\r\nCookie: s3cret\r\nContent-Length: {len}\r\n\r\n{body}"
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nSet-Cookie: s3cret\r\nContent-Length: {len}\r\n\r\n{body}"
        );
        for (from, message) in [(End::Proxy, request), (End::Backend, answer)] {
            let mut rest = message.as_bytes();
            while !rest.is_empty() {
                let (segment, after) = rest.split_at((*lengths.next().unwrap()).min(rest.len()));
                talk.data(from, segment);
                rest = after;
            }
            talk.ack(if from == End::Proxy { End::Backend } else { End::Proxy });
        }
        talk.idle(Duration::from_millis(50));
    }
    talk.data(End::Proxy, b"GET /lost HTTP/1.1\r\nHost: shop\r\n\r\n").ack(End::Backend);
    talk.idle(Duration::from_millis(200)).close(End::Backend);
    talk
}

/// What is kept of frames.
fn kept_of(frames: &[wire::Frame]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    keep(&pcap(frames), folder.path());
    kept(folder.path())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is missing, comes twice or too early, or was cut: a body is kept nowhere, though it looks like heads.
    #[test]
    fn no_body_is_kept_wherever_a_parser_loses_its_way(
        lengths in prop::collection::vec(prop_oneof![1..40_usize, 13..1_400_usize, Just(2_000)], 1..6),
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize), 0..8),
        begin in any::<prop::sample::Index>(),
        from_the_middle: bool,
    ) {
        let mut frames = uploads(&lengths).frames;
        if from_the_middle {
            frames.drain(..begin.index(frames.len() / 2));
        }
        for (pick, what) in picks {
            let at = pick.index(frames.len());
            match what {
                0 => { frames.remove(at); }
                1 => frames.insert(at, frames[at].clone()),
                by => {
                    let to = (at + by - 1).min(frames.len() - 1);
                    let frame = frames.remove(at);
                    frames.insert(to, frame);
                }
            }
        }
        let bytes = kept_of(&frames);
        prop_assert!(!holds(&bytes, "s3cret"), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn heads_that_follow_their_turn_are_kept_however_they_are_cut() {
    for lengths in [&[2_000][..], &[40], &[90, 400]] {
        let bytes = kept_of(&uploads(lengths).frames);
        for part in ["Host: shop", "Server: nginx", "GET /lost HTTP/1.1"] {
            assert!(holds(&bytes, part), "{part} of segments of {lengths:?}");
        }
    }
}

/// What is found by its looks behind a hole may stand in a body; what follows the next turn does not.
#[test]
fn behind_a_hole_nothing_is_kept_before_the_next_turn() {
    let mut talk = Talk::new(11, 22);
    let answered = |talk: &mut Talk| {
        talk.ack(End::Backend).data(End::Backend, &wire::ok(4)).ack(End::Proxy);
        talk.idle(Duration::from_millis(50));
    };
    talk.handshake().exchange("/warm", 8).idle(Duration::from_millis(50));
    talk.data(End::Proxy, b"POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    talk.uncaptured(End::Proxy, 100);
    talk.data(
        End::Proxy,
        b"GET /inside HTTP/1.1\r\nHost: s3cret\r\n\r\nGET /more HTTP/1.1\r\n\r\n",
    );
    answered(&mut talk);
    talk.data(End::Proxy, &wire::get("/next"));
    answered(&mut talk);
    talk.data(End::Proxy, &wire::get("/lost")).ack(End::Backend);
    talk.idle(Duration::from_millis(200)).close(End::Backend);
    let bytes = kept_of(&talk.frames);
    assert!(holds(&bytes, "GET /warm") && holds(&bytes, "GET /lost"));
    for part in ["/inside", "/more", "s3cret"] {
        assert!(!holds(&bytes, part), "{part}");
    }
}

/// Where an answer is none, and where one follows that nobody asked for, parsers differ: nothing of it is kept.
#[test]
fn what_a_parser_takes_for_a_flaw_is_not_kept() {
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 2x0 OK\r\nServer: s3cret\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nServer: s3cret\r\n",
        b"s3cret\r\nServer: s3cret\r\nHost: s3cret\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nServer: nginx\r\n\r\nVia: s3cret\r\nServer: s3cret\r\n\r\n",
    ];
    for answer in answers {
        let mut talk = Talk::new(11, 22);
        talk.handshake().exchange("/warm", 8).idle(Duration::from_millis(50));
        talk.data(End::Proxy, &wire::get("/odd")).ack(End::Backend);
        talk.data(End::Backend, answer).ack(End::Proxy).idle(Duration::from_millis(200));
        talk.close(End::Backend);
        let bytes = kept_of(&talk.frames);
        assert!(holds(&bytes, "GET /odd"));
        assert!(!holds(&bytes, "s3cret"), "{}", String::from_utf8_lossy(&bytes));
    }
}

/// Of a segment with more heads than are marked the rest counts as secret.
#[test]
fn of_many_heads_in_one_segment_those_that_are_not_marked_are_not_kept() {
    let mut talk = Talk::new(11, 22);
    talk.handshake().exchange("/warm", 8).idle(Duration::from_millis(50));
    let many = ["/one", "/two", "/three", "/four"].map(get_with_cookie).concat();
    talk.data(End::Proxy, &many).ack(End::Backend).idle(Duration::from_millis(200));
    talk.close(End::Backend);
    let bytes = kept_of(&talk.frames);
    assert!(holds(&bytes, "GET /two HTTP") && !holds(&bytes, "s3cret"));
    assert!(!holds(&bytes, "GET /three HTTP"), "in a frame");
}

fn get_with_cookie(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: shop\r\nCookie: s3cret\r\n\r\n").into_bytes()
}

/// The snap length cuts a head anywhere.
#[test]
fn of_a_head_that_is_cut_only_whole_words_are_kept() {
    let mut talk = Talk::new(11, 22);
    talk.handshake().exchange("/warm", 8).idle(Duration::from_millis(50));
    let head = "GET http://bob:s3cret@h/a?x=1&token=s3cret HTTP/1.1\r\nHost: s3cret@shop\r\nCookie: s3cret\r\n\r\n";
    talk.data(End::Proxy, head.as_bytes()).ack(End::Backend);
    talk.idle(Duration::from_millis(200)).close(End::Backend);
    for snap in 40..54 + head.len() {
        let folder = tempfile::tempdir().unwrap();
        keep(&cut_to(&talk.frames, snap), folder.path());
        let bytes = kept(folder.path());
        for part in ["s3c", "3cr", "ret@", "bob"] {
            assert!(
                !holds(&bytes, part),
                "{part} of {snap} bytes: {}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}

#[test]
fn what_is_no_secret_is_shown_and_what_is_asked_for() {
    let targets = ["/a?page=hunter2&monkey=hunter3&token=hunter4".to_owned()];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcap");
    fs::write(&path, pcap(&lost(&targets, "hunter5"))).unwrap();
    let said = |options: &[&str]| {
        stdout(&run(&[&["analyze", "--format", "json", path.to_str().unwrap()], options].concat()))
    };
    let hidden = said(&[]);
    assert!(hidden.contains("/a?page=hunter2&monkey=hunter3&token=…"), "{hidden}");
    assert!(hidden.contains(r#""host": "…@h""#), "{hidden}");
    let shown = said(&["--show-secrets"]);
    assert!(shown.contains("&token=hunter4") && !shown.contains("Bearer"), "{shown}");
}

#[test]
fn a_target_that_goes_on_in_another_segment_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut talk = Talk::new(11, 22);
    talk.handshake().exchange("/warm", 8).idle(Duration::from_millis(100));
    talk.data(End::Proxy, b"GET http://bob:hunt").data(End::Proxy, b"er2@h/a?token=hunt");
    talk.data(End::Proxy, b"er3 HTTP/1.1\r\nHost: h\r\n\r\n").ack(End::Backend);
    talk.idle(Duration::from_millis(200)).close(End::Backend);
    keep(&pcap(&talk.frames), folder.path());
    let bytes = kept(folder.path());
    assert!(holds(&bytes, "Host: h") && holds(&bytes, "GET /warm"));
    for part in ["hunt", "er2", "er3"] {
        assert!(!holds(&bytes, part), "{part}");
    }
}
