//! `why502 live`, on real interfaces: each test in a network namespace of its own, which ends with it.
//!
//! Each of them is run with both sources of frames.

use crate::machine::{self, lacks, needs, tests};
use crate::program::{stderr, stdout, why502};
use libtest_mimic::Trial;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

tests![
    a_failure_is_told_while_the_watch_goes_on,
    a_backend_that_hangs_is_told_of_while_it_hangs,
    a_refused_connect_to_this_host_says_what_listens_instead,
    it_says_the_same_as_an_analysis_of_what_it_saw,
    what_is_kept_holds_no_body_and_no_secret,
    once_everything_is_open_privileges_are_gone,
    one_capability_is_enough_and_without_it_one_line_says_so,
    a_wrong_interface_is_one_line_that_names_the_right_ones,
    an_interface_that_goes_away_ends_the_watch_with_a_report,
    an_interface_that_is_down_for_a_while_is_watched_again,
    where_nobody_reads_the_answer_the_watch_ends_and_says_so,
    it_reports_on_the_way_and_goes_on,
    it_says_now_and_then_that_it_goes_on,
    in_text_what_is_alike_is_gathered_before_the_report,
    it_ends_by_itself_after_a_time_or_a_number_of_failures,
    killed_outright_it_leaves_evidence_that_is_whole,
    a_full_disk_is_told_once_and_the_watch_goes_on,
    what_the_kernel_drops_is_counted_and_accuses_nobody,
    what_is_lost_is_told_while_it_goes_on,
    answers_of_many_large_frames_are_followed_though_frames_are_cut,
    several_interfaces_are_one_watch_in_the_order_of_time,
    what_programs_give_to_openssl_is_read_as_in_clear,
    of_a_program_that_moves_its_ciphertext_itself_tls_is_all_that_shows,
];

/// Each of them with each source of frames.
pub fn trials() -> Vec<Trial> {
    let with = |source: &'static str| {
        TESTS.iter().map(move |(name, test)| {
            machine::trial(format!("live::{source}::{name}"), move || {
                SOURCE.set(source);
                test();
            })
        })
    };
    with("pcap").chain(with("ebpf")).collect()
}

thread_local! {
    /// Where the watches of this test get their frames from.
    static SOURCE: Cell<&'static str> = const { Cell::new("pcap") };
}

/// Runs `test` on a thread in a network namespace of its own, with `lo` up.
pub(crate) fn on_a_host(test: impl FnOnce() + Send + 'static) {
    let source = SOURCE.get();
    let thread = thread::spawn(move || {
        SOURCE.set(source);
        if unshare(CloneFlags::CLONE_NEWNET).is_err() {
            lacks("needs root, for network namespaces");
        }
        needs(&["ip"]);
        assert!(run("ip link set lo up").status.success());
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs `test` with this test's source of frames.
fn in_namespace(test: impl FnOnce() + Send + 'static) {
    on_a_host(|| {
        if SOURCE.get() == "ebpf" {
            needs_hooks();
        }
        test();
    });
}

/// Goes on where the kernel takes eBPF programs at interfaces.
pub(crate) fn needs_hooks() {
    let mut version = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    version.truncate(version.find('-').unwrap_or(version.len()).min(version.trim().len()));
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let types = Path::new("/sys/kernel/btf/vmlinux").exists();
    if !cfg!(feature = "ebpf") {
        machine::not_here("needs a program built with eBPF");
    }
    if version < (6, 6) || !types {
        lacks("needs Linux 6.6 with BTF");
    }
}

pub(crate) fn run(line: &str) -> Output {
    Command::new("sh").args(["-c", line]).output().unwrap()
}

/// A program that watches.
struct Watch {
    child: Child,
    records: Receiver<(Instant, Value)>,
    errors: Receiver<String>,
    /// The line with which it began.
    said: String,
}

/// The lines of a stream, as they come.
pub(crate) fn lines<T: Send + 'static>(
    stream: impl Read + Send + 'static,
    read: impl Fn(String) -> T + Send + 'static,
) -> Receiver<T> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let _ = send.send(read(line));
        }
    });
    receive
}

impl Watch {
    /// Begins to watch, and returns when it does.
    fn begin(arguments: &[&str]) -> Self {
        let source = SOURCE.get();
        let mut command = why502(&["live", "--format", "jsonl", "--source", source]);
        let watch = Self::of(command.args(arguments));
        let by_hooks = source == "ebpf" && !arguments.contains(&"--full");
        assert_eq!(watch.said.contains("eBPF, "), by_hooks, "{}", watch.said);
        watch
    }

