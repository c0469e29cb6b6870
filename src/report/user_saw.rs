//! What the user behind an attempt that failed saw of it.

use super::model::FailureRecord;
use crate::verdict::Cause;

/// From here on a status is an error of the proxy or the backend.
const ERROR: u16 = 500;
/// What nginx, and proxies after it, log where the client closed first.
const CLIENT_CLOSED: u16 = 499;

/// What a user saw, as far as the log, the front leg or packets to the backend show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UserSaw {
    /// A status that speaks of the failure.
    Status(u16),
    /// No answer at all.
    Nothing,
    /// A response that began well, and was cut short.
    Cut(u16),
    /// Nothing, for the client had left.
    Left,
    /// A good answer: the proxy had sent the request again.
    Hidden(u16),
    /// A good answer, most likely: packets to the backend show the request again, with this status.
    SentAgain(u16),
    /// Not known.
    Unknown,
}

impl FailureRecord {
    /// What its user saw.
    pub fn user_saw(&self) -> UserSaw {
        let again = self.sent_again.and_then(|again| again.status).filter(|one| *one < ERROR);
        let Some(client) = &self.client else {
            return again.map_or(UserSaw::Unknown, UserSaw::SentAgain);
        };
        let retried = client.retried || again.is_some();
        match (client.status, self.cause) {
            (Some(CLIENT_CLOSED), _) => UserSaw::Left,
            (_, Cause::ClientGone) if !retried => UserSaw::Left,
            (None, _) => UserSaw::Nothing,
            (Some(status), _) if status >= ERROR => UserSaw::Status(status),
            (Some(status), _) if retried => UserSaw::Hidden(status),
            // The proxy had passed on the beginning, with its status.
            (Some(status), Cause::TruncatedResponse | Cause::Stalled) => UserSaw::Cut(status),
            // What the backend answered went through.
            (
                Some(status),
                Cause::UploadCutShort | Cause::InvalidResponse | Cause::BackendError,
            ) => UserSaw::Status(status),
            // No such attempt has an answer of its own: another one, that was not captured, gave it.
            (Some(status), _) => UserSaw::Hidden(status),
        }
    }
}
