//! What was said on TLS connections, as the programs of this host gave it to OpenSSL.

use crate::base::escape;
use crate::ebpf::{Library, Refused, Tls};
use crate::packet::EndpointPattern;
use crate::streams::told;

/// Taken at once; then it is looked at frames again.
const BATCH: usize = 16_384;

/// Libraries that cannot be watched, as far as they are told.
const TOLD: usize = 4;

/// Processes of one name that are told.
const NUMBERS: usize = 4;

/// OpenSSL's functions, watched.
pub(super) struct TlsWatch {
    tls: Tls,
    /// Records lost as far as was told.
    lost: u64,
}

impl TlsWatch {
    /// Watches what programs say on connections from or to these listeners.
    ///
    /// # Errors
    /// When that cannot be done here.
    pub(super) fn open(listeners: &[EndpointPattern]) -> Result<Self, Refused> {
        let ports: Option<Vec<u16>> = listeners.iter().map(|pattern| pattern.port).collect();
        Ok(Self { tls: Tls::open(&ports.unwrap_or_default())?, lost: 0 })
    }

    /// Which programs that covers, in lines.
    pub(super) fn covers(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.tls.libraries().iter().map(covered).collect();
        let refused = self.tls.refused().iter().take(TOLD);
        lines
            .extend(refused.map(|why| {
                format!("--tls-uprobes: not covered: {}", escape::text(why.as_bytes()))
            }));
        lines.push(
            "--tls-uprobes: that covers connections on which OpenSSL itself reads and writes; not those of \
             programs that do it for OpenSSL (Apache httpd's writes, Python's asyncio), bring their own TLS \
             (Go, Java, Node.js, Envoy), or come later with another copy of the library"
                .to_owned(),
        );
        lines
    }

    /// Hands on what was said since the last time.
    pub(super) fn take(&mut self, take: impl FnMut(told::Spoken)) {
        self.tls.take(BATCH, take);
    }

    /// How much was lost since this was asked last.
    pub(super) fn missed(&mut self) -> u64 {
        let lost = self.tls.lost();
        lost.saturating_sub(std::mem::replace(&mut self.lost, lost))
    }
}

/// Who uses a library.
fn covered(library: &Library) -> String {
    let path = escape::text(library.name.as_bytes());
    if library.users.is_empty() {
        return format!(
            "--tls-uprobes: covers what is started with {path}, which nothing uses now"
        );
    }
    let mut names: Vec<&[u8]> = library.users.iter().map(|(_, name)| name.as_slice()).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    let programs: Vec<String> = names
        .into_iter()
        .map(|name| {
            let of_it = library.users.iter().filter(|(_, other)| other == name);
            let mut numbers: Vec<String> = of_it.map(|(number, _)| number.to_string()).collect();
            let more = numbers.len().saturating_sub(NUMBERS);
            numbers.truncate(NUMBERS);
            if more > 0 {
                numbers.push(format!("{more} more"));
            }
            format!("{} ({})", escape::text(name), numbers.join(", "))
        })
        .collect();
    let more = match library.count.saturating_sub(library.users.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let programs = programs.join(", ");
    format!("--tls-uprobes: covers {programs}{more} by {path}, and what is started with it later")
}