    fn of(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let records = lines(child.stdout.take().unwrap(), |line| {
            (Instant::now(), serde_json::from_str(&line).unwrap())
        });
        let errors = lines(child.stderr.take().unwrap(), |line| line);
        let mut watch = Self { child, records, errors, said: String::new() };
        while !watch.said.contains(": watching ") {
            watch.said = watch.errors.recv_timeout(PATIENCE).expect("it should watch by now");
        }
        watch
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// The next record of this type, and when it came.
    fn next(&self, of_type: &str) -> (Instant, Value) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let (at, record) = self.records.recv_timeout(left).expect(of_type);
            if record["type"] == of_type {
                return (at, record);
            }
        }
    }

    /// Ends it with Ctrl-C; its records, its exit status, and what it said besides.
    fn end(mut self) -> (Vec<Value>, i32, Vec<String>) {
        self.signal(Signal::SIGINT);
        let status = self.child.wait().unwrap();
        let records = self.records.iter().map(|(_, record)| record).collect();
        (records, status.code().unwrap(), self.errors.iter().collect())
    }
}

/// A server that reads a request and then does what `answer` does.
fn serve(answer: impl Fn(&mut TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            while matches!(stream.read(&mut head), Ok(read) if read > 0) {
                answer(&mut stream);
            }
        }
    });
    port
}

fn ok(stream: &mut TcpStream) {
    let answer = "HTTP/1.1 200 OK\r\nServer: test\r\nSet-Cookie: id=h1dden\r\nContent-Length: 9\r\n\r\nbody-text";
    stream.write_all(answer.as_bytes()).unwrap();
}

fn close(stream: &mut TcpStream) {
    stream.shutdown(std::net::Shutdown::Both).unwrap();
}

fn ask(port: u16, target: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer s3cret\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut answer = [0; 4096];
    let read = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

fn causes(records: &[Value]) -> Vec<String> {
    let failures = records.iter().filter(|record| record["type"] == "failure");
    failures.map(|failure| failure["cause"].as_str().unwrap().to_owned()).collect()
}

fn a_failure_is_told_while_the_watch_goes_on() {
    in_namespace(|| {
        let port = serve(close);
        let watch = Watch::begin(&["-i", "lo"]);
        ask(port, "/a");
        // While the watch goes on: nothing but time passes.
        let (_, failure) = watch.next("failure");
        assert_eq!(failure["cause"], "closed_in_flight");
        assert_eq!(failure["request"]["target"], "/a");
        let (records, status, _) = watch.end();
        assert_eq!(status, 1);
        assert_eq!(records.last().unwrap()["counters"]["exchanges_failed"], 1);
    });
}

/// The proxy's patience is over, and the backend holds the connection still.
fn a_backend_that_hangs_is_told_of_while_it_hangs() {
    in_namespace(|| {
        let (go_on, waits) = channel::<()>();
        let port = serve(move |stream| {
            let _ = waits.recv_timeout(PATIENCE);
            stream.shutdown(std::net::Shutdown::Both).unwrap();
        });
        let watch = Watch::begin(&["-i", "lo", "--backend", &format!(":{port}")]);
        let mut proxy = TcpStream::connect(("127.0.0.1", port)).unwrap();
        proxy.write_all(b"GET /hangs HTTP/1.1\r\nHost: shop\r\n\r\n").unwrap();
        thread::sleep(Duration::from_millis(300));
        drop(proxy);
        let (_, failure) = watch.next("failure");
        assert_eq!(failure["cause"], "response_timeout", "{failure}");
        assert_eq!(failure["certainty"], "likely", "{failure}");
        assert_eq!(failure["close"]["by"], "proxy", "{failure}");
        // Now it lets go, without a word.
        go_on.send(()).unwrap();
        thread::sleep(Duration::from_millis(600));
        let (records, ..) = watch.end();
        assert!(causes(&records).is_empty(), "told once: {records:?}");
        assert_eq!(records.last().unwrap()["counters"]["exchanges_failed"], 1);
        let cause_changed = |one: &&Value| one["type"] == "revision" && one["cause"].is_string();
        assert!(records.iter().find(cause_changed).is_none(), "{records:?}");
    });
}

fn a_refused_connect_to_this_host_says_what_listens_instead() {
    in_namespace(|| {
        let port = serve(ok);
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let watch = Watch::begin(&["-i", "lo"]);
        assert!(TcpStream::connect(("127.0.0.1", free)).is_err());
        let (_, failure) = watch.next("failure");
        assert_eq!(failure["cause"], "connection_refused");
        let summary = failure["summary"].as_str().unwrap();
        assert!(summary.contains(&format!("nothing listens on :{free}")), "{summary}");
        // This very process listens.
        let own = format!("({}) listens on :{port}", std::process::id());
        assert!(summary.contains(&own), "{summary}");
        assert_eq!(failure["detail"]["listening"][0]["at"], format!("127.0.0.1:{port}"));
        let (records, ..) = watch.end();
        let changed: Vec<&Value> =
            records.iter().filter(|record| record.get("detail").is_some()).collect();
        assert!(changed.is_empty(), "the end says the same: {changed:?}");
    });
}

fn it_says_the_same_as_an_analysis_of_what_it_saw() {
    in_namespace(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seen.pcapng");
        let (fine, broken) = (serve(ok), serve(close));
        let watch = Watch::begin(&["-i", "lo", "--full", "--write", file.to_str().unwrap()]);
        for number in 0..20 {
            assert!(ask(fine, &format!("/{number}")).starts_with("HTTP/1.1 200"));
            ask(broken, &format!("/broken/{number}"));
        }
        watch.next("failure");
        let (mut records, status, _) = watch.end();
        assert_eq!(status, 1);
        let of_file = why502(&["analyze", "--format", "json", file.to_str().unwrap()]);
        let of_file = { of_file }.output().unwrap();
        let report: Value = serde_json::from_str(&stdout(&of_file)).unwrap();
        let summary = records.pop().unwrap();
        for name in ["causes", "backends", "events"] {
            assert_eq!(summary[name], report[name], "{name}");
        }
        assert_eq!(summary["counters"]["exchanges"], 40);
        assert_eq!(summary["counters"], report["counters"]);
    });
}

