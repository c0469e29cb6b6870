//! `why502 live` on Debian's own kernels, in an emulator (`tests/kernels`). That takes minutes, and
//! downloads kernels: it is done where `$WHY502_TEST_KERNELS` names some ("6.1 6.12").

use crate::machine::{not_here, tests};
use std::path::Path;
use std::process::Command;

tests![other_kernels_do_what_they_can_and_say_what_they_cannot];

fn other_kernels_do_what_they_can_and_say_what_they_cannot() {
    let Ok(kernels) = std::env::var("WHY502_TEST_KERNELS") else {
        not_here("$WHY502_TEST_KERNELS names no kernels");
    };
    let mut run = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernels/run"));
    run.args(["--bin", env!("CARGO_BIN_EXE_why502")]);
    for kernel in kernels.split_whitespace() {
        run.args(["--kernel", kernel]);
    }
    let output = run.output().expect("python3 runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("== Linux "), "{told}{why}");
}
