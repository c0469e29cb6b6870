//! Who may be probing, and with what.

use crate::exchange::RequestDigest;
use std::net::IpAddr;

/// What kind of request, from whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct ProbeSource {
    /// First, for it tells most apart.
    pub(super) asked: RequestDigest,
    pub(super) client: IpAddr,
}
