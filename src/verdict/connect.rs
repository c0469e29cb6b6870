//! Connects that fail: `connection_refused`.

use super::{
    Cause, Certainty, Close, CloseKind, Closer, Detail, Evidence, Fate, Retry, RetryReason, Shows,
    Verdict,
};
use crate::flow::{Connection, Side, Start};

/// What became of a connection as such: refused, never answered, or established.
pub fn judge_connect(connection: &Connection) -> Fate {
    let client = connection.half(Side::Client);
    // Bytes or an acknowledgement from the client mean that it saw a SYN+ACK, captured or not.
    let established = connection.syn_ack.is_some()
        || connection.established.is_some()
        || client.next > crate::flow::StreamPos::default();
    if connection.start == Start::Midstream || established {
        return Fate::Sound;
    }
    let Some(rst) = connection.half(Side::Server).rst else {
        return Fate::Open;
    };
    let mut evidence = Vec::new();
    if let Some(syn) = connection.syn {
        evidence.push(Evidence { frame: syn, shows: Shows::Syn });
    }
    evidence.push(Evidence { frame: rst.frame, shows: Shows::Rst(Side::Server) });
    Fate::Failed(Box::new(Verdict {
        cause: Cause::ConnectionRefused,
        // The SYN may be missing from the capture; a reset of this form answers nothing else.
        certainty: if connection.syn.is_some() { Certainty::Proven } else { Certainty::Likely },
        detail: Detail::Connect { syns: connection.syns },
        close: Some(Close {
            by: Closer::Backend,
            kind: CloseKind::Rst,
            frame: rst.frame,
            received: None,
        }),
        retry: Retry::Safe,
        retry_reason: RetryReason::NothingSent,
        idle_gap: None,
        wait: connection.syn.map(|syn| rst.frame.at.since(syn.at)),
        evidence,
    }))
}
