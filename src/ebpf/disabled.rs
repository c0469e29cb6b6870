//! Stands in for the kernel's programs in a program built without them.

mod options;

use crate::base::time::Timestamp;
use crate::facts::kernel::Ends;
use crate::input::Dropped;
use crate::packet::{Endpoint, Frame, LinkType};
use crate::streams::told::Spoken;
pub use options::{HookOptions, Refused, TURN};

/// There are none.
pub enum Segments {}

impl Segments {
    /// Says what is missing.
    ///
    /// # Errors
    /// Always.
    pub fn open(_: &HookOptions<'_>) -> Result<Self, Refused> {
        Err(missing())
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
        Err(missing())
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
        Err(missing())
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

fn missing() -> Refused {
    Refused("why502 was built without it (feature ebpf, which needs clang)".to_owned())
}
