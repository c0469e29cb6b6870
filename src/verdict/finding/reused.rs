//! How a close and a request met on a connection that was idle.

use std::time::Duration;

/// How the backend's close and the request met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Race {
    /// The two crossed on the way.
    Crossing,
    /// The backend's keep-alive timer fired while the request lay in its kernel, as the time of the close
    /// makes likely.
    LostInHost {
        /// The timer, as told or observed.
        timer: Duration,
    },
    /// The kernel of the backend's host says that nobody had read a byte of the request when the connection,
    /// which had been used before, was closed.
    Unread {
        /// The backend's keep-alive timer, if that fired just then.
        timer: Option<Duration>,
    },
}
