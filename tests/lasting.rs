//! What is said while frames come: what was proven stays, and the last word on each failure is that of the
//! whole, whether somebody watched or all was read at once.

use crate::captures::captures;
use crate::conversations::SCENARIOS;
use crate::scenarios::{ISNS, played};
use crate::wire::pcap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::time::Duration;
use why502::inside::analysis::{self, Analysis, Settings};
use why502::inside::base::time::Timestamp;
use why502::inside::input::{Block, CaptureFacts, Fill, Savefile, Source};
use why502::inside::report::Report;
use why502::inside::report::records::{Record, RevisionRecord};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Failures as they were told, each by its last word; checks that what was proven stayed.
#[derive(Default)]
struct LastWords {
    words: BTreeMap<String, Value>,
    revised: u32,
}

impl LastWords {
    fn take(&mut self, record: Record, what: &str) {
        match record {
            Record::Failure(failure) => {
                let told = self.words.insert(failure.id.clone(), json(&failure));
                assert!(told.is_none(), "{what}: told twice: {told:?}");
            }
            Record::Revision(changed) => self.revise(&changed, what),
            Record::Exchange(_)
            | Record::Connection(_)
            | Record::Loss(_)
            | Record::Heartbeat(_)
            | Record::Summary(_) => {}
        }
    }

    fn revise(&mut self, revision: &RevisionRecord, what: &str) {
        self.revised += 1;
        let RevisionRecord { id, changed, .. } = revision;
        if revision.retracted {
            let told = self.words.remove(id).unwrap();
            assert_ne!(told["certainty"], "proven", "{what}: {told}");
            return;
        }
        let told = self.words.get_mut(id).unwrap();
        let proven = told["certainty"] == "proven";
        for (name, value) in changed {
            let kept = name != "cause" && name != "certainty" || !proven;
            assert!(kept, "{what}: {name} was {}, is {value}: {told}", told[name]);
            told[name] = value.clone();
        }
    }

    fn check(&self, report: &Report, what: &str) {
        let whole: BTreeMap<String, Value> =
            report.failures.iter().map(|failure| (failure.id.clone(), json(failure))).collect();
        assert_same(&self.words, &whole, what);
    }
}

fn json(failure: &why502::inside::report::FailureRecord) -> Value {
    serde_json::to_value(failure).unwrap()
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.records.failures = true;
    settings.records.revisions = true;
    settings
}

/// All is read at once.
fn read(mut capture: Savefile, what: &str) -> (LastWords, Report) {
    let mut said = LastWords::default();
    let report = analysis::analyze(std::slice::from_mut(&mut capture), settings(), &mut |record| {
        said.take(record, what);
    });
    let report = report.unwrap();
    said.check(&report, what);
    (said, report)
}

/// Somebody watches: time passes between frames, and each second it is looked what was learned.
fn watch(capture: Savefile, what: &str) -> (LastWords, Report) {
    let mut said = LastWords::default();
    let report = watched(capture, settings(), &mut |record| said.take(record, what));
    said.check(&report, what);
    (said, report)
}

/// Plays a capture to a watch.
pub fn watched(
    mut capture: Savefile,
    mut settings: Settings,
    said: &mut dyn FnMut(Record),
) -> Report {
    settings.records.failures = true;
    settings.records.revisions = true;
    settings.flow.settle = MS(350);
    settings.flow.quiet = Some(MS(550));
    settings.flow.closing = Duration::from_secs(120);
    settings.flow.opening = Duration::from_secs(70);
    settings.flow.first_syn_wait = Some(MS(3_200));
    settings.flow.end_when_judged = true;
    let mut analysis = Analysis::new(settings);
    let mut block = Block::default();
    let (mut now, mut looked) = (Timestamp::default(), Timestamp::default());
    loop {
        if capture.fill(&mut block).unwrap() == Fill::End {
            break;
        }
        for frame in block.frames(0..block.len()) {
            let at = frame.reference.at;
            if now == Timestamp::default() {
                // Who watches mostly waits for something to happen.
                let before = at.as_nanos().saturating_sub(5_000_000_000);
                analysis.tick(Timestamp::from_nanos(before), said);
            }
            // Nobody waits out a night.
            while now != Timestamp::default() && at.since(now) > MS(100) {
                now = if at.since(now) > Duration::from_secs(300) { at } else { now.plus(MS(100)) };
                analysis.tick(now, said);
            }
            now = now.max(at);
            analysis.frame(&frame, 0, said);
            analysis.tell(said);
            if now.since(looked) >= Duration::from_secs(1) {
                looked = now;
                analysis.revise(said);
            }
        }
    }
    analysis.finish(std::iter::empty::<&CaptureFacts>(), &mut [], said)
}

#[test]
fn what_was_proven_stays_and_the_last_word_is_that_of_the_whole() {
    let mut revised = 0;
    for capture in captures() {
        let what = capture.display().to_string();
        let open = || Savefile::open(&capture, 0).unwrap();
        let (told, _) = read(open(), &what);
        let (watched, _) = watch(open(), &what);
        assert_same(&watched.words, &told.words, &format!("{what}, watched"));
        revised += told.revised + watched.revised;
    }
    assert!(revised > 100, "{revised}");
}

#[test]
fn a_watch_says_of_each_conversation_what_is_said_of_it_as_a_whole() {
    for scenario in SCENARIOS {
        for isns in [ISNS[0], ISNS[4]] {
            let file = pcap(&played(scenario, isns));
            let what = scenario.name;
            let open = || {
                let file = Cursor::new(file.clone());
                Savefile::from_reader(Box::new(file), what.to_owned(), 0).unwrap()
            };
            let (told, _) = read(open(), what);
            let (watched, _) = watch(open(), what);
            assert_same(&watched.words, &told.words, &format!("{what}, watched"));
        }
    }
}

/// The same failures, and of each the same in every field.
fn assert_same(said: &BTreeMap<String, Value>, whole: &BTreeMap<String, Value>, what: &str) {
    let ids = |words: &BTreeMap<String, Value>| words.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(said), ids(whole), "{what}: {said:?} {whole:?}");
    for (id, whole) in whole {
        for (name, value) in whole.as_object().unwrap() {
            assert_eq!(&said[id][name], value, "{what}: {name} of {id}");
        }
    }
}
