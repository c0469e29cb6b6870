//! What the kernel says of connections' ends, held against what processes of the test's own do: each test
//! in a network namespace of its own.
//!
//! They need root, a kernel that tells its types, and python3.

use crate::live::{for_everybody, on_a_host, run};
use crate::machine::{lacks, needs, tests};
use crate::program::{stderr, why502};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime};
use why502::inside::base::time::Timestamp;
use why502::inside::ebpf::Sockets;
use why502::inside::facts::kernel::{End, Ends, How, ResetReason};
use why502::inside::packet::Endpoint;

tests![
    both_ends_are_known_by_their_processes_and_what_they_did_last,
    a_connection_older_than_the_watch_has_its_owners,
    a_process_of_a_container_has_the_number_that_it_has_here,
    a_connection_that_several_have_open_is_nobodys_until_one_uses_it,
    who_closed_it_and_how_is_known,
    an_end_closed_after_the_other_is_told_apart_too,
    bytes_that_nobody_read_are_counted_and_are_why_it_was_reset,
    a_linger_time_of_zero_is_why_it_was_reset,
    a_request_that_crosses_a_close_meets_a_reset_for_that,
    data_for_an_end_whose_close_has_not_arrived_is_told_apart,
    nothing_listening_is_why_a_connect_was_refused,
    the_worker_that_answers_is_the_owner_not_the_parent_that_listens,
    a_full_queue_is_told_of_those_that_wait_in_front_of_it,
    the_same_ports_again_are_another_connection,
    who_gave_up_on_a_connect_is_known,
    the_container_of_a_process_is_told,
    killed_outright_it_leaves_nothing_in_the_kernel,
    requests_on_a_connection_send_no_records,
    without_the_rights_for_it_one_line_says_so_and_the_watch_goes_on,
    a_watch_says_who_closed_and_whether_the_request_had_been_read,
    behind_translation_both_ends_are_known_by_their_processes,
];

/// A process that does as it is told, line by line, and answers with `out(...)`.
struct Party {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

/// What each of them knows: `conn` is its end of a connection.
const KNOWS: &str = r"
import os, signal, socket, struct, sys, time
def out(value): print(value, flush=True)
def listen(backlog=16):
    global l
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.bind(('127.0.0.1', 0)); l.listen(backlog); out(l.getsockname()[1])
def accept():
    global conn
    conn = l.accept()[0]; out(1)
def connect(port, own=0):
    global conn
    conn = socket.socket(); conn.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    conn.bind(('127.0.0.1', own)); conn.connect(('127.0.0.1', port)); out(conn.getsockname()[1])
def linger(): conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); out(1)
for line in sys.stdin: exec(line)
";

impl Party {
    fn new() -> Self {
        Self::of(&mut Command::new("python3"))
    }

    fn of(command: &mut Command) -> Self {
        command.args(["-u", "-c", KNOWS]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, to, from: BufReader::new(from) }
    }

    fn tell(&mut self, code: &str) {
        // What Rust escapes, Python understands.
        writeln!(self.to, "exec({code:?})").unwrap();
    }

