//! The command line: exactly what the user typed, no effects.

pub mod config;
mod config_file;
pub mod output;
pub mod output_paths;
pub mod page_file;
pub mod progress;

use crate::base::similar;
use crate::knowledge::configured::Accepted;
use crate::logs::{FormatString, LogFormat, LogFormatChoice};
use crate::packet::EndpointPattern;
use crate::timeouts::{self, Product, ProductSide};
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
    /// One failure: its timeline, the proof step by step, filters for Wireshark
    Show(Box<Show>),
    /// Watch interfaces now (sudo): failures as they happen, a report at the end
    Live(Box<Live>),
    /// Say what a cause means, how it is proven, how it could be wrong, what to change
    Explain(Explain),
    /// Known proxies and servers: their timeouts, the setting, the source
    Timeouts(TimeoutsArgs),
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
    pub log_format: Option<LogFormatChoice>,
    /// What is wanted of them.
    #[command(flatten)]
    pub shared: Shared,
}

/// `why502 show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The failure: its number in the answer, from 1, or its id in JSON
    #[arg(value_name = "N|ID")]
    pub which: String,
    /// Where it is.
    #[command(flatten)]
    pub analyze: Analyze,
}

/// `why502 live`.
#[derive(Debug, Args)]
pub struct Live {
    /// The interface to watch, or 'any'; repeatable
    #[arg(short, long, value_name = "INTERFACE", num_args = 1..)]
    pub interface: Vec<String>,
    /// Where frames come from
    #[arg(long, value_enum, default_value_t = From::Auto)]
    pub source: From,
    /// Read the HTTP heads of TLS connections in clear, without keys, as this host's programs give them to
    /// OpenSSL (SSL_read, SSL_write; needs root, Linux 6.3, eBPF). It says at the start which programs
    /// that covers; nothing of it is written to files
    #[arg(long)]
    pub tls_uprobes: bool,
    /// End after this long: 30s, 10m, 2h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// End after so many failures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_failures: Option<u64>,
    /// Capture no more of a frame than this: heads fit, the rest of large bodies is cut
    #[arg(long, value_name = "BYTES", default_value = "4096", value_parser = snaplen)]
    pub snaplen: u32,
    /// The kernel's buffer for each interface: what comes while why502 is busy waits there; what finds no
    /// room is lost, and told (jsonl: a 'loss' record)
    #[arg(long, value_name = "SIZE", default_value = "32MiB", value_parser = buffer)]
    pub buffer_size: u32,
    /// See frames for other hosts, too (a mirror port)
    #[arg(long)]
    pub promiscuous: bool,
    /// Keep what is seen in this pcapng file: heads without secrets, no bodies
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Begin another file when it has grown so large: 100MB, 1GiB
    #[arg(long, value_name = "SIZE", requires = "write", value_parser = size)]
    pub rotate_size: Option<u64>,
    /// Keep only so many of these files
    #[arg(long, value_name = "N", requires = "rotate_size", value_parser = clap::value_parser!(u32).range(1..))]
    pub rotate_count: Option<u32>,
    /// For each failure, keep the last frames of its connection in a pcapng file in this folder
    #[arg(long, value_name = "DIR")]
    pub keep_evidence: Option<PathBuf>,
    /// Memory for the frames that may become evidence
    #[arg(long, value_name = "SIZE", default_value = "64MiB", requires = "keep_evidence", value_parser = size)]
    pub evidence_memory: u64,
    /// Keep evidence of no more failures than this
    #[arg(long, value_name = "N", default_value_t = 1_000, requires = "keep_evidence")]
    pub evidence_count: u32,
    /// Keep frames whole, bodies and secrets too
    #[arg(long)]
    pub full: bool,
    /// Go on as this user once the interfaces are open (default: nobody; with files to write, the owner
    /// of their folder)
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Whether to ask the kernel whose the connections of this host are, who closed them and why
    /// (Linux 5.8); 'auto' does where it can
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub processes: When,
    /// With jsonl: a 'heartbeat' record with what was counted so often (30s, 1m), also when nothing happens
    #[arg(long, value_name = "DURATION", value_parser = heartbeat)]
    pub heartbeat: Option<Duration>,
    /// What is wanted of them.
    #[command(flatten)]
    pub shared: Shared,
}

