//! Frames become TCP segments: borrowed views, no allocation, no state.
//!
//! [`decode`] peels the link layer (`link`), IP (`ip`) and TCP (`tcp`) off one frame. What is
//! not a whole TCP segment is a [`Skip`], which the caller counts; nothing here is an error of ours.
//!
//! Invariants: `Segment::payload` is never longer than `Segment::payload_len`, which goes by the
//! lengths in the headers and so is right also where the capture cut the frame.

mod cut;
mod endpoint;
mod endpoint_pattern;
pub mod fragments;
mod frame;
pub mod icmp;
mod ip;
mod link;
mod link_type;
mod neighbour;
mod segment;
mod skip;
mod tcp;
mod tunnel;

use cut::Cut;
pub use endpoint::Endpoint;
pub use endpoint_pattern::EndpointPattern;
pub use frame::{Frame, FrameRef};
pub use link_type::LinkType;
pub use neighbour::{Neighbour, neighbour};
pub use segment::{Flags, Scaling, Segment, SeqNum};
pub use skip::Skip;

/// The TCP segment in a frame.
///
/// # Errors
/// A [`Skip`] when there is none, or none that can be read.
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Segment<'a>, Skip> {
    let datagram = link::datagram(frame)?;
    let transport = ip::transport(datagram)?;
    let segment = tcp::segment(frame.reference, &transport)?;
    Ok(Segment { outgoing: link::outgoing(frame), ..segment })
}
