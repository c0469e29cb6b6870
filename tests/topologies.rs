//! Where people really capture: container hosts, Kubernetes nodes, pods with sidecars, single machines, taps,
//! busy hosts. A connection shows there several times, under several addresses, or by halves; and whatever
//! shows how often, each failed attempt is told once, and nobody else's.
//!
//! The cases are in `topologies/`, with their truth; `topologies/README.md` says what they are.

use crate::program::{stderr, stdout, why502};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A case: traffic through real proxies, the captures of it, and the truth.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(skip)]
    pub name: String,
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "made")]
    _made: String,
    pub leg: Vec<String>,
    #[serde(default)]
    beside: Vec<String>,
    pub captures: Vec<Capture>,
    #[serde(default)]
    together: Vec<Vec<String>>,
    requests: Vec<Asked>,
    pub failed: Vec<Lost>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    pub file: String,
    #[serde(rename = "taken")]
    _taken: String,
    #[serde(default)]
    front: bool,
    #[serde(default = "yes")]
    leg: bool,
    tunnel: Option<String>,
    #[serde(default)]
    cut: bool,
    #[serde(default = "yes")]
    heads: bool,
    #[serde(default)]
    undecidable: Vec<String>,
    #[serde(default)]
    unread: Vec<String>,
}

/// A client's request, and what came back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    id: String,
    #[serde(rename = "method")]
    _method: String,
    #[serde(rename = "target")]
    _target: String,
    status: Option<u16>,
    error: Option<String>,
}

/// An attempt at a backend that failed: a connect where there is no id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    cause: String,
    id: Option<String>,
    pub proxy: String,
    #[serde(rename = "backend")]
    _backend: String,
    #[serde(default)]
    hidden_by_retry: bool,
    #[serde(default)]
    pub optional: bool,
    #[serde(rename = "in")]
    shown_in: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

/// What can be wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Wrong {
    /// A failed attempt that is not told.
    Missed,
    /// One that is told with another cause.
    OtherCause,
    /// One that is told again.
    Twice,
    /// A failure that nobody had.
    Invented,
    /// A call that is no proxy's, told as one.
    Beside,
    /// A failure told of an address that is not the backend's.
    Address,
    /// Clients' requests and errors, by number.
    Clients,
    /// Failures that a retry hid from clients, by number.
    Hidden,
    /// Attempts, and those that failed, by number.
    Attempts,
    /// Something is said not to be read though it was, or is no backend's.
    Unread,
    /// Nothing says that something was not read.
    Silent,
}

/// Whether the program is told which listeners are backends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Hints {
    None,
    Backends,
}

impl Hints {
    const ALL: &[Self] = &[Self::None, Self::Backends];
}

use Hints::Backends;
use Wrong::{
    Address, Attempts, Beside, Clients, Hidden, Invented, Missed, OtherCause, Silent, Twice, Unread,
};

/// What is wrong today: the case, the captures, the hints, what, and why. A row goes when it no longer
/// applies.
type Open =
    (&'static str, &'static [&'static str], &'static [Hints], &'static [Wrong], &'static str);

const NOT_YET: &[Open] = &[
    (
        "04a-sidecar-inbound",
        &["any-pod-b.pcap"],
        &[Backends],
        &[Clients],
        "the sidecar of the client's pod gave up first: here its request got no answer",
    ),
    (
        "04a-sidecar-inbound",
        &["any-pod-b.pcap"],
        &[Hints::None],
        &[Clients],
        "the sidecar of the client's pod gave up first: here its request got no answer",
    ),
];

/// A truncated answer counts as one that a retry hid from its client. False as soon as it does not.
const TRUNCATED_IS_HIDDEN: bool = false;

const CONNECTS: [&str; 3] = ["connection_refused", "connect_timeout", "unreachable"];

/// What a proxy passes on: who sees nothing but its front sees these.
const PASSED_ON: [&str; 4] = ["backend_error", "truncated_response", "response_timeout", "stalled"];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/topologies")
}

