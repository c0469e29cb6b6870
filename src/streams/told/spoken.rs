//! What somebody who has the text of a connection tells.

use crate::base::time::Timestamp;
use crate::packet::{Endpoint, SeqNum};

/// What one call of a TLS library moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spoken {
    /// When.
    pub at: Timestamp,
    /// Who sent it.
    pub src: Endpoint,
    /// To whom.
    pub dst: Endpoint,
    /// Who tells.
    pub by: TextOrigin,
    /// The number on the wire at which its ciphertext begins.
    pub from: SeqNum,
    /// The number after it.
    pub to: SeqNum,
    /// The receiver had taken these numbers from the wire before: this is more of their text.
    pub again: bool,
    /// Counts what this end told of this direction, from any number: what is missing was lost.
    pub order: u32,
    /// Length of the text; 0 for a handshake and the like.
    pub len: u32,
    /// The beginning of it.
    pub text: Box<[u8]>,
}

/// The end that tells what was said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextOrigin {
    /// The one that said it.
    Sender,
    /// The one that heard it.
    Receiver,
}
