//! Feature `live` needs libpcap. Where it cannot be linked, one line says so before the linker would.
//! Feature `ebpf` needs clang, which makes the kernel's programs of `src/ebpf/bpf/*.bpf.c`.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const NEEDED: &str = "why502 needs libpcap: apt-get install libpcap-dev (or build with \
                      --no-default-features: saved captures only, without --filter)";

/// Where the sources of the kernel's programs are.
const PROGRAMS: &str = "src/ebpf/bpf";
const NEEDED_FOR_EBPF: &str = "why502 needs clang to build its eBPF programs: apt-get install clang (or \
                               build with --no-default-features --features live: libpcap alone)";
/// Clang's names, where it has no other than that with its version.
const CLANGS: [&str; 8] =
    ["clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14", "clang-13"];

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
    if env::var_os("CARGO_FEATURE_EBPF").is_some()
        && env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux")
    {
        println!("cargo::rerun-if-changed={PROGRAMS}");
        println!("cargo::rerun-if-env-changed=CLANG");
        if let Err(why) = programs() {
            println!("cargo::error={why}");
        }
    }
}

/// Compiles the kernel's programs, each to an object of its own in the folder of what is built.
fn programs() -> Result<(), String> {
    let named = env::var("CLANG").ok();
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let clang = match &named {
        Some(named) => named.as_str(),
        None => CLANGS.into_iter().find(runs).ok_or(NEEDED_FOR_EBPF)?,
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    let big = env::var("CARGO_CFG_TARGET_ENDIAN").as_deref() == Ok("big");
    let target = if big { "bpfeb" } else { "bpfel" };
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let sources = fs::read_dir(PROGRAMS).map_err(|error| format!("{PROGRAMS}: {error}"))?;
    for source in sources.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = source.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = name.strip_suffix(".bpf.c") else { continue };
        // -g makes the types known to the kernel and the loader (BTF); v3 is understood since Linux 5.1.
        let done = Command::new(clang)
            .args(["-target", target, "-mcpu=v3", "-O2", "-g", "-Wall", "-Wextra", "-Werror"])
            .args(["-Wno-unused-variable", "-Wno-unused-function", "-Wno-unused-parameter"])
            .arg(format!("-DTARGET_{architecture}"))
            .arg("-c")
            .arg(&source)
            .arg("-o")
            .arg(out.join(format!("{name}.bpf.o")))
            .output()
            .map_err(|error| format!("{clang}: {error}. {NEEDED_FOR_EBPF}"))?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            let first = said.lines().find(|line| line.contains("error")).unwrap_or_default();
            return Err(format!("{}: {clang} refuses it: {first}", source.display()));
        }
    }
    Ok(())
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
