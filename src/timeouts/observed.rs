//! What the laboratory saw real proxies and servers do: `observed.json`, which `tests/lab/behaviours`
//! writes from its captures and their truth.

use super::Product;
use crate::base::wrap::{heading, wrap};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// All that was seen.
#[derive(Debug, Default, Deserialize)]
pub struct Observed {
    /// How many cases it comes from.
    pub cases: u32,
    /// What proxies did with requests that were lost.
    pub proxies: Vec<ObservedProxy>,
    /// When and how servers closed idle connections.
    pub servers: Vec<Server>,
}

/// A version of a proxy.
#[derive(Debug, Deserialize)]
pub struct ObservedProxy {
    /// [`Product::id`](super::Product::id), where it is known.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// As its package says.
    pub version: String,
    /// What it did.
    pub causes: Vec<LostRequests>,
}

/// What a proxy did with the requests of a method that met a cause.
#[derive(Debug, Deserialize)]
pub struct LostRequests {
    /// A name of [`Cause`](crate::verdict::Cause).
    pub cause: String,
    /// The request's method.
    pub method: String,
    /// `a reused connection` or `a new connection`.
    pub on: String,
    /// Settings that were not the proxy's own, `name=value`; empty where all were.
    pub options: String,
    /// How many met it.
    pub requests: u32,
    /// How many of them it sent again by itself.
    pub sent_again: u32,
    /// Statuses that the client saw (`200, cut`: not all of it; `nothing`), and how often.
    pub client_saw: BTreeMap<String, u32>,
}

/// What a version of a server did with one keep-alive timeout.
#[derive(Debug, Deserialize)]
pub struct Server {
    /// [`Product::id`](super::Product::id), where it is known.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// As its package says.
    pub version: String,
    /// The timeout that it was told, in seconds.
    pub configured_s: f64,
    /// How many closes were seen.
    pub closes: u32,
    /// The shortest idleness before a close, in seconds.
    pub min_s: f64,
    /// The median.
    pub median_s: f64,
    /// The longest.
    pub max_s: f64,
    /// By what it closed, and how often: `FIN` (a later request is reset), `half close` (a FIN after which
    /// a later request is acknowledged, and never answered), `RST`.
    pub by: BTreeMap<String, u32>,
}

impl Observed {
    /// The table that was built in.
    pub fn load() -> Self {
        // A test holds that it can be read.
        serde_json::from_str(include_str!("observed.json")).unwrap_or_default()
    }
}

impl ObservedProxy {
    /// What it did, as it is set up in the laboratory, with a GET and with a POST that met a cause, and
    /// what the client saw: `again 200 / 502`, or `502` where both fared alike. `·` is a method that was
    /// not seen with it; `None` is a cause that was not seen.
    pub fn did(&self, cause: &str) -> Option<String> {
        let of = |method: &str| {
            let one = |lost: &&LostRequests| lost.cause == cause && lost.method == method;
            let mut ways: Vec<String> = Vec::new();
            for lost in self.causes.iter().filter(|lost| lost.options.is_empty()).filter(one) {
                let way = lost.did();
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
            if ways.is_empty() { "·".to_owned() } else { ways.join(", ") }
        };
        match (of("GET"), of("POST")) {
            (get, post) if get == post => (get != "·").then_some(get),
            (get, post) => Some(format!("{get} / {post}")),
        }
    }
}

impl LostRequests {
    /// What the proxy did and the client saw: `again 200`, `502`.
    fn did(&self) -> String {
        match self.sent_again {
            0 => self.saw(),
            all if all == self.requests => format!("again {}", self.saw()),
            _ => format!("{} (some again)", self.saw()),
        }
    }

    /// In a few words: `GET on a reused connection: sent again, the client sees 200`.
    fn words(&self) -> String {
        let again = match self.sent_again {
            0 => "not sent again".to_owned(),
            all if all == self.requests => "sent again".to_owned(),
            some => format!("sent again {some} times of {}", self.requests),
        };
        format!("{} on {}: {again}, the client sees {}", self.method, self.on, self.saw())
    }

    /// What the client saw: `200 or 502`.
    fn saw(&self) -> String {
        let saw: Vec<&str> = self.client_saw.keys().map(String::as_str).collect();
        saw.join(" or ")
    }
}

impl Server {
    /// In a few words: `configured 2 s: closes with FIN after 3.00 s (3.00 to 3.01, 56 closes)`.
    fn words(&self) -> String {
        let by: Vec<&str> = self.by.keys().map(String::as_str).collect();
        format!(
            "configured {} s: closes with {} after {:.2} s ({:.2} to {:.2}, {} closes)",
            self.configured_s,
            by.join(" or "),
            self.median_s,
            self.min_s,
            self.max_s,
            self.closes
        )
    }
}

/// Writes what each proxy did with requests that met a cause; nothing where none did.
///
/// # Errors
/// When writing fails.
pub fn of_cause(cause: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let observed = Observed::load();
    let rows: Vec<(String, String)> = observed
        .proxies
        .iter()
        .filter_map(|proxy| Some((format!("{} {}", proxy.name, proxy.version), proxy.did(cause)?)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    heading("Measured with real programs", out)?;
    let legend = "What proxies did with a GET / a POST in this case (`again`: the proxy retried it), and what the \
                  client got (`nothing`: no response while it waited; `·`: not measured).";
    wrap(legend.split(' '), ["  ", "  "], width, out)?;
    for (proxy, did) in rows {
        let first = format!("    {proxy:<52} ");
        wrap(did.split(' '), [&first, "      "], width, out)?;
    }
    Ok(())
}

/// Writes what was seen of one, as it is set up in the laboratory; nothing where it did not look.
pub fn page(known: &Product, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let observed = Observed::load();
    let proxies = observed.proxies.iter().filter(|proxy| proxy.id == known.id);
    let servers = observed.servers.iter().filter(|server| server.id == known.id);
    let mut version = "";
    let title = |name: &str, of: &str, out: &mut dyn Write| {
        heading("Measured with real programs", out)?;
        wrap(format!("{name} {of}").split(' '), ["  ", "  "], width, out)
    };
    for proxy in proxies {
        title(&proxy.name, &proxy.version, out)?;
        for lost in proxy.causes.iter().filter(|lost| lost.options.is_empty()) {
            let first = format!("    {:<20} ", lost.cause);
            let others = " ".repeat(first.len());
            wrap(lost.words().split(' '), [&first, &others], width, out)?;
        }
    }
    for server in servers {
        if server.version != version {
            title(&server.name, &server.version, out)?;
            version = &server.version;
        }
        wrap(server.words().split(' '), ["    ", "    "], width, out)?;
    }
    Ok(())
}
