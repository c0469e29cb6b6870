//! Which OpenSSL libraries this host's processes use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Libraries watched at once: copies of one in many containers are many files.
const MOST: usize = 32;
/// Processes looked at.
const MOST_PROCESSES: usize = 65_536;
/// Processes remembered for each library.
const NAMED: usize = 256;
/// Where a host has its own, which processes started later will use.
const USUAL: [&str; 6] =
    ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/local/lib64"];

/// A library, and who uses it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Library {
    /// How it is called where it is used.
    pub name: String,
    /// How it is reached from here.
    pub(super) path: PathBuf,
    /// Processes that use it: number and name, which is text that is not to be trusted. The first of
    /// them.
    pub users: Vec<(u32, Vec<u8>)>,
    /// How many there are.
    pub count: usize,
}

/// The libraries in use, and those of the host that are not; whether there were too many.
pub(super) fn all() -> (Vec<Library>, bool) {
    let mut found: BTreeMap<(String, String), Library> = BTreeMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut processes: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .take(MOST_PROCESSES)
        .collect();
    processes.sort_unstable();
    let mut too_many = false;
    for process in processes {
        let Ok(maps) = fs::read(format!("/proc/{process}/maps")) else { continue };
        let maps = String::from_utf8_lossy(&maps);
        let mut seen = Vec::new();
        for Mapped { range, device, inode, name } in maps.lines().filter_map(mapped) {
            let file = (device.to_owned(), inode.to_owned());
            if seen.contains(&file) {
                continue;
            }
            seen.push(file.clone());
            if !found.contains_key(&file) && found.len() >= MOST {
                too_many = true;
                continue;
            }
            let library = found.entry(file).or_insert_with(|| Library {
                name: name.trim_end_matches(" (deleted)").to_owned(),
                path: reached(process, range, name),
                users: Vec::new(),
                count: 0,
            });
            library.count = library.count.saturating_add(1);
            if library.users.len() < NAMED {
                let name = fs::read(format!("/proc/{process}/comm")).unwrap_or_default();
                library.users.push((process, name.trim_ascii_end().to_vec()));
            }
        }
    }
    let mut all: Vec<Library> = found.into_values().collect();
    all.sort_by_key(|library| std::cmp::Reverse(library.count));
    for path in usual() {
        let known = |library: &Library| same_file(&library.path, &path);
        if all.len() < MOST && !all.iter().any(known) {
            let name = path.display().to_string();
            all.push(Library { name, path, users: Vec::new(), count: 0 });
        }
    }
    (all, too_many)
}

/// A line of `/proc/PID/maps`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mapped<'l> {
    range: &'l str,
    device: &'l str,
    inode: &'l str,
    name: &'l str,
}

/// `7f12a000-7f12c000 r-xp 0001d000 08:01 1835 /usr/lib/x86_64-linux-gnu/libssl.so.3`: code of OpenSSL's.
fn mapped(line: &str) -> Option<Mapped<'_>> {
    let (range, rest) = line.split_once(' ')?;
    let (rights, rest) = rest.split_once(' ')?;
    let (_, rest) = rest.split_once(' ')?;
    let (device, rest) = rest.split_once(' ')?;
    let (inode, name) = rest.split_once(' ')?;
    let name = name.trim_start();
    (rights.contains('x') && is_library(name)).then_some(Mapped { range, device, inode, name })
}

/// `libssl.so.3`, `libssl.so.1.1`, and as wheels of Python bring it along: `libssl-8dd51a1d.so.3`.
fn is_library(path: &str) -> bool {
    let name = path.trim_end_matches(" (deleted)").rsplit('/').next().unwrap_or_default();
    let rest = name.strip_prefix("libssl");
    path.starts_with('/')
        && rest.is_some_and(|rest| rest.starts_with(['.', '-']) && rest.contains(".so"))
}

/// How a file of another process is reached: as that one sees it, or, where it was replaced since, as it
/// is mapped.
fn reached(process: u32, range: &str, name: &str) -> PathBuf {
    if name.ends_with(" (deleted)") {
        return PathBuf::from(format!("/proc/{process}/map_files/{range}"));
    }
    let plain = Path::new(name);
    let seen = PathBuf::from(format!("/proc/{process}/root{name}"));
    if same_file(plain, &seen) { plain.to_owned() } else { seen }
}

fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let which = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    which(one).is_some_and(|one| which(other) == Some(one))
}

/// The host's own.
fn usual() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in USUAL {
        let patterns = [format!("{folder}/libssl.so.*"), format!("{folder}/*-linux-*/libssl.so.*")];
        for path in patterns.iter().flat_map(|pattern| glob::glob(pattern)).flatten().flatten() {
            if !found.iter().any(|known| same_file(known, &path)) {
                found.push(path);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_openssl_is_found_among_what_a_process_maps() {
        let line = "7f12a000-7f12c000 r-xp 0001d000 08:01 1835                       /usr/lib/x86_64-linux-gnu/libssl.so.3";
        let name = "/usr/lib/x86_64-linux-gnu/libssl.so.3";
        let found = Mapped { range: "7f12a000-7f12c000", device: "08:01", inode: "1835", name };
        assert_eq!(mapped(line), Some(found));
        assert_eq!(mapped(&line.replace("r-xp", "r--p")), None, "no code");
        assert_eq!(mapped(&line.replace("libssl", "libcrypto")), None);
        assert_eq!(mapped("7f12a000-7f12c000 rw-p 00000000 00:00 0"), None);
    }

    #[test]
    fn a_library_is_known_by_its_name() {
        assert!(is_library("/app/site-packages/psycopg.libs/libssl-8dd51a1d.so.3"));
        assert!(is_library("/usr/lib/libssl.so.1.1 (deleted)"));
        assert!(!is_library("/usr/lib/libssl3.so"), "of NSS");
        assert!(!is_library("/usr/lib/libsslwrap.so"));
        assert!(!is_library("libssl.so.3"));
    }
}
