//! The captures of `topologies/` as a watch sees them: what it tells stands, wherever it watches.

use crate::lasting::watched;
use crate::topologies::{cases, root};
use std::collections::BTreeMap;
use std::path::Path;
use why502::inside::analysis::Settings;
use why502::inside::input::Savefile;
use why502::inside::report::records::Record;

/// What a watch of a capture takes back.
fn wrong(capture: &Path, backends: &[String]) -> Vec<String> {
    let mut settings = Settings::default();
    settings.told.backends = backends.iter().map(|one| one.parse().unwrap()).collect();
    let (mut told, mut wrong) = (BTreeMap::new(), Vec::new());
    watched(Savefile::open(capture, 0).unwrap(), settings, &mut |record| match record {
        Record::Failure(failure) => {
            let [cause, certainty] = [failure.cause.name(), failure.certainty.name()];
            let ends = serde_json::to_value(&failure).unwrap();
            let said = format!(
                "{cause} ({certainty}) from {} to {}: {}",
                ends["proxy"], ends["backend"], ends["request"]["target"]
            );
            told.insert(failure.id.clone(), said);
        }
        Record::Revision(revision) if revision.retracted && revision.withdrawn.is_none() => {
            wrong.push(format!("taken back: {}", told[&revision.id]));
        }
        _ => {}
    });
    wrong
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
