//! The configuration file: TOML becomes backends, proxies and fronts. What is wrong is told with its
//! file, line and key, in one line.

use crate::base::similar;
use crate::cli::duration;
use crate::knowledge::configured::Accepted;
use crate::packet::EndpointPattern;
use crate::timeouts::{self, Product, ProductSide};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read};
use std::net::IpAddr;
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use toml::de::{DeTable, DeValue};

/// What a file says; nothing, if it is empty.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) backends: Vec<BackendSection>,
    pub(super) proxies: Vec<ProxySection>,
    /// The proxy's own listeners.
    pub(super) fronts: Vec<EndpointPattern>,
}

/// A backend, or several that are alike.
#[derive(Debug)]
pub(super) struct BackendSection {
    pub(super) listen: EndpointPattern,
    pub(super) name: Option<String>,
    pub(super) kind: Option<&'static Product>,
    pub(super) keepalive: Option<Duration>,
    pub(super) accepted: Option<Accepted>,
}

/// A proxy, by its address towards the backends.
#[derive(Debug)]
pub(super) struct ProxySection {
    pub(super) address: IpAddr,
    pub(super) name: Option<String>,
    pub(super) kind: Option<&'static Product>,
    pub(super) idle: Option<Duration>,
    pub(super) read: Option<Duration>,
    pub(super) connect: Option<Duration>,
}

/// A configuration of a thousand backends is a tenth of it.
const LARGEST: usize = 1 << 20;
/// So long the writer of a pipe may be silent, in milliseconds, …
const WAITS: u16 = 2_000;
/// … and so long it may take in all.
const LONGEST: Duration = Duration::from_secs(10);

const SECTIONS: [&str; 3] = ["backend", "proxy", "front"];
const BACKEND: [&str; 5] = ["listen", "name", "kind", "keepalive", "health-expect"];
const PROXY: [&str; 6] = ["address", "name", "kind", "idle", "read", "connect"];
const FRONT: [&str; 1] = ["listen"];

/// Why a configuration file is of no use.
#[derive(Debug)]
pub struct Error {
    path: PathBuf,
    /// From 1; `None` where it could not even be read.
    line: Option<usize>,
    what: String,
}

/// `why502.toml:7: backend.keepalive: '5' has no unit: '5s' or '5ms'?`
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.what)
    }
}

impl std::error::Error for Error {}

/// Something wrong, and at which byte.
#[derive(Debug)]
struct Wrong {
    at: usize,
    what: String,
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, or something in it is wrong.
pub(super) fn read(path: &Path) -> Result<File, Error> {
    let error = |line, what| Error { path: path.to_owned(), line, what };
    let text = text(path).map_err(|why| error(None, format!("cannot read: {why}")))?;
    parse(&text).map_err(|wrong| {
        let before = text.bytes().take(wrong.at).filter(|byte| *byte == b'\n').count();
        error(Some(before.saturating_add(1)), wrong.what)
    })
}

/// What is in a file, or comes from a pipe, if that ends soon.
fn text(path: &Path) -> io::Result<String> {
    // Opening a named pipe waits for its writer, who may never come.
    let open = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let mut file = open?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 1 << 16];
    let waits = !file.metadata()?.is_file();
    let begun = Instant::now();
    loop {
        if waits {
            let mut waited = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut waited, WAITS)?;
            if ready == 0 || begun.elapsed() > LONGEST {
                return Err(io::Error::other("it comes to no end"));
            }
        }
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => bytes.extend(piece.iter().take(count)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if bytes.len() > LARGEST {
            return Err(io::Error::other("longer than 1 MiB: that is no configuration"));
        }
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}

fn parse(text: &str) -> Result<File, Wrong> {
    let root = DeTable::parse(text).map_err(|error| Wrong {
        at: error.span().map_or(0, |span| span.start),
        what: error.message().lines().collect::<Vec<_>>().join(", "),
    })?;
    let root = root.get_ref();
    only(root, "", &SECTIONS)?;
    let mut file = File::default();
    for section in several(root, "backend")? {
        file.backends.push(backend(&section)?);
    }
    for section in several(root, "proxy")? {
        file.proxies.push(proxy(&section)?);
    }
    if let Some(value) = root.get("front") {
        let at = value.span();
        let Some(table) = value.get_ref().as_table() else {
            return Err(Wrong { at: at.start, what: "front: write [front]".to_owned() });
        };
        file.fronts = front(&ConfigSection::new("front", table, at, &FRONT)?)?;
    }
    Ok(file)
}

fn backend(section: &ConfigSection<'_>) -> Result<BackendSection, Wrong> {
    Ok(BackendSection {
        listen: section.required("listen", str::parse)?,
        name: section.value("name", name)?,
        kind: section.value("kind", |text| kind(text, ProductSide::Server))?,
        keepalive: section.value("keepalive", duration)?,
        accepted: section.value("health-expect", str::parse)?,
    })
}

fn proxy(section: &ConfigSection<'_>) -> Result<ProxySection, Wrong> {
    Ok(ProxySection {
        address: section.required("address", |text| {
            text.parse().map_err(|_| {
                format!("'{}' is no address: want 10.0.0.9 or 2001:db8::9", text.escape_debug())
            })
        })?,
        name: section.value("name", name)?,
        kind: section.value("kind", |text| kind(text, ProductSide::Proxy))?,
        idle: section.value("idle", duration)?,
        read: section.value("read", duration)?,
        connect: section.value("connect", duration)?,
    })
}

/// The listeners of a front: one, or a list.
fn front(section: &ConfigSection<'_>) -> Result<Vec<EndpointPattern>, Wrong> {
    let Some(value) = section.table.get("listen") else {
        return Ok(Vec::new());
    };
    match value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|item| section.read("listen", item.get_ref(), &item.span(), str::parse))
            .collect(),
        one => Ok(vec![section.read("listen", one, &value.span(), str::parse)?]),
    }
}

