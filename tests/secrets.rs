//! Nothing secret is shown, in no form of the answer, nor kept in a file of frames: by whatever key,
//! wherever it stands, however often it is encoded.

use crate::program::{run, stderr, stdout};
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
