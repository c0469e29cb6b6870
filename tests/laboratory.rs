//! The laboratory's cases, held against their truth by its own judge. They live beside the project
//! in `../shared/lab`; where that is missing, this says so and does nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The cases whose causes the program knows by now.
const FAMILIES: [&str; 6] =
    ["race-nginx", "race-haproxy", "closed-", "trunc-", "refused-", "clean-"];
/// Protocols that it does not read yet.
const NOT_YET: [&str; 2] = ["h2c", "tls"];

fn laboratory() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lab");
    if folder.join("judge.py").exists() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}

/// Runs the judge over `cases`; returns whether it was content, and what it printed.
fn judge(folder: &Path, cases: &Path, options: &[&str]) -> (bool, String) {
    let output = Command::new("python3")
        .arg(folder.join("judge.py"))
        .args(["--bin", env!("CARGO_BIN_EXE_why502"), "--verbose", "--cases"])
        .arg(cases)
        .args(options)
        .output()
        .expect("python3 runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("worst cause"), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.success(), printed)
}

#[test]
fn known_causes_are_judged_right_and_nobody_is_accused() {
    let Some(folder) = laboratory() else { return };
    let chosen = tempfile::tempdir().unwrap();
    for case in fs::read_dir(folder.join("cases")).unwrap() {
        let case = case.unwrap();
        let name = case.file_name().into_string().unwrap();
        let known = FAMILIES.iter().any(|family| name.starts_with(family));
        if known && !NOT_YET.iter().any(|protocol| name.contains(protocol)) {
            let real = fs::canonicalize(case.path()).unwrap();
            symlink(real, chosen.path().join(name)).unwrap();
        }
    }
    for options in [&[][..], &["--auto"]] {
        let (content, printed) = judge(&folder, chosen.path(), options);
        assert!(content, "{options:?}\n{printed}");
    }
    for damage in ["drop", "begin"] {
        let (content, printed) = judge(&folder, chosen.path(), &["--auto", "--damage", damage]);
        assert!(content && printed.contains("0 false accusations"), "{damage}\n{printed}");
    }
}

#[test]
fn no_damage_makes_a_lie_of_any_case() {
    let Some(folder) = laboratory() else { return };
    let cases = folder.join("cases");
    for damage in ["drop", "begin", "end", "dup", "swap", "snap"] {
        let (content, printed) = judge(&folder, &cases, &["--auto", "--damage", damage]);
        assert!(content, "{damage}\n{printed}");
    }
}
