//! The program, run as a person or a script runs it.

use std::process::{Command, Output};

/// A capture of four keep-alive races.
pub const RACE: &str = "captures/keepalive-race-nginx-node/proxy-side.pcap";

pub fn why502(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_why502"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    command
}

pub fn run(arguments: &[&str]) -> Output {
    why502(arguments).output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