pub fn cases() -> Vec<Case> {
    let folders = fs::read_dir(root()).unwrap().map(|folder| folder.unwrap().path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    let read = |folder: &PathBuf| {
        let text = fs::read_to_string(folder.join("case.json")).unwrap();
        let case: Case = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        Case { name: folder.file_name().unwrap().to_str().unwrap().to_owned(), ..case }
    };
    let cases: Vec<Case> = folders.iter().map(read).collect();
    assert!(cases.len() > 30, "{}", cases.len());
    cases
}

pub fn port(end: &str) -> &str {
    end.rsplit(':').next().unwrap()
}

/// The id in a failure's target.
fn id_of(failure: &Value) -> Option<&str> {
    let (_, query) = failure["request"]["target"].as_str()?.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("id="))
}

fn text<'v>(failure: &'v Value, field: &str) -> &'v str {
    failure[field].as_str().unwrap_or_default()
}

/// Captures that are given at once, and what is true of them.
struct Given<'c> {
    case: &'c Case,
    captures: Vec<&'c Capture>,
}

impl<'c> Given<'c> {
    /// All that a case has: each capture alone, and those that are to be given together.
    fn all(case: &'c Case) -> Vec<Self> {
        let alone = case.captures.iter().map(|capture| vec![capture]);
        let together = case.together.iter().map(|files| {
            let find =
                |file: &String| case.captures.iter().find(|capture| capture.file == *file).unwrap();
            files.iter().map(find).collect()
        });
        alone.chain(together).map(|captures| Self { case, captures }).collect()
    }

    fn name(&self) -> String {
        let files: Vec<&str> = self.captures.iter().map(|capture| capture.file.as_str()).collect();
        files.join("+")
    }

    fn any(&self, is: impl Fn(&Capture) -> bool) -> bool {
        self.captures.iter().any(|capture| is(capture))
    }

    fn report(&self, hints: Hints) -> Value {
        let mut command = why502(&["analyze", "--format", "json", "--exit-zero"]);
        if hints == Backends {
            command.args(self.case.leg.iter().flat_map(|listener| ["--backend", listener]));
        }
        let folder = root().join(&self.case.name);
        let output = command
            .args(self.captures.iter().map(|capture| folder.join(&capture.file)))
            .output()
            .unwrap();
        let report: Value = serde_json::from_str(&stdout(&output)).unwrap_or_default();
        assert!(report["failures"].is_array(), "{}: {}", self.name(), stderr(&output));
        report
    }

    /// The failed attempts that these captures show, and whether silence on them is right, too.
    fn lost(&self) -> Vec<(&'c Lost, bool)> {
        let shown = |lost: &&Lost| {
            let shown =
                |file: &String| lost.shown_in.as_ref().is_none_or(|shown| shown.contains(file));
            self.any(|capture| capture.leg && shown(&capture.file))
        };
        let may_miss = |lost: &Lost| {
            lost.optional || self.any(|capture| capture.undecidable.contains(&lost.cause))
        };
        self.case.failed.iter().filter(shown).map(|lost| (lost, may_miss(lost))).collect()
    }

    /// Requests that the backend answered well.
    fn sound(&self) -> usize {
        let sound = |asked: &&Asked| {
            asked.error.is_none() && asked.status.is_some_and(|status| status < 500)
        };
        self.case.requests.iter().filter(sound).count()
    }

    fn is_address_of_leg(&self, failure: &Value) -> bool {
        let aliases = failure["aliases"].as_array().into_iter().flatten();
        let aliases = aliases.map(|ends| text(ends, "backend"));
        let mut told = aliases.chain([text(failure, "backend")]);
        told.any(|told| self.case.leg.iter().any(|listener| listener == told))
    }

