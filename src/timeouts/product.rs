//! A known proxy or server, and what limits its connections.

use crate::base::similar;
use std::time::Duration;

/// Whose timeouts these are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProductSide {
    /// Of what sends requests.
    Proxy,
    /// Of what answers them.
    Server,
}

impl ProductSide {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Server => "server",
        }
    }
}

/// A limit, unless somebody sets another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit<T> {
    /// So much. A keep-alive of zero closes after each answer.
    After(T),
    /// There is none.
    Never,
    /// Not known, or it means nothing here.
    Unknown,
}

impl<T: Copy> Limit<T> {
    /// The value, where there is one.
    pub const fn value(self) -> Option<T> {
        match self {
            Self::After(value) => Some(value),
            Self::Never | Self::Unknown => None,
        }
    }
}

/// A known proxy or server.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// What it is called on the command line.
    pub id: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Other names for the command line, unique within a side.
    pub aliases: &'static [&'static str],
    /// A proxy or a server.
    pub side: ProductSide,
    /// How long it keeps an idle connection: of a proxy, those to its backends.
    pub idle: Limit<Duration>,
    /// How long a proxy waits for a connection.
    pub connect: Limit<Duration>,
    /// How long a proxy waits for an answer.
    pub read: Limit<Duration>,
    /// The setting of its idle timeout limits the time to answer as well: lowering it breaks what is slow.
    pub idle_bounds_answer: bool,
    /// How long a server waits for the head of a request.
    pub head: Limit<Duration>,
    /// Requests after which a connection is closed.
    pub requests: Limit<u32>,
    /// Statuses that its health checks accept; `None` where they are the usual 200-399, or unknown.
    pub accepts: Option<&'static str>,
    /// What a proxy sends again by itself; empty for servers.
    pub retries: &'static str,
    /// What a server says of its timeout in its answers; empty where it says nothing.
    pub announces: &'static str,
    /// What sets its idle timeout; empty where nothing does.
    pub knob: &'static str,
    /// The line that does, with `{s}`, `{ms}` or `{hms}` in the place of the time; where there is no
    /// such setting, what else helps.
    pub fix: &'static str,
    /// In which file, or at which place, that line stands; empty where that is not known.
    pub place: &'static str,
    /// What sets how long a proxy waits for an answer; empty where that is not known.
    pub read_knob: &'static str,
    /// In which file, or at which place, that is set.
    pub read_place: &'static str,
    /// Where the values were read.
    pub source: &'static str,
    /// When, as `YYYY-MM-DD`.
    pub checked: &'static str,
    /// The idle timeout, or where there is none the value that counts most, stands in the source.
    pub verified: bool,
    /// What else is to be known; it says which of the other values are not verified.
    pub note: &'static str,
    /// What was measured on the wire, November 2026; empty where nothing was.
    pub measured: &'static str,
}

/// Nothing is known of a proxy.
pub(super) const PROXY: Product = Product {
    id: "",
    name: "",
    aliases: &[],
    side: ProductSide::Proxy,
    idle: Limit::Unknown,
    connect: Limit::Unknown,
    read: Limit::Unknown,
    idle_bounds_answer: false,
    head: Limit::Unknown,
    requests: Limit::Unknown,
    accepts: None,
    retries: "",
    announces: "",
    knob: "",
    fix: "",
    place: "",
    read_knob: "",
    read_place: "",
    source: "",
    checked: "2026-11-20",
    verified: true,
    note: "",
    measured: "",
};

/// Nothing is known of a server.
pub(super) const SERVER: Product = Product { side: ProductSide::Server, ..PROXY };

pub(super) const fn secs(seconds: u64) -> Limit<Duration> {
    Limit::After(Duration::from_secs(seconds))
}

pub(super) const fn millis(millis: u64) -> Limit<Duration> {
    Limit::After(Duration::from_millis(millis))
}

impl Product {
    /// The line of configuration that sets an idle timeout of so many seconds.
    pub fn fix_for(&self, seconds: u64) -> String {
        let part = |length: u64| seconds.checked_div(length).unwrap_or(0);
        let rest = |length: u64, of: u64| part(length).checked_rem(of).unwrap_or(0);
        let clock = format!("{:02}:{:02}:{:02}", part(3_600), rest(60, 60), rest(1, 60));
        self.fix
            .replace("{s}", &seconds.to_string())
            .replace("{ms}", &seconds.saturating_mul(1_000).to_string())
            .replace("{hms}", &clock)
    }

    /// What it may be called by: its id first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.id).chain(self.aliases.iter().copied())
    }

    /// A word of one of its names begins with `text`.
    pub(super) fn mentions(&self, text: &str) -> bool {
        let wanted = similar::joined(text);
        let begins = |name: &str| {
            name.match_indices(|c: char| c.is_ascii_alphanumeric()).any(|(at, _)| {
                let inside = name
                    .get(..at)
                    .is_some_and(|before| before.ends_with(|c: char| c.is_ascii_alphanumeric()));
                !inside && similar::joined(name.get(at..).unwrap_or_default()).starts_with(&wanted)
            })
        };
        wanted.len() >= 3 && self.names().chain([self.name]).any(begins)
    }
}
