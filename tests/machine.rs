//! What tests need of the machine that they run on: rights, tools, a kernel, cases beside the project.
//!
//! A test that lacks something is shown as ignored, with the reason. With `WHY502_TEST_ALL` set, as the gate
//! does, it fails instead, unless what it lacks is no part of the project.

use libtest_mimic::{Completion, Failed, Trial};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A module's tests.
pub type Tests = &'static [(&'static str, fn())];

/// A module's tests, by name. One that is not named here is dead code, which the compiler tells.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub const TESTS: $crate::machine::Tests = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use tests;

/// Ends a test that cannot run, from wherever it is found out.
struct Cannot {
    why: String,
    /// Nothing that the gate could install.
    excused: bool,
}

fn whole() -> bool {
    std::env::var_os("WHY502_TEST_ALL").is_some()
}

/// This machine lacks something.
pub fn lacks(why: impl Into<String>) -> ! {
    resume_unwind(Box::new(Cannot { why: why.into(), excused: false }))
}

/// What this is about is no part of the project.
pub fn not_here(why: impl Into<String>) -> ! {
    resume_unwind(Box::new(Cannot { why: why.into(), excused: true }))
}

/// Goes on where all these commands are there.
pub fn needs(commands: &[&str]) {
    for command in commands {
        let found = Command::new("sh").args(["-c", &format!("command -v {command}")]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            lacks(format!("needs {command}"));
        }
    }
}

/// Goes on where there is time: the gate has it.
pub fn takes_long() {
    if !whole() {
        not_here("takes long: WHY502_TEST_ALL=1 runs it, as the gate does");
    }
}

/// A file or folder of the cases that live beside the project, in `../shared`.
pub fn beside(path: &str) -> PathBuf {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if !found.exists() {
        not_here(format!("needs ../shared/{path}, which is no part of the project"));
    }
    found
}

/// A test as the runner takes it.
pub fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || match catch_unwind(AssertUnwindSafe(test)) {
        Ok(()) => Ok(Completion::Completed),
        Err(thrown) => match thrown.downcast::<Cannot>() {
            Ok(cannot) if whole() && !cannot.excused => Err(Failed::from(cannot.why)),
            Ok(cannot) => Ok(Completion::ignored_with(cannot.why)),
            Err(panic) => resume_unwind(panic),
        },
    })
}
