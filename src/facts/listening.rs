//! What listens on a host at whose port nothing does.

use crate::packet::Endpoint;

/// What listens on a host at whose port nothing does.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listening {
    /// Something does listen on that port, at these other addresses only (`127.0.0.1`, say).
    pub elsewhere: Vec<ListeningProgram>,
    /// Other ports, those that may have been meant first.
    pub others: Vec<ListeningProgram>,
    /// Listeners beyond these.
    pub more: usize,
}

/// A listener, and what is known of the program behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListeningProgram {
    /// Where it listens.
    pub at: Endpoint,
    /// The program's process number and name; the name is text that is not to be trusted.
    pub process: Option<(u32, Vec<u8>)>,
}
