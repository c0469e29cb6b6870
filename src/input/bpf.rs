//! Filter programs of libpcap. Only here is the crate `pcap` used.

use crate::packet::LinkType;
use pcap::{BpfProgram, Capture, Error};
use std::io::{self, Write};
use std::os::fd::AsRawFd;

/// A filter expression compiled for one link type.
pub(super) struct FilterProgram(BpfProgram);

impl FilterProgram {
    /// libpcap's reason is the error.
    ///
    /// It compiles for a saved capture, a pipe with nothing but a header: so it knows the link type
    /// by its number in files, and the address families of every system on loopback. For a handle
    /// without a file (`Capture::dead`) it would know only its own system's families, and compile
    /// `inbound` on Ethernet into something that only a kernel can run.
    pub(super) fn compile(expression: &str, link: LinkType) -> Result<Self, String> {
        let (reader, mut writer) = io::pipe().map_err(|error| error.to_string())?;
        writer.write_all(&header(link)).map_err(|error| error.to_string())?;
        let compiled = Capture::from_file(format!("/dev/fd/{}", reader.as_raw_fd()))
            .and_then(|capture| capture.compile(expression, true));
        compiled.map(Self).map_err(|error| match error {
            Error::PcapError(reason) => reason,
            other => other.to_string(),
        })
    }

    /// Whether the program accepts a frame of which these bytes were captured.
    pub(super) fn keeps(&self, bytes: &[u8]) -> bool {
        self.0.filter(bytes)
    }
}

/// The header of a classic capture of this link type.
fn header(link: LinkType) -> Vec<u8> {
    let link = match link {
        // What some systems call it; libpcap knows those numbers only on them.
        LinkType(12 | 14) => LinkType::RAW,
        other => other,
    };
    [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, u32::from(link.0)]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect()
}
