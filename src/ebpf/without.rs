//! Stands in for the kernel's programs in a program built without them.

use crate::clear::Spoken;
use crate::ends::Ends;
use crate::packet::Endpoint;
use crate::packet::Frame;
use crate::packet::LinkType;
use crate::source::Dropped;
use crate::time::Timestamp;

/// Why the kernel does not do what is wanted of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// The most that is kept of a turn.
pub const TURN: u32 = 4_096;

/// What is to be watched.
#[derive(Clone, Debug)]
pub struct Wanted<'w> {
    /// The interfaces, as the user named them.
    pub interfaces: &'w [String],
    /// Only frames from or to these ports; all where there are none.
    pub ports: &'w [u16],
    /// Bytes of each turn that are kept.
    pub turn_bytes: u32,
    /// Segments that only go on with a body are told as one.
    pub joining: bool,
    /// The ring buffer.
    pub buffer_bytes: u32,
}

/// There are none.
pub enum Segments {}

impl Segments {
    /// Says what is missing.
    ///
    /// # Errors
    /// Always.
    pub fn open(_: &Wanted<'_>) -> Result<Self, Refused> {
        Err(Refused("why502 was built without it (feature ebpf, which needs clang)".to_owned()))
    }

    /// Never called.
    pub fn take(&mut self, _: usize, _: impl FnMut(Frame<'_>)) -> usize {
        match *self {}
    }

    /// Never called.
    pub fn look_round(&mut self) {
        match *self {}
    }

    /// Never called.
    pub fn links(&self) -> Vec<LinkType> {
        match *self {}
    }

    /// Never called.
    pub fn dropped(&self) -> Dropped {
        match *self {}
    }

    /// Never called.
    pub fn gone(&self) -> (Vec<&str>, bool) {
        match *self {}
    }
}

/// There are none.
pub enum Sockets {}

impl Sockets {
    /// Says what is missing.
    ///
    /// # Errors
    /// Always.
    pub fn open() -> Result<Self, Refused> {
        Err(Refused("why502 was built without it (feature ebpf, which needs clang)".to_owned()))
    }

    /// Never called.
    pub fn missing(&self) -> &[&'static str] {
        match *self {}
    }

    /// Never called.
    pub fn lost(&self) -> u32 {
        match *self {}
    }

    /// Never called.
    pub fn drain(&mut self) {
        match *self {}
    }

    /// Never called.
    pub fn ends(&mut self, _: Endpoint, _: Endpoint, _: Timestamp) -> Option<Ends> {
        match *self {}
    }
}

/// A library, and who uses it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Library {
    /// How it is called where it is used.
    pub name: String,
    /// Processes that use it: number and name.
    pub users: Vec<(u32, Vec<u8>)>,
    /// How many there are.
    pub count: usize,
}

/// There is none.
pub enum Tls {}

impl Tls {
    /// Says what is missing.
    ///
    /// # Errors
    /// Always.
    pub fn open(_: &[u16]) -> Result<Self, Refused> {
        Err(Refused("why502 was built without it (feature ebpf, which needs clang)".to_owned()))
    }

    /// Never called.
    pub fn libraries(&self) -> &[Library] {
        match *self {}
    }

    /// Never called.
    pub fn refused(&self) -> &[String] {
        match *self {}
    }

    /// Never called.
    pub fn lost(&self) -> u64 {
        match *self {}
    }

    /// Never called.
    pub fn take(&mut self, _: usize, _: impl FnMut(Spoken)) {
        match *self {}
    }
}