    /// Holds the failures against the truth.
    fn failures(&self, report: &Value, wrong: &mut Found) {
        let mut told: Vec<&Value> = report["failures"].as_array().unwrap().iter().collect();
        let mut open = self.lost();
        for closeness in [Closeness::SameEnds, Closeness::SameCause, Closeness::Same] {
            open.retain(|(lost, _)| {
                let Some(at) = told.iter().position(|failure| fits(lost, failure, closeness))
                else {
                    return true;
                };
                let failure = told.remove(at);
                if closeness == Closeness::Same {
                    wrong.add(OtherCause, format!("{} became {}", said(lost), told_as(failure)));
                }
                if !self.is_address_of_leg(failure) {
                    wrong.add(Address, told_as(failure));
                }
                false
            });
        }
        for (lost, may_miss) in &open {
            if !may_miss {
                wrong.add(Missed, said(lost));
            }
        }
        let mut passed_on = BTreeSet::new();
        for failure in told {
            let leg = self.any(|capture| capture.leg);
            let passed = PASSED_ON.contains(&text(failure, "cause"));
            let broken = |asked: &&Asked| {
                asked.error.is_some() || asked.status.is_none_or(|status| status >= 500)
            };
            let id = id_of(failure)
                .filter(|id| self.case.requests.iter().filter(broken).any(|asked| asked.id == *id));
            if let Some(id) = id.filter(|_| !leg && passed) {
                if !passed_on.insert(id) {
                    wrong.add(Twice, told_as(failure));
                }
                continue;
            }
            wrong.add(self.kind_of_false(failure), told_as(failure));
        }
    }

    fn kind_of_false(&self, failure: &Value) -> Wrong {
        let lost = self.lost();
        let connect = CONNECTS.contains(&text(failure, "cause"));
        let again = lost.iter().any(|(lost, _)| match &lost.id {
            Some(id) => id_of(failure) == Some(id),
            None => connect && port(&lost.proxy) == port(text(failure, "proxy")),
        });
        if again {
            Twice
        } else if self.case.beside.iter().any(|listener| listener == text(failure, "backend")) {
            Beside
        } else {
            Invented
        }
    }

    /// Holds what is counted against the truth.
    fn counts(&self, report: &Value, hints: Hints, wrong: &mut Found) {
        self.clients(report, wrong);
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let judged = &report["judged"];
        let attempts = number(&judged["exchanges"]) - number(&judged["probes"]);
        let connects = number(&judged["connects"]);
        let failed = number(&report["counters"]["exchanges_failed"]);
        let lost = self.lost();
        let some = |connect: bool, surely: bool| {
            let counts = |(lost, may_miss): &&(&Lost, bool)| {
                lost.id.is_none() == connect && !(surely && *may_miss)
            };
            lost.iter().filter(counts).count()
        };
        let all = self.sound() + some(false, false);
        let attempts_expected = if self.any(|capture| capture.leg) {
            // Heads that are cut are counted as such.
            (if self.any(|capture| capture.cut) { some(false, true) } else { all })..=all
        } else if hints == Backends && !self.any(|capture| self.shows_a_leg_address(capture)) {
            0..=0
        } else {
            self.case.requests.len()..=self.case.requests.len()
        };
        let mut hold = |what: &str, number: usize, expected: std::ops::RangeInclusive<usize>| {
            if !expected.contains(&number) {
                wrong.add(Attempts, format!("{number} {what}, not {expected:?}"));
            }
        };
        hold("attempts", attempts, attempts_expected);
        hold("connects", connects, some(true, true)..=some(true, false));
        if self.any(|capture| capture.leg) {
            hold("failed attempts", failed, some(false, true)..=some(false, false));
        }
    }

    /// Where only a front is shown, its listener may bear an address of the leg: that of a sidecar's own
    /// listener does.
    fn shows_a_leg_address(&self, capture: &Capture) -> bool {
        !capture.leg && self.case.name.ends_with("sidecar-inbound")
    }

