//! why502 reads the packets between a reverse proxy and its backends and proves, for each failed
//! request, what happened.
//!
//! Data moves one way, one verb a room:
//!
//! ```text
//! input ──fill──▶ packet ──decode──▶ flow ──push──▶ exchange ──on──▶ verdict ──judge──▶ report ──▶ render
//! frames          segments           connections    requests and     causes             values     text, json
//!                                                   responses
//! ```
//!
//! A room imports only rooms that stand below it here (`tests/layers.rs` holds that):
//!
//! ```text
//! run        one command each
//! live       watching interfaces instead of reading captures
//! cli        what is typed, the configuration file, where the answer goes, progress
//! evidence   frames that are kept in files
//! analysis   the only place where all of them meet, and reading logs
//! render     one file a format: text, JSON, the pages on causes and timeouts
//! report     the model that every format renders, and its making
//! words      what people read: sentences, and a page on each cause
//! join       lines of a log, and the front leg, joined with exchanges
//! topology   who is proxy, who backend, which requests became which
//! ledger     the books per listener: counts, and the failures
//! verdict    why an exchange or a connect failed: pure functions of facts
//! knowledge  what is known of a backend: idle gaps, timers, how its connections end, what was told of it
//! facts      what is known of one attempt: who closed, what the kernel says    | ebpf  the kernel's own programs
//! exchange   each side's bytes become requests and responses, paired
//! streams    TLS by its records, and text of it that somebody else has
//! flow       segments become connections: positions, causal order, gaps       | input  captures and logs: it alone reads files
//! alone      what a log alone can prove: rows of all requests, and findings
//! packet     one frame becomes a borrowed TCP segment: no state, no allocation | logs  a line of a proxy's log becomes an entry
//! base       time, digests, wrapping, escaping, what is secret                 | timeouts  known proxies and servers, as data
//! ```
//!
//! The rooms from `packet` to `words` are pure: no clock, thread, file or environment; time comes with
//! the frames. Everything that they keep is bounded, and reaching a bound is counted and shown.
//!
//! # As a library
//!
//! What is public is what stands below; the rooms are private.
//!
//! ```
//! use why502::{Savefile, Settings, analyze};
//!
//! let path = "captures/keepalive-race-nginx-node/proxy-side.pcap";
//! let capture = Savefile::open(path.as_ref(), 0)?;
//! let report = analyze(&mut [capture], Settings::default(), &mut |_| {})?;
//! assert_eq!(report.headline().text(), "Keep-alive race: 4 of 10 requests failed.");
//! for failure in &report.failures {
//!     println!("{}: {}", failure.cause.name(), failure.summary);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Without the watch nobody uses what only a watch needs; what nobody uses at all shows with it.
#![cfg_attr(not(all(feature = "ebpf", target_os = "linux")), allow(dead_code, unused_imports))]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod alone;
mod analysis;
mod base;
mod cli;
#[cfg(all(feature = "ebpf", target_os = "linux"))]
mod ebpf;
#[cfg(not(all(feature = "ebpf", target_os = "linux")))]
#[path = "ebpf/disabled.rs"]
mod ebpf;
mod evidence;
mod exchange;
mod facts;
mod flow;
mod input;
mod join;
mod knowledge;
mod ledger;
#[cfg(all(feature = "live", target_os = "linux"))]
mod live;
#[cfg(not(all(feature = "live", target_os = "linux")))]
#[path = "live/disabled.rs"]
mod live;
mod logs;
mod packet;
mod render;
mod report;
mod run;
mod streams;
mod timeouts;
mod topology;
mod verdict;
mod words;

pub use analysis::{Analysis, RecordOptions, RecordSink, Settings, analyze};
pub use base::time::Timestamp;
pub use input::{Savefile, Source, SourceError};
pub use packet::Endpoint;
pub use render::json::write as write_json;
pub use render::text::{Detail, TextLayout, write as write_text};
pub use report::records::Record;
pub use report::{AnalysisOutcome, BackendRecord, FailureRecord, Headline, Report};
pub use run::main;
pub use verdict::{Cause, Certainty, Retry};

