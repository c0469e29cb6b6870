//! `why502 live` as somebody sees it who watches at a terminal, and the page at the end of a watch.

use crate::live::{lines, on_a_host};
use crate::machine::{needs, takes_long, tests};
use crate::program::{stderr, why502};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;
use tempfile::TempDir;

tests![
    what_no_longer_holds_is_said_while_the_watch_goes_on,
    a_line_a_minute_says_how_the_watch_fares,
    the_page_of_a_watch_is_whole_and_allows_nothing_else,
];

/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A watch on a terminal of its own.
struct Terminal {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Terminal {
    /// A watch of `lo`, on a terminal of so many columns, once it has begun.
    fn begin(columns: usize, arguments: &str) -> Self {
        needs(&["script", "stty"]);
        let program = env!("CARGO_BIN_EXE_why502");
        let watch = format!(
            "stty cols {columns} rows 24 && exec '{program}' live --source pcap -i lo {arguments}"
        );
        let mut child = Command::new("script")
            .args(["-q", "-e", "-c", &watch, "/dev/null"])
            .env_remove("COLUMNS")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines(child.stdout.take().unwrap(), |line| shown(&line));
        let mut terminal = Self { child, lines, seen: Vec::new() };
        while !terminal.next().contains(": watching ") {}
        terminal
    }

    fn next(&mut self) -> String {
        let line = self.lines.recv_timeout(PATIENCE).expect("the watch says something");
        self.seen.push(line.clone());
        line
    }

    /// All that it showed, once it has ended by itself.
    fn ended(mut self) -> (Vec<String>, i32) {
        let status = self.child.wait().unwrap();
        self.seen.extend(self.lines.iter());
        (self.seen, status.code().unwrap())
    }
}

/// What stays of a line: what was written over, and colours, do not.
fn shown(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let last = line.rsplit("\r\u{1b}[K").next().unwrap();
    let mut parts = last.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |shown, part| shown + part.split_once('m').map_or("", |(_, text)| text))
}

/// A backend that answers four seconds late, to `/fails` with 500.
fn late() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap();
                let fails = head[..read].starts_with(b"GET /fails");
                sleep(Duration::from_secs(4));
                let status = if fails { "500 Oops" } else { "200 OK" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok");
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    port
}

/// A proxy that says after a second that it sends no more, and takes what still comes.
fn half_closes(port: u16, target: &'static str) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // In one piece: a backend that has not read all of it resets where it closes.
        let request = format!("GET {target} HTTP/1.1\r\nHost: shop\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        sleep(Duration::from_secs(1));
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    })
}

/// The proxy seems to have given up, and is told so; then the response comes after all.
fn what_no_longer_holds_is_said_while_the_watch_goes_on() {
    on_a_host(|| {
        let port = late();
        let terminal = Terminal::begin(64, "--duration 9s");
        let asked = [half_closes(port, "/late"), half_closes(port, "/fails")];
        let answers = asked.map(|one| one.join().unwrap());
        assert!(answers[0].contains("200 OK") && answers[1].contains("500 Oops"), "{answers:?}");
        let (seen, status) = terminal.ended();
        let said = seen.join("\n");
        assert_eq!(status, 1, "{said}");
        let place = |what: &str| said.find(what).unwrap_or_else(|| panic!("{what}: {said}"));
        let (report, first) = (place("\nReport:"), place("response timeout (likely)"));
        for what in ["Withdrawn: GET /late of ", "Changed: GET /fails of "] {
            assert!((first..report).contains(&place(what)), "{said}");
        }
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("is now error response of the backend itself ("), "{said}");
        assert!(said[report..].contains("1 of 2 requests failed"), "{said}");
        // What the watch tells, and the report; the beginning names interfaces and listeners in lines of their own.
        let told = &said[first..];
        assert!(told.lines().all(|line| line.chars().count() <= 64), "{said}");
    });
}

fn a_line_a_minute_says_how_the_watch_fares() {
    takes_long();
    on_a_host(|| {
        let port = late();
        let terminal = Terminal::begin(80, "--duration 63s");
        assert!(half_closes(port, "/fails").join().unwrap().contains("500"));
        let (seen, _) = terminal.ended();
        let fares: Vec<&String> = seen.iter().filter(|line| line.contains(" seen, ")).collect();
        assert_eq!(fares.len(), 1, "{seen:?}");
        assert!(fares[0].ends_with(" UTC  1 request seen, 1 failed, 0 frames lost"), "{fares:?}");
        // The line that is renewed twice a second leaves nothing behind.
        assert!(!seen.iter().any(|line| line.contains(" frames, ") && line.ends_with(" s")));
    });
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).expect(from).0
}

fn the_page_of_a_watch_is_whole_and_allows_nothing_else() {
    on_a_host(|| {
        let folder = TempDir::new().unwrap();
        let page = folder.path().join("page.html");
        let port = late();
        let mut command = why502(&["live", "--source", "pcap", "-i", "lo", "--duration", "8s"]);
        command.arg("--html").arg(&page).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        sleep(Duration::from_secs(1));
        assert!(half_closes(port, "/fails").join().unwrap().contains("500"));
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        check_page(&page);
    });
}

fn check_page(page: &Path) {
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "{page}");
    let hash =
        |text: &str| format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())));
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(page.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0);
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains(&style) && policy.contains(&script), "{policy}");
    let report = between(&page, "id=\"report\">", "</script>");
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    let failures = report["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 1, "{report}");
    assert_eq!(failures[0]["cause"], "backend_error");
    assert!(page.contains("<svg class=\"ladder\"") && page.contains("GET"), "{page}");
}
