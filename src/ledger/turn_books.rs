//! What is framed by turns, booked apart.

use super::listener::Listener;
use crate::facts::KeptAttempt;
use crate::flow::Leg;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::Arc;

/// What is framed by turns, of legs on which nobody was named.
#[derive(Clone, Debug, Default)]
pub(super) struct TurnBooks {
    /// Listeners, as far as turns show them. Boxed, for the table is doubled to grow.
    pub(super) listeners: HashMap<Leg, Box<Listener>, RandomState>,
    /// Attempts that failed there when it was not known yet that they are to be judged.
    pub(super) failures: Vec<Arc<KeptAttempt>>,
}
