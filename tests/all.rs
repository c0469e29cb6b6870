//! The tests, from the outside: through the library's public interface and the program itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    unreachable_pub
)]

/// Runs the program.
mod program;
/// Reads the sources: what stands in each file, and what it takes of others.
mod source_tree;
/// Makes conversations and captures.
mod wire;

/// Conversations, and the verdict on each.
mod conversations;

/// Logs of real proxies, joined.
mod access_logs;
/// What a log alone can prove, in simulated logs.
mod alone;
/// What a backend answers.
mod answers;
/// What is believed of TCP, and of whom.
mod believed;
/// Captures kept in `captures/` give the answers kept beside them.
mod captures;
/// How sure a cause is, whether a retry is safe, and what is no event: never more than the frames show.
mod certainty;
/// The program as a person or a script meets it: output, exit codes, errors.
mod cli;
/// What clients got, and what explains it.
mod clients;
/// Closes: whose they are, and what they say.
mod closes;
/// What comments begin with.
mod comments;
/// What is told of backends and proxies.
mod configured;
/// Connects that fail, and those that only seem to.
mod connects;
/// Heads that the snap length cut.
mod cut_heads;
/// What damaged captures are said to show, held against the whole.
mod damaged;
/// Databases and caches whose clients keep pools of connections.
mod databases;
/// What the way dropped, and what only looks so.
mod dropped;
/// What many connections show together.
mod early;
mod events;
/// The pages on the causes, and the README's table of them.
mod explain;
/// Captures read through a filter.
#[cfg(feature = "live")]
mod filter;
/// The first sentence, and the exit status.
mod first_sentence;
/// What to change, as scripts read it.
mod fixes;
/// Nothing in a capture makes the program panic, hang or grow.
mod hostile;
/// The page beside the answer.
mod html;
/// Files and pipes as they are given: silent, endless, stopped, the same twice, of different times.
mod inputs;
/// What the kernel says of a connection's ends, and what is made of it.
mod kernel_facts;
/// Who may import whom.
mod lasting;
mod layers;
/// The front leg and the backend leg.
mod legs;
/// One name, two addresses.
mod localhost;
/// Lines and conversations, joined or not.
mod log_joins;
/// What is said of each line, in every format.
mod log_lines;
/// Joins logs of real proxies with captures.
#[allow(dead_code)] // What counts over many cases is of use in the other binary of tests alone.
mod logs;
/// What a missing frame must cost.
mod losses;
/// Frames that a watch itself lost.
mod lost_frames;
/// What the program keeps, and that it is bounded.
#[cfg(target_os = "linux")]
mod memory;
/// The changes by which the tests are tried.
mod mutants;
/// What limits the answer.
mod notes;
/// What the laboratory saw is what the README and `timeouts` say.
mod observed;
mod one_failure;
mod one_judge;
/// Requests that nobody answers and no close ends.
mod outstanding;
/// What must hold however network and capture treat a conversation.
mod properties;
/// HTTP is recognised for what it is.
mod recognised;
/// Conversations and the verdicts on them, whole, damaged and from odd sequence numbers.
mod scenarios;
/// The answer fits one screen, and one failure has its ladder.
mod screen;
/// Nothing secret is shown, or kept.
mod secrets;
/// Files and functions that can be read at once, and names that stand for one thing.
mod sent_again;
mod sizes;
/// Containers and link types.
mod sources;
/// Probes that want the status alone.
mod status_alone;
/// What users told, from real captures, and what they read first.
mod stories;
/// The fields of the report that sum up the others.
mod summed_up;
/// What passed on a failed connection.
mod timelines;
/// The known timeouts, as data and as pages.
mod timeouts;
/// Which closes and waits show a timeout.
mod timers;
/// Follows the TLS of a capture's connections.
mod tls_follow;
/// Handshakes of real proxies and backends.
mod tls_handshakes;
/// What TLS records are for.
mod tls_records;
/// Conversations sealed by TLS, and told.
mod tls_text;
/// Captures of container hosts, nodes, pods and busy machines.
mod topologies;
/// The same captures with a frame missing.
mod topology_losses;
/// Connections before and after address translation.
mod translated;
/// What is framed by whose turn it is.
mod turns;
/// Answers that do not arrive.
mod vanished;
/// Captures given together.
mod vantages;
/// The same captures as a watch sees them.
mod watched;
/// Lists of all of something.
mod whole_lists;
/// What a person reads of a failure.
mod words;
/// Times in the reader's zone.
mod zones;
