//! Which container a process runs in, as its control group says.

use std::fs::File;
use std::io::Read;

/// Digits of an identifier, and how many of them are enough for people.
const DIGITS: usize = 64;
const SHOWN: usize = 12;
/// A control group is no longer; one that is, is not looked at further.
const MOST_BYTES: u64 = 16 << 10;

/// The container of the process with this number, in its short form.
pub(super) fn of(pid: u32) -> Option<String> {
    let mut text = String::new();
    let file = File::open(format!("/proc/{pid}/cgroup")).ok()?;
    file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    named(&text)
}

/// The container that a `/proc/PID/cgroup` names: of several in one another, the innermost.
fn named(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        // 12:memory:/docker/…
        let path = line.splitn(3, ':').nth(2)?;
        path.split('/').rev().find_map(identifier)
    })
}

/// `docker-<id>.scope`, `cri-containerd-<id>.scope`, `…:cri-containerd:<id>`, or `<id>` alone.
fn identifier(part: &str) -> Option<String> {
    // What watches over a container, outside of it.
    if part.contains("conmon") {
        return None;
    }
    let part = part.strip_suffix(".scope").unwrap_or(part);
    let id = part.rsplit(['-', ':']).next()?;
    let is_one = id.len() == DIGITS && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_one.then(|| id.get(..SHOWN).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn every_runtime_writes_it_in_its_own_way() {
        for path in [
            "12:memory:/docker/ID",
            "0::/system.slice/docker-ID.scope",
            "0::/system.slice/docker-ID.scope/init.scope",
            "0::/machine.slice/libpod-ID.scope/container",
            "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
            "11:cpu:/kubepods/burstable/pod9e1cc2f4-6a0e-4c7b-b6a8-1d1f2a3b4c5d/ID",
            "0::/kubepods.slice/kubepods-pod9e1cc2f4_6a0e.slice/cri-containerd-ID.scope",
            "0::/kubepods.slice/kubepods-besteffort.slice/crio-ID.scope",
            "1:name=systemd:/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:ID",
            "0::/default/ID",
            "4:cpu:/\n3:memory:/docker/ID\n0::/",
            "0::/../ID",
        ] {
            assert_eq!(named(&path.replace("ID", ID)).as_deref(), Some("0123456789ab"), "{path}");
        }
    }

    #[test]
    fn the_innermost_counts() {
        let inner = ID.replace('0', "f");
        let text = format!("0::/docker/{ID}/docker/{inner}\n");
        assert_eq!(named(&text).as_deref(), Some("f123456789ab"));
    }

    #[test]
    fn what_runs_in_none_has_none() {
        for text in [
            "0::/",
            "0::/user.slice/user-1000.slice/session-2.scope",
            "0::/system.slice/nginx.service",
            "0::/machine.slice/libpod-conmon-ID.scope",
            "0::/kubepods.slice/crio-conmon-ID.scope",
            "0::/docker/ID0",
            "garbage",
            "",
        ] {
            assert_eq!(named(&text.replace("ID", ID)), None, "{text}");
        }
    }
}