/// Rooms as the project's own tests and benchmarks see them: no part of the library's face, and free to
/// change.
#[doc(hidden)]
#[allow(missing_docs)]
pub mod inside {
    pub mod alone {
        pub use crate::alone::{LogFinding, LogFindingKind, LoggedEvent, LoggedRequests, findings};
    }
    pub mod analysis {
        pub use crate::analysis::{
            Analysis, Host, RecordOptions, Settings, analyze, analyze_with_logs,
        };
        pub mod read_log {
            pub use crate::analysis::read_log::read;
        }
    }
    pub mod base {
        pub mod time {
            pub use crate::base::time::Timestamp;
        }
    }
    pub mod ebpf {
        pub use crate::ebpf::{HookOptions, Segments, Sockets};
    }
    pub mod evidence {
        pub use crate::evidence::{EvidenceFiles, Keeper, Recording, Rotation, Troubles};
    }
    pub mod exchange {
        pub use crate::exchange::{Output, Prober, Reader, ServerKind};
    }
    pub mod facts {
        pub use crate::facts::KeptAttempt;
        pub mod attempt {
            pub use crate::facts::attempt::{ClientFacts, ClientLeft, LoggedLeft};
        }
        pub mod closing {
            pub use crate::facts::closing::{CloseKind, Closer, Received};
        }
        pub mod kernel {
            pub use crate::facts::kernel::{
                Closed, End, Ends, How, Process, Queue, Reset, ResetReason,
            };
        }
        pub mod listening {
            pub use crate::facts::listening::Listening;
        }
    }
    pub mod flow {
        pub use crate::flow::{
            Connection, Limits, Side, Start, StreamEvent, StreamPos, StreamReader, Table,
        };
    }
    pub mod input {
        pub use crate::input::{
            Block, CaptureFacts, CaptureFormat, Fill, Filter, Savefile, Source, SourceError, Text,
        };
    }
    pub mod join {
        pub use crate::join::{Answer, Lines, Missing};
    }
    pub mod knowledge {
        pub use crate::knowledge::{Ahead, Knowledge, Setting, SettingOrigin, Timeouts};
        pub mod idle_gaps {
            pub use crate::knowledge::idle_gaps::Ordering;
        }
        pub mod timers {
            pub use crate::knowledge::timers::Timer;
        }
    }
    pub mod logs {
        pub use crate::logs::{Attempt, Entry, LineRead, LogReader, Says};
    }
    pub mod ledger {
        pub use crate::ledger::{EventKind, LedgerLimits, What};
    }
    pub mod packet {
        pub use crate::packet::{
            Endpoint, Flags, Frame, FrameRef, LinkType, Scaling, Segment, SeqNum, Skip, decode,
        };
    }
    pub mod render {
        pub mod explain {
            pub use crate::render::explain::{SECTIONS, certain, find, happened, write};
        }
        pub mod json {
            pub use crate::render::json::write;
        }
        pub mod text {
            pub use crate::render::text::{Detail, TextLayout, write};
        }
        pub mod timeouts {
            pub use crate::render::timeouts::{contents, page};
        }
    }
    pub mod report {
        pub use crate::report::{
            AnalysisOutcome, Bound, ClientsSource, EvidenceKind, EvidenceRecord, EvidenceSide,
            FailureRecord, Named, Report, Skipped,
        };
        pub mod records {
            pub use crate::report::records::{Record, RevisionRecord};
        }
    }
    pub mod streams {
        pub mod tls {
            pub use crate::streams::tls::{
                AlertFact, AlertSeen, Carried, CertificateFacts, Handshake, Piece, TlsFacts,
                TlsStream, TlsVersion, alert_name, cipher_name,
            };
        }
        pub mod told {
            pub use crate::streams::told::{EarlyWords, Spoken, TextOrigin, Word};
        }
    }
    pub mod timeouts {
        pub use crate::timeouts::{Limit, Product, ProductSide, all, by_id};
        pub mod observed {
            pub use crate::timeouts::observed::Observed;
        }
    }
    pub mod topology {
        pub mod vantage {
            pub use crate::topology::vantage::Vantage;
        }
    }
    pub mod verdict {
        pub use crate::verdict::{Cause, Certainty, Doubt, Drop, Fate, Retry, Verdict, judge};
    }
    pub mod words {
        pub use crate::words::{drawing, words};
    }
}
