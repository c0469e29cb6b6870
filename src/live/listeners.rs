//! What listens on this host, from /proc: the answer to a refused connect.
//!
//! Which process a listener belongs to can be read with root's rights alone, so that is gathered
//! before they are dropped; which ports listen is read anew each time, by files opened before.

use crate::facts::listening::{Listening, ListeningProgram};
use crate::packet::{Endpoint, EndpointPattern};
use nix::ifaddrs::getifaddrs;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The tables of sockets, for IPv4 and IPv6.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
/// A socket that listens, in their fourth column.
const LISTEN: &str = "0A";
/// More is not read: a host with so many sockets has other troubles.
const MOST_BYTES: u64 = 16 << 20;
/// Listeners on other ports that are told.
const TOLD: usize = 4;
/// Ports at which no backend listens.
const NEVER_MEANT: [u16; 12] = [22, 25, 53, 68, 111, 123, 139, 323, 445, 631, 5355, 6010];
/// Processes looked at.
const MOST_PROCESSES: usize = 65_536;

/// Listeners of this host, and the processes behind those that were there at the beginning.
pub(super) struct Listeners {
    tables: Vec<File>,
    /// By the inode of the listening socket.
    processes: HashMap<u64, (u32, Vec<u8>)>,
}

/// A row of a table of sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Row {
    at: Endpoint,
    inode: u64,
}

impl Listeners {
    /// Opens the tables and looks up who listens, as far as that is allowed.
    pub(super) fn look() -> Self {
        let tables = TABLES.iter().filter_map(|table| File::open(table).ok()).collect();
        let mut host = Self { tables, processes: HashMap::new() };
        let inodes: HashSet<u64> = host.rows().into_iter().map(|row| row.inode).collect();
        host.processes = processes(&inodes);
        host
    }

    /// What listens instead of at `refused`, if that is an address of this host.
    pub(super) fn instead_of(&mut self, refused: Endpoint) -> Option<Listening> {
        if !is_own(refused.addr) {
            return None;
        }
        told(refused, &self.rows(), &self.processes)
    }

    /// What listens where one of `named` may be meant; where nothing is named, what may be a backend.
    pub(super) fn likely(&mut self, named: &[EndpointPattern]) -> Vec<ListeningProgram> {
        let rows = likely(self.rows(), named);
        let program = |row: &Row| ListeningProgram {
            at: row.at,
            process: self.processes.get(&row.inode).cloned(),
        };
        rows.iter().map(program).collect()
    }

    fn rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for table in &mut self.tables {
            let mut text = String::new();
            if table.rewind().is_ok() && table.take(MOST_BYTES).read_to_string(&mut text).is_ok() {
                rows.extend(text.lines().skip(1).filter_map(row));
            }
        }
        rows
    }
}