fn what_is_kept_holds_no_body_and_no_secret() {
    in_namespace(|| {
        let folder = tempfile::tempdir().unwrap();
        let (file, evidence) = (folder.path().join("seen.pcapng"), folder.path().join("evidence"));
        let (fine, broken) = (serve(ok), serve(close));
        let watch = Watch::begin(&[
            "-i",
            "lo",
            "--write",
            file.to_str().unwrap(),
            "--keep-evidence",
            evidence.to_str().unwrap(),
        ]);
        ask(fine, "/fine?token=t0ken");
        ask(broken, "/broken?id=7&token=t0ken");
        watch.next("failure");
        watch.end();
        let kept = fs::read_dir(&evidence).unwrap().map(|entry| entry.unwrap().path());
        let kept: Vec<_> = kept.collect();
        assert_eq!(kept.len(), 1, "{kept:?}");
        for file in [&file, &kept[0]] {
            let bytes = fs::read(file).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            for secret in ["s3cret", "t0ken", "h1dden", "body-text"] {
                assert!(!text.contains(secret), "{}: {secret}", file.display());
            }
            assert!(text.contains("Host: shop"));
            assert_eq!(mode(file), 0o600);
        }
        assert_eq!(mode(&evidence), 0o700);
        // The proof stands in the file, and the file alone proves it.
        let bytes = fs::read(&kept[0]).unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("the backend's FIN"));
        let again = why502(&["analyze", "--format", "json", kept[0].to_str().unwrap()]);
        let again: Value = serde_json::from_str(&stdout(&{ again }.output().unwrap())).unwrap();
        assert_eq!(again["failures"][0]["cause"], "closed_in_flight");
        assert_eq!(again["failures"][0]["request"]["target"], "/broken?id=7&token=…");
    });
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn once_everything_is_open_privileges_are_gone() {
    in_namespace(|| {
        let status = |watch: &Watch| {
            let status = fs::read_to_string(format!("/proc/{}/status", watch.child.id())).unwrap();
            let value = |name: &str| {
                let line = status.lines().find(|line| line.starts_with(name)).unwrap();
                line.split_once(':').unwrap().1.trim().to_owned()
            };
            let threads = value("Threads");
            (value("Uid"), value("CapEff"), value("CapPrm"), value("NoNewPrivs"), threads)
        };
        let watch = Watch::begin(&["-i", "lo"]);
        let (user, effective, permitted, no_new, threads) = status(&watch);
        assert!(!user.starts_with("0\t"), "{user}");
        let none = "0000000000000000";
        assert_eq!((effective.as_str(), permitted.as_str()), (none, none));
        assert_eq!((no_new.as_str(), threads.as_str()), ("1", "1"));
        watch.end();

        // Root's own folder is written to by root, without root's powers.
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::begin(&["-i", "lo", "--keep-evidence", folder.path().to_str().unwrap()]);
        let (user, effective, permitted, ..) = status(&watch);
        assert!(user.starts_with("0\t"), "{user}");
        assert_eq!((effective.as_str(), permitted.as_str()), (none, none));
        watch.end();
    });
}

