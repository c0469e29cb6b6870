//! One slot of the table.

use super::StreamReader;
use super::alias::take_ends;
use super::connection::Side;
use super::delivery::Delivery;
use super::key::Key;
use crate::packet::Segment;

/// A connection that is known, and the key by which it is found.
pub(super) struct Used<R> {
    pub(super) key: Key,
    pub(super) delivery: Delivery<R>,
}

impl<R: StreamReader> Used<R> {
    /// A segment of the connection as if between its own ends; `None` where it is.
    pub(super) fn translated<'a>(&mut self, segment: &Segment<'a>) -> Option<Segment<'a>> {
        let connection = &mut self.delivery.connection;
        let translated = connection.translated(segment)?;
        // Where the sides are guessed, what it says may show that the server is taken for the client.
        if connection.half(Side::Client).is_unheard()
            && R::sender_of(segment.payload) != Some(Side::Server)
            && take_ends(connection, segment)
        {
            self.key = Key::of(segment, self.key.viewpoint);
            return None;
        }
        Some(translated)
    }
}
