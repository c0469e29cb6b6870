//! The command line: exactly what the user typed, no effects.

use crate::access_log::{Format as Logged, Pattern as LogPattern, Told as LogFormat};
use crate::ledger::Accepted;
use crate::names;
use crate::packet::Pattern;
use crate::timeouts::{self, Known, Side};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Why did my proxy answer 502?
#[derive(Debug, Parser)]
#[command(
    name = "why502",
    version,
    about = "Why did my proxy answer 502 (or 503, 504)?",
    long_about = "Reads the packets between a reverse proxy or load balancer and its backends, and \
                  proves for each failed request what happened.",
    after_help = "Exit status: 0 no failure, 1 failures found, 2 could not do it.",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Explain the failures in saved captures (pcap, pcapng)
    Analyze(Box<Analyze>),
    /// Say what a cause means, how it is proven, how it could be wrong, what to change
    Explain(Explain),
    /// Known proxies and servers: their timeouts, the setting, the source
    Timeouts(Timeouts),
    /// Write a configuration file to begin with
    Config(Config),
}

/// `why502 analyze`.
#[derive(Debug, Args)]
pub struct Analyze {
    /// The captures, '-' for standard input; several are a rotated ring, in any order, or vantages of the
    /// same connections
    #[arg(required_unless_present = "access_log", value_name = "CAPTURE")]
    pub captures: Vec<PathBuf>,
    /// The proxy's access or error log, to be joined with the captures; '-' for standard input, a quoted
    /// '*.log.gz' for many. Without captures: what the log alone says
    #[arg(long, value_name = "FILE")]
    pub access_log: Vec<PathBuf>,
    /// The log's format, where it is not recognised: a name (alb, clb, haproxy, istio, envoy,
    /// ingress-nginx, combined, nginx-error, apache-error, traefik, caddy, json, labelled), or a format
    /// string as the proxy's configuration has it
    #[arg(long, value_name = "NAME|STRING", value_parser = log_format, requires = "access_log")]
    pub log_format: Option<LogFormat>,
    /// Judge exactly these listeners (default: all that speak HTTP); a port alone is ':8080'
    #[arg(long, value_name = "[ADDR][:PORT]")]
    pub backend: Vec<Pattern>,
    /// Listeners of the proxy itself, towards its clients
    #[arg(long, value_name = "[ADDR][:PORT]")]
    pub front: Vec<Pattern>,
    /// A known server (node, tomcat, gunicorn ...): compare with its default timeouts
    #[arg(long, value_name = "NAME", value_parser = known_server)]
    pub server: Option<&'static Known>,
    /// A known proxy (alb, nginx, envoy ...): compare with its default timeouts
    #[arg(long, value_name = "NAME", value_parser = known_proxy)]
    pub proxy: Option<&'static Known>,
    /// Names, kinds and timeouts of each backend and proxy (TOML; 'why502 config --example')
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the captures were taken (default: found out)
    #[arg(long, value_enum)]
    pub vantage: Option<Where>,
    /// How long the backend keeps idle connections: 500ms, 5s, 1m30s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub backend_keepalive: Option<Duration>,
    /// How long the proxy keeps idle connections
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub proxy_idle: Option<Duration>,
    /// How long the proxy waits for an answer
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub proxy_read: Option<Duration>,
    /// How long the proxy waits for a connection
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub proxy_connect: Option<Duration>,
    /// What other timeouts would lose: backend-keepalive=75s,proxy-idle=60s
    #[arg(long, value_name = "TIMEOUTS", value_parser = what_if)]
    pub what_if: Option<WhatIf>,
    /// Statuses that a health probe accepts: 200, 200-399 or 200,204,301-302 (default: 200-399;
    /// with --proxy alb: 200)
    #[arg(long, value_name = "RANGES")]
    pub health_expect: Option<Accepted>,
    /// Only the frames that this pcap filter expression accepts ('tcp port 8080'); compiled by
    /// libpcap; 'greater' and 'less' see captured lengths
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,
    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// With jsonl: a record for every exchange of every connection
    #[arg(long)]
    pub exchanges: bool,
    /// With jsonl: a record for every TCP connection
    #[arg(long)]
    pub connections: bool,
    /// Where to write the answer (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show every failure, not only the first 20 (text)
    #[arg(long)]
    pub all: bool,
    /// Show secrets in request targets
    #[arg(long)]
    pub show_secrets: bool,
    /// Whether to use colours; 'auto' does on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub color: When,
    /// Whether to show on standard error how far it is; 'auto' does on a terminal
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub progress: When,
    /// Exit with 0 though failures were found
    #[arg(long)]
    pub exit_zero: bool,
}

/// `why502 explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The cause, as reports name it (default: list them all)
    pub cause: Option<String>,
    /// Whether to use colours; 'auto' does on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// `why502 timeouts`.
#[derive(Debug, Args)]
pub struct Timeouts {
    /// The proxy or server: alb, nginx, envoy, node, tomcat, gunicorn ... (default: list them all)
    pub name: Option<String>,
    /// Whether to use colours; 'auto' does on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// `why502 config`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct Config {
    /// Print one with every key, and what it means
    #[arg(long, required = true)]
    pub example: bool,
}

/// How to answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One document, for scripts
    Json,
    /// One record a line, as they become known
    Jsonl,
}

/// Where a capture was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Where {
    /// On the proxy's host
    Proxy,
    /// On the backend's host
    Backend,
    /// On the way
    Between,
    /// Both run on one host
    SameHost,
}

/// Whether to do something that suits a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum When {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Timeouts to try.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WhatIf {
    /// How long the backend would keep an idle connection.
    pub backend_keepalive: Option<Duration>,
    /// How long the proxy would.
    pub proxy_idle: Option<Duration>,
}

/// `backend-keepalive=75s,proxy-idle=60s`, either or both.
fn what_if(text: &str) -> Result<WhatIf, String> {
    let mut wanted = WhatIf::default();
    for part in text.split(',') {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| format!("'{part}': want backend-keepalive=75s or proxy-idle=60s"))?;
        let value = Some(duration(value)?);
        match name.trim() {
            "backend-keepalive" => wanted.backend_keepalive = value,
            "proxy-idle" => wanted.proxy_idle = value,
            other => return Err(format!("'{other}': want backend-keepalive or proxy-idle")),
        }
    }
    Ok(wanted)
}

/// `500ms`, `5s`, `1m30s`. A bare number could be either of two units.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("'{text}' has no unit: '{text}s' or '{text}ms'?"));
    }
    humantime::parse_duration(text).map_err(|error| format!("{error}; want 500ms, 5s or 1m30s"))
}

/// The name of a format, or a format string.
fn log_format(text: &str) -> Result<LogFormat, String> {
    if text.contains(['$', '%']) {
        return LogPattern::new(text).map(LogFormat::Pattern).map_err(|error| error.to_string());
    }
    let known = Logged::ALL.into_iter().find(|format| names::same(format.name(), text));
    known.map(LogFormat::Named).ok_or_else(|| {
        let all = Logged::ALL.map(Logged::name);
        let near = names::near(text, all);
        let meant = if near.is_empty() {
            String::new()
        } else {
            format!("did you mean {}? ", near.join(" or "))
        };
        format!(
            "{meant}known are {}, or give the format string as the proxy has it",
            all.join(", ")
        )
    })
}

fn known_proxy(name: &str) -> Result<&'static Known, timeouts::Unknown> {
    timeouts::the(name, Side::Proxy)
}

fn known_server(name: &str) -> Result<&'static Known, timeouts::Unknown> {
    timeouts::the(name, Side::Server)
}