/// A copy of the program where everybody may run it. Another process makes it: had this one it open for
/// writing, what other tests start at that moment would have it too, and it could not be run meanwhile.
pub(crate) fn for_everybody(folder: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.join("why502");
    let copied = run(&format!("cp {} {}", env!("CARGO_BIN_EXE_why502"), program.display()));
    assert!(copied.status.success(), "{}", stderr(&copied));
    program
}

fn one_capability_is_enough_and_without_it_one_line_says_so() {
    in_namespace(|| {
        needs(&["setpriv", "setcap"]);
        let folder = tempfile::tempdir().unwrap();
        let program = for_everybody(folder.path());
        let nobody = |more: &str| {
            format!(
                "setpriv --reuid=nobody --clear-groups {more} {} live -i lo --duration 1s",
                program.display()
            )
        };
        let refused = run(&nobody(""));
        assert_eq!(refused.status.code(), Some(2));
        let said = stderr(&refused);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("lo: no permission") && said.contains("sudo"), "{said}");

        let allowed = run(&nobody("--inh-caps=+net_raw --ambient-caps=+net_raw"));
        assert_eq!(allowed.status.code(), Some(0), "{}", stderr(&allowed));
        assert!(run(&format!("setcap cap_net_raw+ep {}", program.display())).status.success());
        let allowed = run(&nobody(""));
        assert_eq!(allowed.status.code(), Some(0), "{}", stderr(&allowed));
    });
}