    fn clients(&self, report: &Value, wrong: &mut Found) {
        let clients = &report["clients"];
        if clients.is_null() {
            // Requests that only their front shows may be taken for those to a backend.
            if self.any(|capture| capture.front && capture.leg) {
                wrong.add(Clients, "none".to_owned());
            }
            return;
        }
        let mut errors: BTreeMap<String, u64> = BTreeMap::new();
        for status in self.case.requests.iter().filter_map(|asked| asked.status) {
            if status >= 500 {
                *errors.entry(status.to_string()).or_default() += 1;
            }
        }
        let all = self.case.requests.len();
        let told: BTreeMap<String, u64> =
            serde_json::from_value(clients["errors"].clone()).unwrap();
        if clients["requests"] != all || told != errors || clients["unexplained"] != 0 {
            wrong.add(Clients, format!("{clients}, not {all}, {errors:?}"));
        }
        let headline = text(&report["answer"], "headline");
        let failed: u64 = errors.values().sum();
        let expected = if failed == 0 {
            format!("No failure among {all} client requests")
        } else {
            format!("{failed} of {all} client requests failed")
        };
        if !headline.contains(&expected) {
            wrong.add(Clients, format!("{headline:?}, not {expected:?}"));
        }
        let lost: Vec<&Lost> =
            self.lost().iter().map(|(lost, _)| *lost).filter(|lost| lost.hidden_by_retry).collect();
        let requests: BTreeSet<&String> = lost.iter().filter_map(|lost| lost.id.as_ref()).collect();
        // A request may be said to have had a failed attempt where a connect failed for it.
        let connects = lost.iter().filter(|lost| lost.id.is_none()).count();
        let hidden = clients["hidden_by_retry"].as_u64().unwrap() as usize;
        let broken = |asked: &&Asked| asked.error.is_some();
        let truncated = self.case.requests.iter().filter(broken).count();
        let sure = if self.any(|capture| capture.cut) { 0 } else { requests.len() };
        let most = requests.len() + connects;
        wrong.1 |= hidden > most;
        if !(sure..=most + if TRUNCATED_IS_HIDDEN { truncated } else { 0 }).contains(&hidden) {
            wrong.add(Hidden, format!("{hidden} by a retry, not {}", requests.len()));
        }
    }

    /// What is in a tunnel, or cut before it shows what it is, is told as unread, and nothing else is.
    fn unread(&self, report: &Value, wrong: &mut Found) {
        let unread = report["unread"].as_array().unwrap();
        let says = |what: &str| unread.iter().any(|unread| unread["what"] == what);
        let notes = report["notes"].as_array().unwrap();
        let notes_that = |code: &str, word: &str| {
            let mut notes = notes.iter().filter(|note| note["code"] == code);
            notes.any(|note| text(note, "text").to_lowercase().contains(word))
        };
        for capture in &self.captures {
            let tunnel = capture.tunnel.as_ref();
            if tunnel.is_some_and(|kind| !says(kind) && !notes_that("tunnels_skipped", kind)) {
                wrong.add(Silent, format!("{tunnel:?}"));
            }
            if capture.cut && !says("heads_cut") && !notes_that("heads_cut", "") && !capture.heads {
                wrong.add(Silent, "heads are cut".to_owned());
            }
        }
        let headline = text(&report["answer"], "headline");
        let hidden = self.any(|capture| capture.tunnel.is_some() || !capture.heads);
        if hidden && headline.starts_with("No failure") {
            wrong.add(Silent, headline.to_owned());
        }
        let known = |what: &str| {
            let cut = self.any(|capture| capture.cut) && what == "heads_cut";
            let in_tunnel = self.any(|capture| capture.tunnel.as_deref() == Some(what));
            cut || in_tunnel || self.any(|one| one.unread.iter().any(|unread| unread == what))
        };
        for entry in unread.iter().filter(|entry| !known(text(entry, "what"))) {
            wrong.add(Unread, format!("{} of {}", entry["what"], entry["backend"]));
        }
    }

    /// All that is wrong with an answer.
    fn wrong(&self, hints: Hints) -> Found {
        let report = self.report(hints);
        let mut wrong = Found::default();
        self.unread(&report, &mut wrong);
        if self.any(|capture| capture.tunnel.is_some() || !capture.heads) {
            // What is told all the same has to be right.
            let mut told = Found::default();
            self.failures(&report, &mut told);
            wrong.0.extend(told.0.into_iter().filter(|(kind, _)| *kind != Missed));
        } else {
            self.failures(&report, &mut wrong);
            self.counts(&report, hints, &mut wrong);
        }
        wrong
    }
}

/// What is wrong, each with a word on it; and whether truncated answers count as hidden.
#[derive(Default)]
struct Found(Vec<(Wrong, String)>, bool);