    fn ask(&mut self, line: &str) -> u32 {
        self.tell(line);
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        answer.trim().parse().unwrap_or_else(|_| panic!("{line}: {answer:?}"))
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody else has everything open that this one has, and says nothing.
const FORK: &str = "p = os.fork()\nif p: out(p)\nelse: time.sleep(60); os._exit(0)";

/// A connection between two processes, and who listens to the kernel.
struct Scene {
    sockets: Sockets,
    client: Party,
    server: Party,
    ends: (Endpoint, Endpoint),
}

fn at(port: u32) -> Endpoint {
    Endpoint { addr: [127, 0, 0, 1].into(), port: port as u16 }
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_nanos(now.as_nanos() as u64)
}

fn wait() {
    sleep(Duration::from_millis(80));
}

fn sockets() -> Sockets {
    Sockets::open().unwrap_or_else(|why| lacks(format!("needs a kernel that tells: {why}")))
}

/// Runs `test` with each of `cases`, all at the same time: each of them mostly waits.
fn at_once<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        let begin = |case| scope.spawn(move || test(case));
        let running: Vec<_> = cases.into_iter().map(begin).collect();
        for one in running {
            if let Err(panic) = one.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// Runs `test` with a connection over which each side has said something.
fn scene(test: impl FnOnce(&mut Scene) + Send + 'static) {
    on_a_host(|| {
        let sockets = sockets();
        needs(&["python3"]);
        let (mut client, mut server) = (Party::new(), Party::new());
        let port = server.ask("listen()");
        let own = client.ask(&format!("connect({port})"));
        server.ask("accept()");
        client.ask("conn.send(b'ping'); out(1)");
        server.ask("out(len(conn.recv(9))); conn.send(b'pong!')");
        client.ask("out(len(conn.recv(9)))");
        test(&mut Scene { sockets, client, server, ends: (at(own), at(port)) });
    });
}

impl Scene {
    fn both(&mut self) -> Ends {
        wait();
        self.sockets.ends(self.ends.0, self.ends.1, now()).expect("it was here")
    }

    fn client(&mut self) -> End {
        self.both().client.expect("the client was here")
    }

    fn server(&mut self) -> End {
        self.both().server.expect("the server was here")
    }

    fn send(&mut self, text: &str) {
        self.client.ask(&format!("conn.send(b'{text}'); out(1)"));
        wait();
    }
}

fn unread(end: &End) -> u32 {
    let closed = end.closed.as_ref().unwrap();
    closed.received_to.0.wrapping_sub(closed.read_to.0)
}

fn both_ends_are_known_by_their_processes_and_what_they_did_last() {
    scene(|scene| {
        let ends = scene.both();
        for (end, pid) in [(ends.client, scene.client.pid()), (ends.server, scene.server.pid())] {
            let end = end.unwrap();
            let owner = end.owner.unwrap();
            assert_eq!((owner.pid, owner.command.as_slice()), (pid, b"python3".as_slice()));
            let (read, written) = (end.last_read.unwrap(), end.last_written.unwrap());
            assert!(now().since(read) < Duration::from_secs(5), "{read}");
            assert!(now().since(written) < Duration::from_secs(5), "{written}");
            assert_eq!((end.closed, end.reset, end.queue), (None, None, None));
        }
        let before = now();
        scene.send("again");
        assert!(scene.client().last_written.unwrap() > before);
        assert!(scene.server().last_read.unwrap() < before, "nobody has read it yet");
    });
}

fn a_connection_older_than_the_watch_has_its_owners() {
    scene(|scene| {
        scene.sockets = sockets();
        let ends = scene.both();
        assert_eq!(ends.client.unwrap().owner.unwrap().pid, scene.client.pid());
        let server = ends.server.unwrap();
        assert_eq!(server.owner.unwrap().pid, scene.server.pid());
        assert_eq!(server.last_read, None, "that was before");
    });
}

fn a_process_of_a_container_has_the_number_that_it_has_here() {
    scene(|scene| {
        needs(&["unshare"]);
        let mut command = Command::new("unshare");
        let command = command.args(["--pid", "--fork", "--kill-child", "python3"]);
        scene.client = Party::of(command);
        let inside = scene.client.ask("out(os.getpid())");
        let children = format!("/proc/{0}/task/{0}/children", scene.client.pid());
        let here: u32 = fs::read_to_string(children).unwrap().trim().parse().unwrap();
        assert_ne!(inside, here);
        let own = scene.client.ask(&format!("connect({})", scene.ends.1.port));
        scene.ends.0 = at(own);
        assert_eq!(scene.client().owner.unwrap().pid, here);
    });
}

fn a_connection_that_several_have_open_is_nobodys_until_one_uses_it() {
    scene(|scene| {
        let other = scene.server.ask(FORK);
        scene.sockets = sockets();
        assert_eq!(scene.server().owner, None);
        scene.server.ask("conn.send(b'x'); out(1)");
        assert_eq!(scene.server().owner.unwrap().pid, scene.server.pid());
        kill(Pid::from_raw(other as i32), Signal::SIGKILL).unwrap();
    });
}

fn who_closed_it_and_how_is_known() {
    let cases = [
        ("conn.close()", How::Close),
        ("conn.shutdown(socket.SHUT_WR)", How::Shutdown),
        ("conn.shutdown(socket.SHUT_RDWR)", How::Shutdown),
        ("conn.shutdown(socket.SHUT_WR); time.sleep(0.02); conn.close()", How::Shutdown),
        ("os._exit(3)", How::Exit { signal: None }),
        ("os.kill(os.getpid(), signal.SIGKILL)", How::Exit { signal: Some(9) }),
        ("os.kill(os.getpid(), signal.SIGTERM)", How::Exit { signal: Some(15) }),
        ("os.abort()", How::Exit { signal: Some(6) }),
    ];
    at_once(cases, |(line, how)| {
        scene(move |scene| {
            let before = now();
            scene.server.tell(line);
            let ends = scene.both();
            let (client, server) = (ends.client.unwrap(), ends.server.unwrap());
            let closed = server.closed.clone().unwrap_or_else(|| panic!("{line}: not closed"));
            assert_eq!(closed.how, how, "{line}");
            assert_eq!(closed.by.as_ref().unwrap().pid, scene.server.pid(), "{line}");
            assert!(closed.at > before && closed.at < now(), "{line}");
            assert_eq!(unread(&server), 0, "{line}");
            assert_eq!((server.reset, &client.closed), (None, &None), "{line}");
            // The other one hears of it, and closes too.
            scene.client.tell("conn.close()");
            let client = scene.client().closed.unwrap();
            assert_eq!(client.by.unwrap().pid, scene.client.pid());
            assert_eq!(client.how, How::Close, "{line}");
        });
    });
}

fn an_end_closed_after_the_other_is_told_apart_too() {
    let cases = [
        ("conn.shutdown(socket.SHUT_WR)", How::Shutdown),
        ("conn.close()", How::Close),
        ("os._exit(0)", How::Exit { signal: None }),
    ];
    at_once(cases, |(line, how)| {
        scene(move |scene| {
            scene.server.tell("conn.close()");
            wait();
            scene.client.tell(line);
            let closed = scene.client().closed.unwrap();
            assert_eq!(closed.how, how, "{line}");
        });
    });
}

fn bytes_that_nobody_read_are_counted_and_are_why_it_was_reset() {
    let cases = [
        ("conn.close()", How::Close),
        ("os.kill(os.getpid(), signal.SIGKILL)", How::Exit { signal: Some(9) }),
    ];
    at_once(cases, |(line, how)| {
        scene(move |scene| {
            scene.send("seventeen bytes..");
            scene.server.ask("out(len(conn.recv(4)))");
            scene.server.tell(line);
            let ends = scene.both();
            let server = ends.server.unwrap();
            assert_eq!(unread(&server), 13, "{line}");
            assert_eq!(server.closed.as_ref().unwrap().how, how);
            assert_eq!(server.closed.unwrap().by.unwrap().pid, scene.server.pid());
            assert_eq!(server.reset.unwrap().why, ResetReason::UnreadData);
            assert_eq!((ends.client.unwrap().closed), None, "a reset is no close of this side");
        });
    });
}

fn a_linger_time_of_zero_is_why_it_was_reset() {
    scene(|scene| {
        scene.server.ask("linger()");
        scene.server.tell("conn.close()");
        let server = scene.server();
        assert_eq!(server.reset.unwrap().why, ResetReason::LingerZero);
        assert_eq!(server.closed.unwrap().how, How::Close);
        assert_eq!(server.owner.unwrap().pid, scene.server.pid());
    });
}

fn a_request_that_crosses_a_close_meets_a_reset_for_that() {
    scene(|scene| {
        scene.server.tell("conn.close()");
        wait();
        let before = now();
        scene.send("too late");
        let ends = scene.both();
        let server = ends.server.unwrap();
        let reset = server.reset.unwrap();
        assert_eq!(reset.why, ResetReason::TimeWait);
        let closed = server.closed.unwrap();
        assert_eq!(closed.how, How::Close);
        assert!(closed.at < before && reset.at > before);
        assert_eq!(ends.client.unwrap().owner.unwrap().pid, scene.client.pid());
    });
}

fn data_for_an_end_whose_close_has_not_arrived_is_told_apart() {
    scene(|scene| {
        // The close waits behind bytes for which the client has no room.
        scene.server.ask(
            "conn.setblocking(False)\ntry:\n while 1: conn.send(b'x' * 65536)\nexcept BlockingIOError: out(1)",
        );
        scene.server.tell("conn.close()");
        wait();
        scene.send("too late");
        assert_eq!(scene.server().reset.unwrap().why, ResetReason::AfterClose);
    });
}

fn nothing_listening_is_why_a_connect_was_refused() {
    scene(|scene| {
        let free = scene.server.ask(
            "s = socket.socket(); s.bind(('127.0.0.1', 0)); out(s.getsockname()[1]); s.close()",
        );
        let own = scene.client.ask(&format!(
            "s = socket.socket(); s.bind(('127.0.0.1', 0)); out(s.getsockname()[1]); s.connect_ex(('127.0.0.1', {free}))"
        ));
        scene.ends = (at(own), at(free));
        let ends = scene.both();
        let server = ends.server.unwrap();
        assert_eq!((server.reset.unwrap().why, server.owner), (ResetReason::NoSocket, None));
        let client = ends.client.unwrap();
        assert_eq!((client.owner.unwrap().pid, client.closed), (scene.client.pid(), None));
    });
}

fn the_worker_that_answers_is_the_owner_not_the_parent_that_listens() {
    scene(|scene| {
        let port = scene.server.ask("listen()");
        let worker = scene.server.ask(
            "p = os.fork()\nif p: out(p)\nelse: accept(); conn.recv(9); time.sleep(60); os._exit(0)",
        );
        let own = scene.client.ask(&format!("connect({port})"));
        scene.ends = (at(own), at(port));
        wait();
        scene.send("ping");
        let owner = scene.server().owner.unwrap();
        assert_eq!(owner.pid, worker);
        assert_ne!(owner.pid, scene.server.pid());
        kill(Pid::from_raw(worker as i32), Signal::SIGKILL).unwrap();
        let closed = scene.server().closed.unwrap();
        assert_eq!((closed.how, closed.by.unwrap().pid), (How::Exit { signal: Some(9) }, worker));
    });
}

fn a_full_queue_is_told_of_those_that_wait_in_front_of_it() {
    scene(|scene| {
        // Who connects comes to the queue with its first bytes, and that takes one more than it says.
        let port = scene.server.ask("listen(2)");
        scene.server.ask("l.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1); out(1)");
        let late = scene.client.ask(&format!("connect({port}); late = conn"));
        let mut first = 0;
        for _ in 0..3 {
            first =
                scene.client.ask(&format!("connect({port}); conn.send(b'ping'); c{first} = conn"));
        }
        scene.client.ask("late.send(b'ping'); out(1)");
        sleep(Duration::from_millis(1_500));
        scene.ends = (at(first), at(port));
        assert_eq!(scene.server().queue, None, "it has its place");
        scene.ends = (at(late), at(port));
        let queue = scene.server().queue.expect("it waits");
        assert_eq!((queue.length, queue.most), (3, 2));
        let client = scene.client();
        assert_eq!(client.owner.unwrap().pid, scene.client.pid());
        assert!(client.retransmits > 0);
    });
}

fn the_same_ports_again_are_another_connection() {
    scene(|scene| {
        let own = scene.ends.0.port;
        scene.client.ask("linger()");
        scene.client.tell("conn.close()");
        wait();
        let between = now();
        let mut other = Party::new();
        other.ask(&format!("connect({}, {own})", scene.ends.1.port));
        wait();
        let ends = scene.both();
        let client = ends.client.unwrap();
        assert_eq!((client.owner.unwrap().pid, client.closed), (other.pid(), None));
        let server = ends.server.unwrap();
        assert_eq!((server.owner, server.closed), (None, None), "nobody has accepted it");
        let before = scene.sockets.ends(scene.ends.0, scene.ends.1, between).unwrap();
        let client = before.client.unwrap();
        assert_eq!(client.owner.unwrap().pid, scene.client.pid());
        assert_eq!(client.reset.unwrap().why, ResetReason::LingerZero);
    });
}

fn who_gave_up_on_a_connect_is_known() {
    scene(|scene| {
        run(
            "ip link add d0 type veth peer name d1 && ip link set d1 up && ip addr add 10.9.9.1/24 dev d0 && ip link set d0 up && ip neigh add 10.9.9.9 lladdr 02:00:00:00:00:09 dev d0; sleep 0.5",
        );
        let own = scene.client.ask("s = socket.socket(); s.setblocking(False); assert s.connect_ex(('10.9.9.9', 80)) == 115; out(s.getsockname()[1])");
        let client = Endpoint { addr: [10, 9, 9, 1].into(), port: own as u16 };
        let server = Endpoint { addr: [10, 9, 9, 9].into(), port: 80 };
        scene.ends = (client, server);
        sleep(Duration::from_millis(1_600));
        let tries = scene.client();
        assert_eq!((tries.owner.unwrap().pid, tries.closed), (scene.client.pid(), None));
        assert!(tries.retransmits > 0);
        scene.client.tell("s.close()");
        let ends = scene.both();
        assert_eq!(ends.server, None);
        let closed = ends.client.unwrap().closed.unwrap();
        assert_eq!((closed.how, closed.by.unwrap().pid), (How::Close, scene.client.pid()));
    });
}

/// Where control groups are, and one with a container's name in it for as long as this is there.
struct Group(std::path::PathBuf);

impl Group {
    fn new(id: &str) -> Option<Self> {
        let roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        let root = roots.iter().find(|root| fs::exists(format!("{root}/cgroup.procs")).unwrap())?;
        let folder = std::path::PathBuf::from(format!("{root}/docker-{id}.scope"));
        fs::create_dir(&folder).ok()?;
        Some(Self(folder))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It can go when nobody is in it any more.
        for _ in 0..50 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
    }
}

fn the_container_of_a_process_is_told() {
    scene(|scene| {
        let id = format!("{:064x}", 0x0abc_def0_1234_u64 + u64::from(scene.server.pid()));
        let id = id.chars().rev().collect::<String>();
        let group = Group::new(&id).unwrap_or_else(|| lacks("needs control groups to make one in"));
        fs::write(group.0.join("cgroup.procs"), scene.server.pid().to_string()).unwrap();
        scene.sockets = sockets();
        let ends = scene.both();
        let of = |end: Option<End>| end.unwrap().owner.unwrap().container;
        assert_eq!(of(ends.server), Some(id[..12].to_owned()));
        assert_eq!(of(ends.client), None);
        scene.server = Party::new();
        drop(group);
    });
}

/// A watch under way, with what it says on standard error.
fn watch(more: &[&str]) -> (Child, BufReader<ChildStderr>, String) {
    let mut command = why502(&["live", "-i", "lo", "--format", "jsonl"]);
    let piped = command.args(more).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("watching") && errors.read_line(&mut said).unwrap() > 0 {}
    (child, errors, said)
}

/// What of BPF a process has open: programs, maps, links, by number.
fn held(pid: u32) -> Vec<(&'static str, u32)> {
    let mut held = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        for line in text.lines() {
            let Some((name, number)) = line.split_once(':') else { continue };
            let kind = match name {
                "prog_id" => "prog",
                "map_id" => "map",
                "link_id" => "link",
                _ => continue,
            };
            held.push((kind, number.trim().parse().unwrap()));
        }
    }
    held
}

fn killed_outright_it_leaves_nothing_in_the_kernel() {
    scene(|_| {
        needs(&["bpftool"]);
        let (mut child, ..) = watch(&["--processes", "always"]);
        let held = held(child.id());
        for kind in ["prog", "map", "link"] {
            assert!(held.iter().any(|(other, _)| *other == kind), "no {kind}: {held:?}");
        }
        let there = |(kind, number): &(&str, u32)| {
            run(&format!("bpftool {kind} show id {number}")).status.success()
        };
        assert!(held.iter().all(there), "while it watches they are there");
        child.kill().unwrap();
        child.wait().unwrap();
        // The kernel takes a moment to put them away.
        let mut left = held;
        for _ in 0..50 {
            left.retain(there);
            if left.is_empty() {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("left behind: {left:?}");
    });
}

/// When each of this process's maps last told of an end, and when that was last read: by map.
fn told(local: Endpoint) -> HashMap<u32, (u64, u64)> {
    let maps = held(std::process::id()).into_iter().filter(|(kind, _)| *kind == "map");
    let mut told = HashMap::new();
    for (_, number) in maps {
        let dump = run(&format!("bpftool -j map dump id {number}"));
        let entries: Value = serde_json::from_slice(&dump.stdout).unwrap_or_default();
        for entry in entries.as_array().into_iter().flatten() {
            let life = &entry["formatted"]["value"];
            let port = life["local_port"].as_u64().unwrap_or(0) as u16;
            if u16::from_be(port) == local.port && life["how"] == 0 {
                let time = |name: &str| life[name].as_u64().unwrap();
                told.insert(number, (time("told"), time("read")));
            }
        }
    }
    told
}

fn requests_on_a_connection_send_no_records() {
    scene(|scene| {
        needs(&["bpftool"]);
        let before = told(scene.ends.0);
        scene.server.tell("for i in range(200): conn.recv(9); conn.send(b'pong!')");
        scene.client.ask("for i in range(200): conn.send(b'ping'); conn.recv(9)\nout(1)");
        let after = told(scene.ends.0);
        let both = before.iter().filter_map(|(map, before)| Some((before, after.get(map)?)));
        let both: Vec<_> = both.collect();
        assert!(!both.is_empty(), "{before:?} {after:?}");
        for (before, after) in both {
            assert!(after.1 > before.1, "it was read meanwhile");
            assert_eq!(after.0, before.0, "nothing was told of that");
        }
    });
}

fn without_the_rights_for_it_one_line_says_so_and_the_watch_goes_on() {
    on_a_host(|| {
        needs(&["setpriv"]);
        let folder = tempfile::tempdir().unwrap();
        let program = for_everybody(folder.path());
        let limited = |processes: &str| {
            run(&format!(
                "setpriv --reuid=nobody --clear-groups --inh-caps=+net_raw --ambient-caps=+net_raw \
                 {} live -i lo --source pcap --duration 300ms --processes {processes}",
                program.display()
            ))
        };
        let auto = limited("auto");
        let said = stderr(&auto);
        assert_eq!(auto.status.code(), Some(0), "{said}");
        assert_eq!(said.lines().filter(|line| line.contains("CAP_BPF")).count(), 1, "{said}");
        let never = limited("never");
        assert!(!stderr(&never).contains("CAP_BPF"), "{}", stderr(&never));
        assert_eq!(never.status.code(), Some(0));
        let always = limited("always");
        assert_eq!(always.status.code(), Some(2));
        assert!(stderr(&always).contains("CAP_BPF"), "{}", stderr(&always));
    });
}

/// The records of a watch during which a backend answers, is idle, gets another request and does this
/// with it; and the numbers of both processes.
fn failing(deed: &'static str) -> (Vec<Value>, [u32; 2]) {
    drop(sockets());
    let (client, mut server) = (Party::new(), Party::new());
    let port = server.ask("listen()");
    failing_at("lo", &[format!(":{port}")], &format!("connect({port})"), deed, client, server)
}

/// The same of these two, of which one `connects` so, watched at an interface.
fn failing_at(
    interface: &str,
    backends: &[String],
    connects: &str,
    deed: &str,
    mut client: Party,
    mut server: Party,
) -> (Vec<Value>, [u32; 2]) {
    let mut command = why502(&["live", "-i", interface, "--format", "jsonl", "--duration", "4s"]);
    command.args(["--processes", "always", "--exit-zero"]);
    command.args(backends.iter().flat_map(|backend| ["--backend", backend]));
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("watching") && errors.read_line(&mut said).unwrap() > 0 {}
    client.ask(connects);
    server.ask("accept()");
    client.ask(r"out(conn.send(b'GET /warm HTTP/1.1\r\nHost: x\r\n\r\n'))");
    server.ask(r"conn.recv(99); out(conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))");
    client.ask("out(len(conn.recv(99)))");
    sleep(Duration::from_millis(300));
    // It waits until the request has come, without reading it.
    server.tell("import select; select.select([conn], [], [])");
    server.tell(deed);
    // Made for a client: no probe asks so.
    client.ask(r"out(conn.send(b'GET /shop HTTP/1.1\r\nX-Forwarded-For: y\r\n\r\n'))");
    wait();
    client.tell("conn.close()");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    child.wait().unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (records, [client.pid(), server.pid()])
}

/// What real processes do becomes a verdict that names them.
fn a_watch_says_who_closed_and_whether_the_request_had_been_read() {
    let cases = [
        ("conn.close()", "keepalive_race", "safe", "none", "close"),
        ("conn.shutdown(2)", "keepalive_race", "unsafe", "none", "shutdown"),
        ("os.kill(os.getpid(), 9)", "reset_in_flight", "safe", "none", "exit"),
        ("conn.recv(5); conn.close()", "reset_in_flight", "unsafe", "part", "close"),
        ("conn.recv(99); conn.close()", "closed_in_flight", "unsafe", "all", "close"),
    ];
    at_once(cases, |(deed, cause, retry, read, how)| {
        on_a_host(move || {
            let (records, [client, server]) = failing(deed);
            let of =
                |kind: &str| records.iter().filter(|one| one["type"] == kind).collect::<Vec<_>>();
            let failures = of("failure");
            assert_eq!(failures.len(), 1, "{deed}: {records:?}");
            let failure = failures[0];
            assert_eq!(failure["cause"], cause, "{deed}: {failure}");
            assert_eq!(failure["certainty"], "proven", "{deed}: {failure}");
            assert_eq!(failure["retry"], retry, "{deed}: {failure}");
            assert_eq!(failure["detail"]["request_read"], read, "{deed}: {failure}");
            let process = &failure["process"];
            assert_eq!(process["proxy"]["pid"], client, "{deed}: {failure}");
            assert_eq!(process["backend"]["pid"], server, "{deed}: {failure}");
            let closed = &process["backend"]["closed"];
            assert_eq!(closed["how"], how, "{deed}: {failure}");
            assert_eq!(closed["by"]["pid"], server, "{deed}: {failure}");
            let unread = match read {
                "none" => "GET /shop HTTP/1.1\r\nX-Forwarded-For: y\r\n\r\n".len(),
                "part" => "GET /shop HTTP/1.1\r\nX-Forwarded-For: y\r\n\r\n".len() - 5,
                _ => 0,
            };
            assert_eq!(closed["unread_bytes"], unread, "{deed}: {failure}");
            let named = format!("python3 (pid {server})");
            assert!(failure["summary"].as_str().unwrap().contains(&named), "{deed}: {failure}");
            // The end knows nothing else of it.
            assert!(of("revision").iter().all(|one| one.get("process").is_none()), "{deed}");
        });
    });
}

/// The proxy calls a service's address, and a container answers: each socket has addresses of its own.
fn behind_translation_both_ends_are_known_by_their_processes() {
    needs(&["nft"]);
    on_a_host(|| {
        drop(sockets());
        let (client, mut server) = (Party::new(), Party::new());
        assert!(run("ip addr add 172.17.0.3/32 dev lo").status.success());
        let listens = "global l; l = socket.socket(); l.bind(('172.17.0.3', 0)); l.listen(); \
                       out(l.getsockname()[1])";
        let port = server.ask(listens);
        let translated = run(&format!(
            "ip addr add 10.96.0.20/32 dev lo && nft 'add table ip nat; add chain ip nat out {{ \
             type nat hook output priority -100; }}; add rule ip nat out ip daddr 10.96.0.20 \
             tcp dport 80 dnat to 172.17.0.3:{port}'"
        ));
        if !translated.status.success() {
            lacks("needs address translation");
        }
        let id = format!("{:064x}", 0x0abc_def0_1234_u64 + u64::from(server.pid()));
        let id = id.chars().rev().collect::<String>();
        let group = Group::new(&id).unwrap_or_else(|| lacks("needs control groups to make one in"));
        fs::write(group.0.join("cgroup.procs"), server.pid().to_string()).unwrap();
        let connects =
            "global conn; conn = socket.socket(); conn.connect(('10.96.0.20', 80)); out(1)";
        let backends = ["10.96.0.20:80".to_owned(), format!("172.17.0.3:{port}")];
        let (records, [client, server]) =
            failing_at("any", &backends, connects, "conn.close()", client, server);
        let failures: Vec<&Value> = records.iter().filter(|one| one["type"] == "failure").collect();
        assert_eq!(failures.len(), 1, "{records:?}");
        let process = &failures[0]["process"];
        assert_eq!(process["proxy"]["pid"], client, "{}", failures[0]);
        assert_eq!(process["backend"]["pid"], server, "{}", failures[0]);
        assert_eq!(process["backend"]["container"], id[..12], "{}", failures[0]);
        drop(group);
    });
}