fn a_wrong_interface_is_one_line_that_names_the_right_ones() {
    in_namespace(|| {
        let refused = why502(&["live", "-i", "eht0"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        let said = stderr(&refused);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("eht0: no such interface") && said.contains("lo"), "{said}");
        let none = why502(&["live"]).output().unwrap();
        assert_eq!(none.status.code(), Some(2));
        assert!(stderr(&none).contains("-i lo"), "{}", stderr(&none));
        let wrong = why502(&["live", "-i", "lo", "--filter", "tcp prot 80"]).output().unwrap();
        assert_eq!(wrong.status.code(), Some(2));
        assert!(stderr(&wrong).contains("--filter \"tcp prot 80\""), "{}", stderr(&wrong));
    });
}

fn an_interface_that_goes_away_ends_the_watch_with_a_report() {
    in_namespace(|| {
        run("ip link add gone0 type veth peer name gone1 && ip link set gone0 up");
        let mut watch = Watch::begin(&["-i", "gone0"]);
        run("ip link del gone0");
        let (_, summary) = watch.next("summary");
        let damage = summary["captures"][0]["damage"].as_str().unwrap();
        assert!(damage.starts_with("gone0: "), "{damage}");
        assert_eq!(watch.child.wait().unwrap().code(), Some(0));
    });
}

fn an_interface_that_is_down_for_a_while_is_watched_again() {
    in_namespace(|| {
        let port = serve(close);
        let watch = Watch::begin(&["-i", "lo"]);
        run("ip link set lo down; sleep 0.3; ip link set lo up");
        ask(port, "/after");
        assert_eq!(watch.next("failure").1["request"]["target"], "/after");
        watch.end();
    });
}

fn where_nobody_reads_the_answer_the_watch_ends_and_says_so() {
    in_namespace(|| {
        let command = format!(
            "{{ timeout 20 {} live -i lo 2>&3 | head -c 0; }} 3>&1",
            env!("CARGO_BIN_EXE_why502")
        );
        let said = stdout(&run(&command));
        assert!(said.lines().last().unwrap().contains("nobody reads the output"), "{said}");
    });
}

fn it_reports_on_the_way_and_goes_on() {
    in_namespace(|| {
        let port = serve(close);
        let watch = Watch::begin(&["-i", "lo"]);
        ask(port, "/1");
        watch.next("failure");
        watch.signal(Signal::SIGUSR1);
        let (_, summary) = watch.next("summary");
        assert_eq!(
            (&summary["so_far"], &summary["causes"]["closed_in_flight"]),
            (&true.into(), &1.into())
        );
        ask(port, "/2");
        watch.next("failure");
        let (records, ..) = watch.end();
        let last = records.last().unwrap();
        assert_eq!(last["causes"]["closed_in_flight"], 2);
        assert!(last.get("so_far").is_none());
    });
}

fn it_says_now_and_then_that_it_goes_on() {
    in_namespace(|| {
        let port = serve(close);
        let watch = Watch::begin(&["-i", "lo", "--heartbeat", "300ms"]);
        // Nothing happens.
        let (first, quiet) = watch.next("heartbeat");
        let (second, _) = watch.next("heartbeat");
        let apart = second.duration_since(first);
        assert!(apart >= Duration::from_millis(200) && apart < Duration::from_secs(3), "{apart:?}");
        for field in ["segments", "connections", "exchanges", "failed", "dropped"] {
            assert_eq!(quiet[field], 0, "{quiet}");
        }
        assert!(quiet["at"].as_str().unwrap().ends_with('Z'), "{quiet}");
        ask(port, "/a");
        watch.next("failure");
        let (_, busy) = watch.next("heartbeat");
        assert_eq!(busy["failed"], 1, "{busy}");
        assert_eq!(busy["connections"], 1, "{busy}");
        assert_eq!(busy["exchanges"], 1, "{busy}");
        assert!(busy["frames"].as_u64() >= busy["segments"].as_u64(), "{busy}");
        assert!(busy["segments"].as_u64() > Some(5), "{busy}");
    });
    let refused = why502(&["live", "-i", "lo", "--heartbeat", "1m"]).output().unwrap();
    assert!(stderr(&refused).contains("needs --format jsonl"), "{}", stderr(&refused));
    assert_eq!(refused.status.code(), Some(2));
}

fn in_text_what_is_alike_is_gathered_before_the_report() {
    in_namespace(|| {
        let port = serve(close);
        let source = SOURCE.get();
        let mut command = why502(&["live", "--source", source, "-i", "lo", "--max-failures", "6"]);
        command.args(["--timezone", "local"]).env("TZ", "Asia/Tokyo");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let errors = lines(child.stderr.take().unwrap(), |line| line);
        while !errors.recv_timeout(PATIENCE).unwrap().contains(": watching ") {}
        (0..6).for_each(|number| drop(ask(port, &format!("/{number}"))));
        let output = child.wait_with_output().unwrap();
        let said = stdout(&output);
        let (told, report) = said.split_once("\nReport:\n").expect("a heading");
        let at = format!(" at 127.0.0.1:{port}");
        assert_eq!(told.matches(&format!("  GET /2{at}: ")).count(), 1, "{said}");
        assert!(!told.contains("GET /3"), "{said}");
        assert_eq!(told.matches("What to change").count(), 1, "{said}");
        assert!(told.contains(&format!("  GET /1{at}: connection closed")), "{said}");
        assert!(told.contains("  + 3 ") && told.contains("(6 so far)"), "{said}");
        let zone =
            if Path::new("/usr/share/zoneinfo/Asia/Tokyo").exists() { " JST  " } else { "  " };
        assert!(told.lines().next().unwrap().contains(zone), "{said}");
        assert!(report.contains("6 of 6 requests failed"), "{said}");
    });
}

fn it_ends_by_itself_after_a_time_or_a_number_of_failures() {
    in_namespace(|| {
        let port = serve(close);
        let mut watch = Watch::begin(&["-i", "lo", "--max-failures", "2"]);
        ask(port, "/1");
        ask(port, "/2");
        assert_eq!(watch.child.wait().unwrap().code(), Some(1));
        let begun = Instant::now();
        let mut watch = Watch::begin(&["-i", "lo", "--duration", "500ms"]);
        assert_eq!(watch.child.wait().unwrap().code(), Some(0));
        assert!(begun.elapsed() >= Duration::from_millis(500));
    });
}

fn killed_outright_it_leaves_evidence_that_is_whole() {
    in_namespace(|| {
        let folder = tempfile::tempdir().unwrap();
        let (file, evidence) = (folder.path().join("seen.pcapng"), folder.path().join("evidence"));
        let port = serve(close);
        let mut watch = Watch::begin(&[
            "-i",
            "lo",
            "--write",
            file.to_str().unwrap(),
            "--keep-evidence",
            evidence.to_str().unwrap(),
        ]);
        for number in 0..10 {
            ask(port, &format!("/{number}"));
            watch.next("failure");
        }
        watch.signal(Signal::SIGKILL);
        watch.child.wait().unwrap();
        let mut files: Vec<_> =
            fs::read_dir(&evidence).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 10);
        files.push(file);
        for file in files {
            let report = why502(&["analyze", "--format", "json", file.to_str().unwrap()]);
            let report: Value =
                serde_json::from_str(&stdout(&{ report }.output().unwrap())).unwrap();
            assert_eq!(report["captures"][0]["damage"], Value::Null, "{}", file.display());
            assert!(report["captures"][0]["frames"].as_u64().unwrap() >= 5);
            assert_eq!(report["failures"][0]["cause"], "closed_in_flight");
        }
    });
}

