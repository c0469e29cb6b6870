//! Why nothing more can be said of a failure.

use crate::exchange::Unread;

/// Why a failure cannot be explained.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Doubt {
    /// Frames are missing where it matters.
    Gap,
    /// Heads were cut by the snap length.
    HeadsCut,
    /// Only one direction was captured.
    OneDirection,
    /// What was sent is no HTTP.
    NotHttp,
    /// What is there can be read in more than one way.
    SeveralReadings,
    /// The proxy closed before any answer: it lost patience, or its client left.
    ProxyClosedFirst,
}

impl Doubt {
    /// The doubt's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "capture_gap",
            Self::HeadsCut => "heads_cut",
            Self::OneDirection => "one_direction_only",
            Self::NotHttp => "not_http",
            Self::SeveralReadings => "several_readings",
            Self::ProxyClosedFirst => "proxy_closed_first",
        }
    }
}

impl From<Unread> for Doubt {
    fn from(why: Unread) -> Self {
        match why {
            Unread::Gap => Self::Gap,
            Unread::HeadCut | Unread::BodyCut => Self::HeadsCut,
            Unread::NotHttp => Self::NotHttp,
            Unread::Conflicting | Unread::Turns => Self::SeveralReadings,
        }
    }
}
