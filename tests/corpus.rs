//! Public captures, held against what peer tools say of them. They live beside the project.

use crate::machine::{beside, needs, tests};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

tests![public_captures_are_read_as_peer_tools_read_them];

/// Rows that are about HTTP/2, which is not read yet, or that have nothing left in them.
const ASIDE: [&str; 3] = ["http2_streams", "http2_heads", "classes"];
/// Captures whose connections are inside of tunnels, or speak HTTP within SOCKS; one whose frames
/// were shuffled at random, so that a reused port cannot be told; and one whose Client Hellos the
/// corpus' peer tool does not count (its oracle has no protocol at all for those connections).
const NOT_YET: [&str; 7] = [
    "gre-erspan-vxlan",
    "nb6-http",
    "one_http_stream_rst",
    "gso-ipv6-geneve-ipv6",
    "socks5-reverse",
    "test5-lines-randomized",
    "arkime_synthetic",
];

fn public_captures_are_read_as_peer_tools_read_them() {
    beside("corpus/agree.py");
    needs(&["python3"]);
    let folder = beside("corpus");
    let chosen = without(&folder, &NOT_YET);
    let output = Command::new("python3")
        .arg(folder.join("agree.py"))
        .args(["--bin", env!("CARGO_BIN_EXE_why502"), "--verbose", "--corpus"])
        .arg(chosen.path())
        .output()
        .expect("python3 runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut checked = 0;
    for line in printed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [metric, _, _, _, verdict @ ("PASS" | "FALL"), ..] = words.as_slice()
            && !ASIDE.contains(metric)
        {
            assert_eq!(*verdict, "PASS", "{line}\n{printed}");
            checked += 1;
        }
    }
    assert!(checked >= 14, "{checked} metrics\n{printed}");
}

/// The corpus without the captures whose path contains one of `names`.
fn without(folder: &Path, names: &[&str]) -> tempfile::TempDir {
    let chosen = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "index.tsv" {
            let real = fs::canonicalize(entry.path()).unwrap();
            symlink(real, chosen.path().join(entry.file_name())).unwrap();
        }
    }
    let index = fs::read_to_string(folder.join("index.tsv")).unwrap();
    let kept: Vec<&str> =
        index.lines().filter(|line| !names.iter().any(|name| line.contains(name))).collect();
    assert_eq!(kept.len() + names.len(), index.lines().count(), "each name is one capture");
    fs::write(chosen.path().join("index.tsv"), kept.join("\n") + "\n").unwrap();
    chosen
}