fn a_full_disk_is_told_once_and_the_watch_goes_on() {
    in_namespace(|| {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        fs::create_dir(&disk).unwrap();
        if unshare(CloneFlags::CLONE_NEWNS).is_err() {
            lacks("needs root, for mount namespaces");
        }
        run("mount --make-rprivate /");
        let mounted = run(&format!("mount -t tmpfs -o size=16k none {}", disk.display()));
        assert!(mounted.status.success(), "{}", stderr(&mounted));
        let port = serve(close);
        let file = disk.join("seen.pcapng");
        let watch = Watch::begin(&[
            "-i",
            "lo",
            "--write",
            file.to_str().unwrap(),
            "--keep-evidence",
            disk.to_str().unwrap(),
        ]);
        for number in 0..60 {
            ask(port, &format!("/{number}"));
        }
        for _ in 0..60 {
            watch.next("failure");
        }
        let (records, status, said) = watch.end();
        assert_eq!((status, causes(&records).len()), (1, 0));
        let full = said.iter().filter(|line| line.contains("the watch goes on")).count();
        assert!((1..=2).contains(&full), "told once for each: {said:?}");
        // What was written before is whole.
        let report = why502(&["analyze", "--format", "json", file.to_str().unwrap()]);
        let report: Value = serde_json::from_str(&stdout(&{ report }.output().unwrap())).unwrap();
        assert_eq!(report["captures"][0]["damage"], Value::Null);
        run(&format!("umount {}", disk.display()));
    });
}

fn what_the_kernel_drops_is_counted_and_accuses_nobody() {
    in_namespace(|| {
        let port = serve(ok);
        let watch = Watch::begin(&["-i", "lo", "--buffer-size", "64KiB"]);
        watch.signal(Signal::SIGSTOP);
        for number in 0..2_000 {
            ask(port, &format!("/{number}"));
        }
        watch.signal(Signal::SIGCONT);
        for number in 0..20 {
            ask(port, &format!("/after/{number}"));
        }
        let (records, status, _) = watch.end();
        let summary = records.last().unwrap();
        assert!(summary["captures"][0]["kernel_drops"].as_u64().unwrap() > 1_000, "{summary}");
        let notes = summary["notes"].as_array().unwrap();
        assert!(notes.iter().any(|note| note["code"] == "frames_dropped"), "{notes:?}");
        assert_eq!((status, causes(&records)), (0, Vec::new()));
    });
}

fn what_is_lost_is_told_while_it_goes_on() {
    in_namespace(|| {
        let (fine, broken) = (serve(ok), serve(close));
        let watch = Watch::begin(&["-i", "lo", "--buffer-size", "64KiB"]);
        watch.signal(Signal::SIGSTOP);
        for number in 0..1_000 {
            ask(fine, &format!("/{number}"));
        }
        watch.signal(Signal::SIGCONT);
        // While the watch goes on.
        let (_, first) = watch.next("loss");
        assert_eq!(first["interface"], "lo");
        assert!(first["kernel_drops"].as_u64().unwrap() > 500, "{first}");
        assert_eq!(first["interface_drops"], 0);
        assert!(first["since"].as_str() < first["at"].as_str(), "{first}");
        // What the interface shows was said at the start.
        let line = loop {
            let line = watch.errors.recv_timeout(PATIENCE).unwrap();
            if !line.contains(" shows ") && !line.contains("listening on this host") {
                break line;
            }
        };
        assert!(
            line.starts_with("why502: lo: ") && line.contains(" packets lost in the "),
            "{line}"
        );
        assert!(line.ends_with("raise --buffer-size"), "{line}");
        // What is seen is told and proven as ever.
        thread::sleep(Duration::from_millis(1_200));
        ask(broken, "/broken");
        let failure = loop {
            let (_, failure) = watch.next("failure");
            // Of what was lost, nobody is accused.
            if failure["cause"] != "unproven" {
                break failure;
            }
            assert_eq!(failure["certainty"], "possible", "{failure}");
        };
        assert_eq!(failure["cause"], "closed_in_flight");
        assert_eq!(failure["request"]["target"], "/broken");
        let (records, _, said) = watch.end();
        assert!(causes(&records).iter().all(|cause| cause == "unproven"), "{records:?}");
        let losses = records.iter().filter(|record| record["type"] == "loss");
        let more: u64 = losses.map(|loss| loss["kernel_drops"].as_u64().unwrap()).sum();
        let all = records.last().unwrap()["captures"][0]["kernel_drops"].as_u64().unwrap();
        assert_eq!(first["kernel_drops"].as_u64().unwrap() + more, all, "{said:?}");
    });
}