/// What is wanted of captures and interfaces alike.
#[derive(Debug, Args)]
pub struct Shared {
    /// Judge exactly these listeners (default: all that speak HTTP); a port alone is ':8080'
    #[arg(long, value_name = "[ADDR][:PORT]")]
    pub backend: Vec<EndpointPattern>,
    /// Listeners of the proxy itself, towards its clients
    #[arg(long, value_name = "[ADDR][:PORT]")]
    pub front: Vec<EndpointPattern>,
    /// A known server (node, tomcat, gunicorn ...): compare with its default timeouts
    #[arg(long, value_name = "NAME", value_parser = known_server)]
    pub server: Option<&'static Product>,
    /// A known proxy (alb, nginx, envoy ...): compare with its default timeouts
    #[arg(long, value_name = "NAME", value_parser = known_proxy)]
    pub proxy: Option<&'static Product>,
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
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
    /// With jsonl: a record for every exchange of every connection
    #[arg(long)]
    pub exchanges: bool,
    /// With jsonl: a record for every TCP connection
    #[arg(long)]
    pub connections: bool,
    /// Where to write the answer (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Beside the answer: one page for a browser that holds all of it, and needs no network
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Show every failure (text)
    #[arg(long)]
    pub all: bool,
    /// Show secrets in request targets
    #[arg(long)]
    pub show_secrets: bool,
    /// The time zone of times (text): UTC, local, or a name as Europe/Berlin
    #[arg(long, value_name = "UTC|local|NAME", default_value = "UTC")]
    pub timezone: String,
    /// Whether to use colours; 'auto' does on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub color: When,
    /// Whether to show on standard error how far it is; 'auto' does on a terminal
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub progress: When,
    /// Say nothing on standard error but what went wrong
    #[arg(short, long)]
    pub quiet: bool,
    /// Show causes, idle times, the first 20 failures and the notes too (text)
    #[arg(short, long)]
    pub verbose: bool,
    /// Exit with 0 though failures were found
    #[arg(long)]
    pub exit_zero: bool,
}

/// `why502 explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A cause, as reports name it, or a message of a log, a server or a browser (default: list all causes)
    pub topic: Vec<String>,
    /// Whether to use colours; 'auto' does on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub color: When,
}

/// `why502 timeouts`.
#[derive(Debug, Args)]
pub struct TimeoutsArgs {
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
pub enum OutputFormat {
    /// For people
    Text,
    /// One document, for scripts
    Json,
    /// One record a line, as they become known
    Jsonl,
}

impl OutputFormat {
    /// The output consists of records, each written as soon as it is known.
    pub const fn is_by_record(self) -> bool {
        match self {
            Self::Jsonl => true,
            Self::Text | Self::Json => false,
        }
    }
}

/// Where a watch gets its frames from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum From {
    /// eBPF where it can be had, else libpcap; the first line says which
    Auto,
    /// libpcap: whole frames, as far as --snaplen goes
    Pcap,
    /// eBPF, the kernel's own programs: headers, and the first 4 KiB of what each side says (Linux 6.6; else
    /// libpcap)
    Ebpf,
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

/// Whether to do something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum When {
    /// Where it suits
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
fn duration(text: &str) -> Result<Duration, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("'{text}' has no unit: '{text}s' or '{text}ms'?"));
    }
    humantime::parse_duration(text).map_err(|error| format!("{error}; want 500ms, 5s or 1m30s"))
}

/// So often that somebody can wait for it, and not so often that nobody can read it.
fn heartbeat(text: &str) -> Result<Duration, String> {
    let often = duration(text)?;
    let least = Duration::from_millis(100);
    if often < least { Err(format!("'{text}': want 100ms or longer")) } else { Ok(often) }
}

/// `64KiB`, `100MB`, `1GiB`; a bare number is bytes.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(format!("'{text}' is no size: want 64KiB, 100MB or 1GiB")),
    };
    let number = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    number
        .filter(|size| *size > 0)
        .ok_or_else(|| format!("'{text}' is no size: want 64KiB, 100MB or 1GiB"))
}

/// A buffer that the kernel can give.
fn buffer(text: &str) -> Result<u32, String> {
    let size = size(text)?;
    u32::try_from(size)
        .ok()
        .filter(|size| (1 << 16..=1 << 30).contains(size))
        .ok_or_else(|| format!("'{text}': want 64KiB to 1GiB"))
}

/// Enough for the headers of the network and the first line of a request.
fn snaplen(text: &str) -> Result<u32, String> {
    let length = text.parse().ok().filter(|length| (128..=262_144).contains(length));
    length.ok_or_else(|| format!("'{text}': want 128 to 262144 bytes"))
}

/// The name of a format, or a format string.
fn log_format(text: &str) -> Result<LogFormatChoice, String> {
    if text.contains(['$', '%']) {
        return FormatString::new(text)
            .map(LogFormatChoice::Pattern)
            .map_err(|error| error.to_string());
    }
    let known = LogFormat::ALL.into_iter().find(|format| similar::same(format.name(), text));
    known.map(LogFormatChoice::Named).ok_or_else(|| {
        let all = LogFormat::ALL.map(LogFormat::name);
        let near = similar::near(text, all);
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

fn known_proxy(name: &str) -> Result<&'static Product, timeouts::UnknownProduct> {
    timeouts::the(name, ProductSide::Proxy)
}

fn known_server(name: &str) -> Result<&'static Product, timeouts::UnknownProduct> {
    timeouts::the(name, ProductSide::Server)
}
