//! How reading what is inside of TLS ends, and turns go on.

use super::{Ended, Output};
use crate::flow::{Connection, StreamEvent};
use crate::packet::FrameRef;
use crate::streams::told::Between;
use std::fmt::Debug;

/// Takes what becomes known.
pub(super) type KnownOutputs<'o> = dyn FnMut(Output, &Connection) + 'o;

/// Reads what is inside.
pub(super) trait InnerReader: Debug + Send {
    /// See [`crate::flow::StreamReader::on`].
    fn take(&mut self, event: StreamEvent<'_>, connection: &Connection, out: &mut KnownOutputs<'_>);

    /// Which sides are in a message.
    fn between(&self) -> Between;

    /// From here on it is not told what comes. Makes known what is known by now, and leaves what is under way to turns
    /// if that is one request, the one that began with `turn`.
    fn hand_over(
        &mut self,
        turn: Option<FrameRef>,
        connection: &Connection,
        out: &mut KnownOutputs<'_>,
    ) -> HandedOver;
}

/// What reading leaves to turns.
#[derive(Clone, Debug)]
pub(super) struct HandedOver {
    /// Exchanges made known.
    pub(super) exchanges: u32,
    /// What is under way is left to turns.
    pub(super) under_way: bool,
    /// How what was read stands to turns is not known.
    pub(super) overlapping: bool,
    /// The frame after which nothing was outstanding, if nothing is.
    pub(super) quiet_since: Option<FrameRef>,
    /// What the connection was so far, if that is known.
    pub(super) ended: Option<Ended>,
}

impl HandedOver {
    /// Nothing was made known: turns go on as they stand.
    pub(super) const AS_TURNS: Self =
        Self { exchanges: 0, under_way: true, overlapping: false, quiet_since: None, ended: None };
}