impl Found {
    fn add(&mut self, wrong: Wrong, what: String) {
        self.0.push((wrong, what));
    }
}

/// How near a failure that is told comes to an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closeness {
    /// The attempt with its cause, from the proxy's port.
    SameEnds,
    /// The attempt with its cause; the proxy's port may be a translated one.
    SameCause,
    /// The attempt.
    Same,
}

fn fits(lost: &Lost, failure: &Value, closeness: Closeness) -> bool {
    let cause = text(failure, "cause");
    let right = match lost.cause.as_str() {
        // Packets show the reset; where it came from is a race.
        "reset_in_flight_unread" => ["reset_in_flight", "keepalive_race"].contains(&cause),
        one => cause == one,
    };
    let same_port = port(&lost.proxy) == port(text(failure, "proxy"));
    let same = match (&lost.id, id_of(failure)) {
        (Some(own), Some(told)) => own == told,
        (Some(_), None) => same_port && !CONNECTS.contains(&cause),
        (None, Some(_)) => false,
        (None, None) => match closeness {
            Closeness::Same => same_port && (CONNECTS.contains(&cause) || cause == "unproven"),
            Closeness::SameEnds | Closeness::SameCause => true,
        },
    };
    match closeness {
        Closeness::SameEnds => same && right && same_port,
        Closeness::SameCause => same && right,
        Closeness::Same => same,
    }
}

fn said(lost: &Lost) -> String {
    format!("{} {} from {}", lost.cause, lost.id.as_deref().unwrap_or("-"), lost.proxy)
}

fn told_as(failure: &Value) -> String {
    let [cause, certainty] = ["cause", "certainty"].map(|field| text(failure, field));
    let [proxy, backend] = ["proxy", "backend"].map(|field| text(failure, field));
    let id = id_of(failure).unwrap_or("-");
    format!("{cause} ({certainty}) {id} from {proxy} to {backend}")
}

/// Whether a row of what is open is about this answer.
fn is_about(open: &Open, given: &Given<'_>, hints: Hints) -> bool {
    let (case, captures, hinted, _, _) = open;
    *case == given.case.name && captures.contains(&given.name().as_str()) && hinted.contains(&hints)
}

#[test]
fn each_failed_attempt_is_told_and_counted_once_wherever_it_was_captured() {
    let (mut told, mut applied) = (String::new(), BTreeSet::new());
    let (mut right, mut all, mut hidden) = (0, 0, false);
    for case in &cases() {
        for given in Given::all(case) {
            for hints in Hints::ALL {
                let found = given.wrong(*hints);
                all += 1;
                right += usize::from(found.0.is_empty());
                hidden |= found.1;
                for (kind, what) in &found.0 {
                    let open = NOT_YET
                        .iter()
                        .position(|open| is_about(open, &given, *hints) && open.3.contains(kind));
                    if let Some(row) = open {
                        applied.insert((row, given.name(), *hints, *kind));
                    } else {
                        let name = given.name();
                        told += &format!("{}, {name}, {hints:?}: {kind:?}: {what}\n", case.name);
                    }
                }
            }
        }
    }
    eprintln!("{right} of {all} answers are right");
    for (row, (case, captures, hinted, kinds, why)) in NOT_YET.iter().enumerate() {
        assert!(!why.is_empty());
        for (capture, hints) in captures.iter().flat_map(|one| hinted.iter().map(move |h| (one, h)))
        {
            for kind in *kinds {
                if !applied.contains(&(row, (*capture).to_owned(), *hints, *kind)) {
                    told += &format!(
                        "{case}, {capture}, {hints:?}: {kind:?} no longer: take it out of NOT_YET\n"
                    );
                }
            }
        }
    }
    if hidden != TRUNCATED_IS_HIDDEN {
        told += &format!("TRUNCATED_IS_HIDDEN is {hidden} now");
    }
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn the_cases_stay_small() {
    let size = |case: &Case| -> u64 {
        let files = fs::read_dir(root().join(&case.name)).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    };
    let total: u64 = cases().iter().map(size).sum();
    assert!(total < 4 << 20, "{total} bytes");
}