fn kind(text: &str, side: ProductSide) -> Result<&'static Product, String> {
    timeouts::the(text, side).map_err(|unknown| unknown.to_string())
}

/// A name as it stands in the report, on a line with other things.
fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("want a name of one line".to_owned());
    }
    Ok(text.to_owned())
}

/// One `[[backend]]`, `[[proxy]]` or `[front]`.
struct ConfigSection<'t> {
    name: &'static str,
    table: &'t DeTable<'t>,
    at: Range<usize>,
}

/// The sections of a name of which there may be several.
fn several<'t>(root: &'t DeTable<'t>, name: &'static str) -> Result<Vec<ConfigSection<'t>>, Wrong> {
    let keys: &[&str] = if name == "backend" { &BACKEND } else { &PROXY };
    let Some(value) = root.get(name) else {
        return Ok(Vec::new());
    };
    let wanted = |at: Range<usize>| Wrong {
        at: at.start,
        what: format!("{name}: write [[{name}]], with two brackets: there may be several"),
    };
    let items = value.get_ref().as_array().ok_or_else(|| wanted(value.span()))?;
    items
        .iter()
        .map(|item| {
            let table = item.get_ref().as_table().ok_or_else(|| wanted(item.span()))?;
            ConfigSection::new(name, table, item.span(), keys)
        })
        .collect()
}

