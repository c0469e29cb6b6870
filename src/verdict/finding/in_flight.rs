//! What is known of a close that met a request: of the connection, and whether the request had been read.

use crate::facts::closing::Received;

/// What is known of connection and request where the backend closed, or reset, with the request outstanding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InFlight {
    /// The connection had not been used before.
    Fresh,
    /// The connection had been used before, or may have been, and the close came so late that it is about the
    /// request.
    Used,
    /// The connection had been used before, and the close came so soon after the request that this may have
    /// lain unread in the backend's kernel when a keep-alive timer fired: no timer is known that did.
    MaybeUnread,
    /// The kernel of the backend's host says that nobody had read a byte of the request when the connection
    /// was closed.
    Unread {
        /// The connection had not been used before.
        fresh: bool,
    },
    /// The kernel of the backend's host says that a process had read of the request when the connection was
    /// closed.
    Read {
        /// All of it.
        all: bool,
        /// The connection had not been used before.
        fresh: bool,
    },
    /// Each new connection to this port ended as soon as something was asked, and nothing was ever answered
    /// on it: the backend may expect something else.
    NothingAnswered {
        /// Connections that ended so.
        connections: u64,
    },
}

impl InFlight {
    /// The connection had not been used before.
    pub const fn is_fresh(self) -> bool {
        match self {
            Self::Fresh | Self::NothingAnswered { .. } => true,
            Self::Used | Self::MaybeUnread => false,
            Self::Unread { fresh } | Self::Read { fresh, .. } => fresh,
        }
    }

    /// How much of the request a process had read, as far as the kernel says so.
    pub const fn request_read(self) -> Option<Received> {
        match self {
            Self::Fresh | Self::Used | Self::MaybeUnread | Self::NothingAnswered { .. } => None,
            Self::Unread { .. } => Some(Received::None),
            Self::Read { all: true, .. } => Some(Received::All),
            Self::Read { all: false, .. } => Some(Received::Part),
        }
    }

    /// Only packets tell of the close so far, and nothing of what the request met.
    pub const fn is_by_packets(self) -> bool {
        match self {
            Self::Fresh | Self::Used | Self::MaybeUnread => true,
            Self::Unread { .. } | Self::Read { .. } | Self::NothingAnswered { .. } => false,
        }
    }
}

/// Who reset a connection with a request outstanding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResetBy {
    /// The backend's host.
    Backend(InFlight),
    /// Something between the two: the reset has another time to live than everything else from the side that
    /// it seems to come from.
    Path {
        /// Of the reset.
        ttl: u8,
        /// Of the other segments from that side.
        usual: u8,
    },
}