fn answers_of_many_large_frames_are_followed_though_frames_are_cut() {
    in_namespace(|| {
        let port = serve(|stream| {
            let chunk = format!("{:x}\r\n{}\r\n", 60_000, "y".repeat(60_000));
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
            for _ in 0..5 {
                stream.write_all(chunk.as_bytes()).unwrap();
            }
            stream.write_all(b"0\r\n\r\n").unwrap();
        });
        let watch = Watch::begin(&["-i", "lo"]);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        for number in 0..10 {
            let request = format!("GET /{number} HTTP/1.1\r\nHost: shop\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let (mut answer, mut piece) = (Vec::new(), [0; 1 << 16]);
            while !answer.ends_with(b"\r\n0\r\n\r\n") {
                let read = stream.read(&mut piece).unwrap();
                answer.extend(&piece[..read]);
            }
        }
        drop(stream);
        let (records, status, _) = watch.end();
        let summary = records.last().unwrap();
        let counters = &summary["counters"];
        assert!(summary["captures"][0]["truncated_frames"].as_u64().unwrap() > 10);
        assert_eq!((&counters["exchanges"], status), (&10.into(), 0));
        // The last one may be: nothing follows it.
        assert!(counters["exchanges_unread"].as_u64().unwrap() <= 1, "{counters}");
    });
}

fn several_interfaces_are_one_watch_in_the_order_of_time() {
    in_namespace(|| {
        // Both ends of a link: each frame is seen twice, a moment apart.
        run(
            "ip link add a0 type veth peer name b0 && ip link set a0 up && ip addr add 10.9.0.1/24 dev a0",
        );
        run("ip netns list >/dev/null; unshare -n true");
        let port = serve(close);
        let watch = Watch::begin(&["-i", "lo", "a0"]);
        for number in 0..5 {
            ask(port, &format!("/{number}"));
        }
        for _ in 0..5 {
            assert_eq!(watch.next("failure").1["cause"], "closed_in_flight");
        }
        let (records, ..) = watch.end();
        assert_eq!(records.last().unwrap()["captures"][0]["path"], "lo, a0");
        assert_eq!(causes(&records), [""; 0]);
    });
}

/// A server and a client in Python, whose TLS is OpenSSL's, given sockets or memory (`bio`). The server
/// answers, and at `/close` closes instead.
const PYTHON: &str = r#"
import socket, ssl, sys, threading
port, mode, tls, targets = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
def context(side):
    context = ssl.SSLContext(side)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if side == ssl.PROTOCOL_TLS_SERVER:
        context.load_cert_chain("cert.pem", "key.pem")
    return context
class Bio:
    def __init__(self, sock, server):
        self.sock, self.i, self.o = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        side = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
        self.tls = context(side).wrap_bio(self.i, self.o, server)
        self.until(self.tls.do_handshake)
    def until(self, do, *what):
        while True:
            try:
                done = do(*what)
                return self.flush(done)
            except ssl.SSLWantReadError:
                self.flush(None)
                more = self.sock.recv(65536)
                if not more:
                    return b""
                self.i.write(more)
    def flush(self, done):
        if self.o.pending:
            self.sock.sendall(self.o.read())
        return done
    def recv(self, most): return self.until(self.tls.read, most)
    def sendall(self, what): return self.until(self.tls.write, what)
    def close(self): self.sock.close()
def wrapped(sock, server):
    if tls == "bio":
        return Bio(sock, server)
    if tls == "plain":
        return sock
    side = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
    return context(side).wrap_socket(sock, server)
def message(sock):
    got = b""
    while b"\r\n\r\n" not in got:
        more = sock.recv(4096)
        if not more:
            return got
        got += more
    return got
def serve(sock):
    sock = wrapped(sock, True)
    while True:
        asked = message(sock)
        if not asked or b" /close" in asked:
            return sock.close()
        size = 30000 if b" /large" in asked else 9
        sock.sendall(b"HTTP/1.1 200 OK\r\nServer: test\r\nSet-Cookie: id=h1dden\r\nContent-Length: %d\r\n\r\n" % size)
        sock.sendall((b"body-text" * size)[:size])
if mode == "serve":
    listener = socket.create_server(("127.0.0.1", port))
    print("ready", flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
sock = wrapped(socket.create_connection(("127.0.0.1", port)), False)
for target in targets:
    sock.sendall(b"GET %s HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer s3cret\r\n\r\n" % target.encode())
    got = message(sock)
    size = 30000 if target == "/large" else 9
    while got and len(got.partition(b"\r\n\r\n")[2]) < size:
        got += sock.recv(1000)
sock.close()
"#;

/// A Python process, ended with the test.
struct Python(Child);

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the program above.
fn python(folder: &Path, arguments: &[&str]) -> Python {
    let certificate = "[ -f cert.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem \
                       -out cert.pem -days 2 -subj /CN=localhost";
    let made = Command::new("sh").args(["-c", certificate]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
    let mut command = Command::new("python3");
    command.args(["-c", PYTHON]).args(arguments).current_dir(folder).stdout(Stdio::piped());
    Python(command.spawn().unwrap())
}

struct Told {
    records: Vec<Value>,
    /// What was said at the beginning.
    said: Vec<String>,
    /// The number of the server's process.
    pid: u32,
    /// All bytes of all files.
    kept: Vec<u8>,
}

/// What a watch with `--tls-uprobes` says of two connections, as `tls` does it.
fn spoken(tls: &'static str) -> Told {
    needs(&["openssl", "python3"]);
    let folder = tempfile::tempdir().unwrap();
    let (file, evidence) = (folder.path().join("seen.pcapng"), folder.path().join("evidence"));
    let mut server = python(folder.path(), &["9443", "serve", tls]);
    let mut ready = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let mut command = why502(&["live", "--format", "jsonl", "--exchanges", "--connections"]);
    command.args(["-i", "lo", "--tls-uprobes", "--write", file.to_str().unwrap()]);
    command.args(["--keep-evidence", evidence.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = Vec::new();
    while !said.last().is_some_and(|line: &String| line.contains("watching")) {
        let mut line = String::new();
        assert!(errors.read_line(&mut line).unwrap() > 0, "it should watch by now: {said:?}");
        said.push(line);
    }
    let pid = server.0.id();
    for targets in [&["/a?token=t0ken", "/large", "/b"][..], &["/c", "/close"]] {
        let mut client = python(folder.path(), &[&["9443", "ask", tls], targets].concat());
        client.0.wait().unwrap();
    }
    thread::sleep(Duration::from_millis(800));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let records = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut kept = fs::read(&file).unwrap();
    for entry in fs::read_dir(&evidence).unwrap() {
        kept.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    // Without eBPF, and before Linux 6.3.
    if tls != "plain" && said.iter().any(|line| line.contains("TLS is not read")) {
        lacks(format!("needs a kernel with uprobes: {said:?}"));
    }
    Told { records, said, pid, kept }
}

fn exchanges(records: &[Value]) -> Vec<String> {
    let exchanges = records.iter().filter(|record| record["type"] == "exchange");
    let of = |one: &Value| {
        let word = |name| one[name].to_string().replace('"', "");
        [word("protocol"), word("target"), word("status"), word("response_bytes")].join(" ")
    };
    let mut all: Vec<String> = exchanges.map(of).collect();
    all.sort();
    all
}

fn what_programs_give_to_openssl_is_read_as_in_clear() {
    in_namespace(|| {
        let Told { records, said, pid, kept } = spoken("tls");
        // Its number is told, unless there are many of them.
        let known = [format!("python3 ({pid}"), format!(", {pid}"), " more)".to_owned()];
        let named = |line: &String| {
            line.contains("covers ") && known.iter().any(|known| line.contains(known))
        };
        assert!(said.iter().any(named), "{said:?}");
        let Told { records: plain, .. } = spoken("plain");
        assert_eq!(exchanges(&records), exchanges(&plain));
        assert_eq!(exchanges(&records).len(), 5, "{records:?}");
        assert_eq!(
            (causes(&records), causes(&plain)),
            (vec!["closed_in_flight".into()], causes(&records))
        );
        let summary = records.last().unwrap();
        assert_eq!(summary["counters"]["capture_gaps"], 0);
        assert!(
            summary["notes"].to_string().contains("2 TLS connections were read from what programs")
        );
        // What is kept is what was on the wire.
        let kept = String::from_utf8_lossy(&kept);
        let told = serde_json::to_string(&records).unwrap();
        for secret in ["s3cret", "t0ken", "h1dden", "body-text"] {
            assert!(!kept.contains(secret) && !told.contains(secret), "{secret}");
        }
        assert!(!kept.contains("/close") && !kept.contains("shop"), "nothing in clear");
    });
}

fn of_a_program_that_moves_its_ciphertext_itself_tls_is_all_that_shows() {
    in_namespace(|| {
        let Told { records, .. } = spoken("bio");
        assert_eq!(exchanges(&records), Vec::<String>::new());
        assert_eq!(causes(&records), Vec::<String>::new());
        let connections: Vec<&Value> =
            records.iter().filter(|record| record["type"] == "connection").collect();
        assert!(connections.len() == 2, "{records:?}");
        assert!(connections.iter().all(|one| one["protocol"] == "tls"), "{records:?}");
        let notes = records.last().unwrap()["notes"].to_string();
        assert!(notes.contains("none of 2 TLS connections was read"), "{notes}");
    });
}
