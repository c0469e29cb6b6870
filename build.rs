//! Feature `live` needs libpcap. Where it cannot be linked, one line says so before the linker would.

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const NEEDED: &str = "why502 needs libpcap: apt-get install libpcap-dev (or build with \
                      --no-default-features: saved captures only, without --filter)";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for variable in ["CC", "LIBPCAP_LIBDIR", "PKG_CONFIG_PATH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let live = env::var_os("CARGO_FEATURE_LIVE").is_some();
    // This host's compiler says nothing of another target's libraries.
    let native = env::var_os("HOST") == env::var_os("TARGET");
    // Without a compiler to ask, the linker shall say what it finds.
    if live && native && links() == Some(false) {
        println!("cargo::error={NEEDED}");
    }
}

/// Whether a program with libpcap can be linked; `None` when there is nothing to try it with.
fn links() -> Option<bool> {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let folders = folders();
    let found = Command::new(&compiler).args(&folders).arg("-print-file-name=libpcap.so").output();
    let library = String::from_utf8(found.ok()?.stdout).ok()?;
    if Path::new(library.trim()).is_absolute() {
        // Should it go, it is to be missed here again.
        println!("cargo::rerun-if-changed={}", library.trim());
    }
    let program = format!("{}/links", env::var("OUT_DIR").ok()?);
    let mut linking = Command::new(&compiler)
        .args(["-x", "c", "-", "-o", &program])
        .args(&folders)
        .arg("-lpcap")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let code = b"char *pcap_lib_version(void); int main(void) { return !pcap_lib_version(); }\n";
    linking.stdin.take()?.write_all(code).ok()?;
    Some(linking.wait().ok()?.success())
}

/// Where the crate `pcap` looks besides the usual places.
fn folders() -> Vec<String> {
    if let Ok(folder) = env::var("LIBPCAP_LIBDIR") {
        return vec![format!("-L{folder}")];
    }
    let asked = Command::new("pkg-config").args(["--libs-only-L", "libpcap"]).output();
    let told = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    told.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}
