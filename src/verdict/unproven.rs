//! Failures whose reason the capture cannot tell: `unproven`, with the reason of that.

use super::doubt::Doubt;
use super::{Case, Certainty, Finding, Verdict};
use crate::facts::closing::Closing;

/// A verdict that says no more than that the attempt failed, and why nothing more can be said.
pub(super) fn judge(case: &Case<'_>, closing: &Closing, doubt: Doubt) -> Verdict {
    case.verdict(Finding::Unproven(doubt), Certainty::Possible, closing)
}