/// A connect to `addr` comes to a socket that listens at `at`.
pub(super) fn reaches(at: IpAddr, addr: IpAddr) -> bool {
    at == addr
        || at == IpAddr::V4(Ipv4Addr::UNSPECIFIED) && addr.is_ipv4()
        // A socket for IPv6 takes IPv4 as well, unless told not to.
        || at == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

/// Those of `rows` at which one of `named` may be meant, or a backend where nothing is named: by port, each
/// once, of a port on every address of the host only that.
fn likely(mut rows: Vec<Row>, named: &[EndpointPattern]) -> Vec<Row> {
    let meant = |at: Endpoint| {
        let of = |pattern: &EndpointPattern| {
            pattern.port.is_none_or(|port| port == at.port)
                && pattern.addr.is_none_or(|addr| reaches(at.addr, addr))
        };
        if named.is_empty() { !NEVER_MEANT.contains(&at.port) } else { named.iter().any(of) }
    };
    rows.retain(|row| meant(row.at));
    rows.sort_by_key(|row| (row.at.port, !row.at.addr.is_unspecified(), row.at.addr));
    let mut open = None;
    rows.retain(|row| {
        open = row.at.addr.is_unspecified().then_some(row.at.port).or(open);
        row.at.addr.is_unspecified() || open != Some(row.at.port)
    });
    // One program on both families is one listener.
    rows.dedup_by_key(|row| (row.at.port, row.at.addr.is_loopback()));
    rows
}

/// What to tell of `rows`; nothing where something listens there by now.
fn told(
    refused: Endpoint,
    rows: &[Row],
    processes: &HashMap<u64, (u32, Vec<u8>)>,
) -> Option<Listening> {
    let reaches = |at: Endpoint| reaches(at.addr, refused.addr);
    if rows.iter().any(|row| row.at.port == refused.port && reaches(row.at)) {
        return None;
    }
    let program =
        |row: &Row| ListeningProgram { at: row.at, process: processes.get(&row.inode).cloned() };
    let mut elsewhere: Vec<ListeningProgram> =
        rows.iter().filter(|row| row.at.port == refused.port).map(program).collect();
    elsewhere.truncate(TOLD);
    let mut others: Vec<&Row> =
        rows.iter().filter(|row| reaches(row.at) && !NEVER_MEANT.contains(&row.at.port)).collect();
    others.sort_by_key(|row| (row.at.port, row.at.addr.is_ipv6()));
    // One program on both families is one listener.
    others.dedup_by_key(|row| row.at.port);
    // `8080` is likelier to be what `80` was meant to be than `5432` is.
    let like = |port: u16| {
        let (asked, other) = (refused.port.to_string(), port.to_string());
        other.contains(&asked) || asked.contains(&other)
    };
    others.sort_by_key(|row| (!like(row.at.port), row.at.port));
    let more = others.len().saturating_sub(TOLD);
    let others = others.into_iter().take(TOLD).map(program).collect();
    Some(Listening { elsewhere, others, more })
}

/// `   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12345 …`
fn row(line: &str) -> Option<Row> {
    let mut columns = line.split_ascii_whitespace();
    let (_, local, _, state) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    if state != LISTEN {
        return None;
    }
    let inode = columns.nth(5)?.parse().ok()?;
    let (addr, port) = local.split_once(':')?;
    let at = Endpoint { addr: address(addr)?, port: u16::from_str_radix(port, 16).ok()? };
    Some(Row { at, inode })
}

/// Words of 32 bits in the host's byte order, each as eight hexadecimal digits.
fn address(digits: &str) -> Option<IpAddr> {
    let words: Option<Vec<[u8; 4]>> = digits
        .as_bytes()
        .chunks(8)
        .map(|word| {
            let word = std::str::from_utf8(word).ok()?;
            u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
        })
        .collect();
    match words?.as_slice() {
        [only] => Some(IpAddr::from(*only)),
        words => {
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(IpAddr::from(bytes))
        }
    }
}

/// Which process holds each of these sockets, as far as that may be read.
fn processes(inodes: &HashSet<u64>) -> HashMap<u64, (u32, Vec<u8>)> {
    let mut found = HashMap::new();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for process in numbered.take(MOST_PROCESSES) {
        let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        let sockets = files.filter_map(|file| {
            let target = fs::read_link(file.path()).ok()?;
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
        });
        for inode in sockets.filter(|inode| inodes.contains(inode)) {
            let name = fs::read(format!("/proc/{process}/comm")).unwrap_or_default();
            // Workers inherit their parent's socket: the lowest number is likeliest the parent's.
            let known = found.entry(inode).or_insert_with(|| (process, Vec::new()));
            if known.1.is_empty() || process < known.0 {
                *known = (process, name.trim_ascii_end().to_vec());
            }
        }
    }
    found
}

/// Whether this host has that address.
pub(super) fn is_own(addr: IpAddr) -> bool {
    addr.is_loopback() || own_addresses().contains(&addr)
}

/// The addresses of this host, as they are now.
fn own_addresses() -> HashSet<IpAddr> {
    let addresses = getifaddrs().into_iter().flatten().filter_map(|one| one.address);
    addresses
        .filter_map(|address| {
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Endpoint {
        let at: std::net::SocketAddr = text.parse().unwrap();
        Endpoint { addr: at.ip(), port: at.port() }
    }

    fn rows(listeners: &[&str]) -> Vec<Row> {
        let rows = listeners.iter().enumerate();
        rows.map(|(inode, text)| Row { at: at(text), inode: inode as u64 }).collect()
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_row_of_the_kernels_table_is_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0";
        assert_eq!(row(line), Some(Row { at: at("127.0.0.1:8080"), inode: 12345 }));
        assert_eq!(row(&line.replace(" 0A ", " 01 ")), None, "established");
        let line = "   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1";
        assert_eq!(row(line), Some(Row { at: at("[::1]:80"), inode: 7 }));
        assert_eq!(row("garbage"), None);
    }

    #[test]
    fn what_was_likely_meant_comes_first() {
        let rows = rows(&["0.0.0.0:22", "0.0.0.0:5432", "[::]:8080", "127.0.0.1:9000"]);
        let processes = HashMap::from([(2, (812, b"java".to_vec()))]);
        let listening = told(at("10.0.0.1:80"), &rows, &processes).unwrap();
        let ports: Vec<u16> = listening.others.iter().map(|one| one.at.port).collect();
        assert_eq!(ports, [8080, 5432]);
        assert_eq!(listening.others[0].process, Some((812, b"java".to_vec())));
        assert_eq!((listening.elsewhere.len(), listening.more), (0, 0));
    }

    #[test]
    fn what_may_be_a_backend_is_told_once_a_port() {
        let listening = |listeners: &[&str], named: &[&str]| -> Vec<String> {
            let named: Vec<EndpointPattern> =
                named.iter().map(|text| text.parse().unwrap()).collect();
            likely(rows(listeners), &named).iter().map(|row| row.at.to_string()).collect()
        };
        let all = ["[::]:8080", "0.0.0.0:22", "0.0.0.0:8080", "127.0.0.1:3000", "[::1]:3000"];
        assert_eq!(listening(&all, &[]), ["127.0.0.1:3000", "0.0.0.0:8080"]);
        assert_eq!(listening(&all, &[":22"]), ["0.0.0.0:22"], "named");
        assert_eq!(listening(&all, &["10.0.0.1:3000"]), [""; 0], "on another address");
        assert_eq!(listening(&all, &["10.0.0.1:8080"]), ["0.0.0.0:8080"]);
    }

    #[test]
    fn the_same_port_on_another_address_is_told() {
        let rows = rows(&["127.0.0.1:80"]);
        let listening = told(at("10.0.0.1:80"), &rows, &HashMap::new()).unwrap();
        assert_eq!(
            listening.elsewhere,
            [ListeningProgram { at: at("127.0.0.1:80"), process: None }]
        );
    }

    #[test]
    fn where_something_listens_by_now_nothing_is_told() {
        assert_eq!(told(at("10.0.0.1:80"), &rows(&["[::]:80"]), &HashMap::new()), None);
    }
}