/// No other keys than these.
fn only(table: &DeTable<'_>, section: &str, keys: &[&str]) -> Result<(), Wrong> {
    // In the order of the file, so that the first mistake is told.
    let unknown = table.keys().filter(|key| !keys.contains(&key.get_ref().as_ref()));
    let Some(key) = unknown.min_by_key(|key| key.span().start) else {
        return Ok(());
    };
    let name = key.get_ref().escape_debug().to_string();
    let near = similar::near(key.get_ref(), keys.iter().copied());
    let dot = if section.is_empty() { "" } else { "." };
    let advice = match near.as_slice() {
        [] => format!("known are {}", keys.join(", ")),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    Err(Wrong {
        at: key.span().start,
        what: format!("{section}{dot}{name}: there is no such key; {advice}"),
    })
}

impl<'t> ConfigSection<'t> {
    fn new(
        name: &'static str,
        table: &'t DeTable<'t>,
        at: Range<usize>,
        keys: &[&str],
    ) -> Result<Self, Wrong> {
        only(table, name, keys)?;
        Ok(Self { name, table, at })
    }

    /// What stands at `key`, if anything does.
    fn value<T>(
        &self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Wrong> {
        let value = self.table.get(key);
        value.map(|value| self.read(key, value.get_ref(), &value.span(), read)).transpose()
    }

    fn required<T>(
        &self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Wrong> {
        self.value(key, read)?.ok_or_else(|| Wrong {
            at: self.at.start,
            what: format!("{}: '{key}' is missing", self.name),
        })
    }

    fn read<T>(
        &self,
        key: &str,
        value: &DeValue<'_>,
        at: &Range<usize>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, Wrong> {
        let result = match value {
            DeValue::String(text) => read(text),
            // A bare number is told what it lacks, like one in quotes; a status lacks nothing.
            DeValue::Integer(number) => read(number.as_str()),
            other => Err(format!("want text in quotes, not {}", other.type_str())),
        };
        result.map_err(|what| Wrong { at: at.start, what: format!("{}.{key}: {what}", self.name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_example_says_something_at_every_key() {
        let file = parse(super::super::config::EXAMPLE).unwrap();
        let shop = &file.backends[0];
        assert_eq!(shop.listen.to_string(), "10.0.0.1:8080");
        assert_eq!(shop.name.as_deref(), Some("shop"));
        assert_eq!(shop.kind.unwrap().id, "node-pre26");
        assert_eq!(shop.keepalive, Some(Duration::from_secs(5)));
        assert_eq!(shop.accepted, Some(Accepted::default()));
        assert_eq!(file.backends[1].kind.unwrap().id, "gunicorn");
        let edge = &file.proxies[0];
        assert_eq!(edge.address, IpAddr::from([10, 0, 0, 9]));
        assert_eq!((edge.name.as_deref(), edge.kind.unwrap().id), (Some("edge"), "aws-alb"));
        let times = [edge.idle, edge.read, edge.connect].map(|time| time.unwrap().as_secs());
        assert_eq!(times, [60, 60, 10]);
        assert_eq!(file.fronts.len(), 2);
        for key in SECTIONS.iter().chain(&BACKEND).chain(&PROXY).chain(&FRONT) {
            assert!(super::super::config::EXAMPLE.contains(key), "{key}");
        }
    }

    #[test]
    fn an_empty_file_says_nothing() {
        let file = parse("# nothing\n").unwrap();
        assert!(file.backends.is_empty() && file.proxies.is_empty() && file.fronts.is_empty());
        assert!(parse("[front]\nlisten = \":80\"\n").unwrap().fronts.len() == 1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("why502.toml");
        let backend = "# one\n[[backend]]\nlisten = \":80\"\n";
        let proxy = "\n[[proxy]]\naddress = \"10.0.0.9\"\n";
        for (text, wanted) in [
            (
                format!("{backend}keepalive = \"5\"\n"),
                "4: backend.keepalive: '5' has no unit: '5s' or '5ms'?",
            ),
            (
                format!("{backend}keepalive = 5\n"),
                "4: backend.keepalive: '5' has no unit: '5s' or '5ms'?",
            ),
            (format!("{backend}keepalive = \"5 parsecs\"\n"), "4: backend.keepalive: "),
            (
                format!("{backend}keepalve = \"5s\"\n"),
                "4: backend.keepalve: there is no such key; did you mean keepalive?",
            ),
            (
                format!("{backend}colour = 1\n"),
                "4: backend.colour: there is no such key; known are listen, name",
            ),
            (
                format!("{backend}kind = \"gunicron\"\n"),
                "4: backend.kind: no server is called 'gunicron'; did you mean gunicorn",
            ),
            (format!("{backend}kind = \"alb\"\n"), "4: backend.kind: no server is called 'alb'"),
            (
                format!("{backend}name = true\n"),
                "4: backend.name: want text in quotes, not boolean",
            ),
            (format!("{backend}name = \"a\\nb\"\n"), "4: backend.name: want a name of one line"),
            (
                format!("{backend}health-expect = \"2xx\"\n"),
                "4: backend.health-expect: '2xx' is no status",
            ),
            (format!("{backend}{proxy}idle = \"60\"\n"), "7: proxy.idle: '60' has no unit"),
            (format!("{proxy}\n[[backend]]\nname = \"shop\"\n"), "5: backend: 'listen' is missing"),
            ("[[proxy]]\naddress = \":80\"\n".to_owned(), "2: proxy.address: ':80' is no address"),
            (
                "[[backend]]\nlisten = 8080\n".to_owned(),
                "2: backend.listen: a port alone is written ':8080'",
            ),
            (
                "[backend]\nlisten = \":80\"\n".to_owned(),
                "1: backend: write [[backend]], with two brackets",
            ),
            (
                "\n[[backends]]\nlisten = \":80\"\n".to_owned(),
                "2: backends: there is no such key; did you mean backend?",
            ),
            (
                "[front]\nlisten = [\":80\", \"x\"]\n".to_owned(),
                "2: front.listen: 'x' is no address",
            ),
            (format!("{backend}kind = \"node\n"), "4: "),
            (format!("{backend}kind = \"node\"\nkind = \"node\"\n"), "5: duplicate key"),
        ] {
            fs::write(&path, &text).unwrap();
            let said = read(&path).unwrap_err().to_string();
            let wanted = format!("{}:{wanted}", path.display());
            assert!(said.starts_with(&wanted), "{text}\n{said}\n{wanted}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        let said = read(&folder.path().join("none.toml")).unwrap_err().to_string();
        assert!(said.contains("none.toml: cannot read: "), "{said}");
    }
}
