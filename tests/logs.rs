//! Logs of real proxies, joined with captures by the program and held against the truth: which exchange
//! each error line is of. The ids in the targets tell that; with all ids made alike, in the log and in the
//! capture, port, target and time have to find it.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

/// How many error lines were told what, and how many of these wrongly.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub errors: u64,
    pub on_leg: u64,
    /// Of `on_leg`, those of which truth knows the exchange, and it is that one.
    pub right: u64,
    pub ambiguous: u64,
    pub not_on_leg: u64,
    pub not_in_capture: u64,
    pub reasons: BTreeMap<String, u64>,
    pub by: BTreeMap<String, u64>,
    pub wrong: Vec<String>,
}

impl Figures {
    pub fn add(&mut self, other: Self) {
        self.errors += other.errors;
        self.on_leg += other.on_leg;
        self.right += other.right;
        self.ambiguous += other.ambiguous;
        self.not_on_leg += other.not_on_leg;
        self.not_in_capture += other.not_in_capture;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        for (by, count) in other.by {
            *self.by.entry(by).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }
}

/// One request, as it is known to have been.
pub struct Known {
    pub id: String,
    pub sent: f64,
    pub latency: f64,
    /// Frames in which it was sent to a backend.
    pub frames: BTreeSet<u64>,
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What `truth.json` of the laboratory, or the short one beside the samples, says.
pub fn known(truth: &Value, at_backend: bool) -> Vec<Known> {
    let requests = truth["requests"].as_array().unwrap().iter();
    requests
        .map(|request| Known {
            id: text(&request["id"]),
            sent: request["sent"].as_f64().or(request["t_client_sent"].as_f64()).unwrap(),
            latency: request["latency"].as_f64().or(request["latency_s"].as_f64()).unwrap_or(60.0),
            frames: request["attempts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|attempt| if at_backend { &attempt["backend_side"] } else { attempt })
                .filter_map(|attempt| attempt["frame"].as_u64())
                .collect(),
        })
        .collect()
}

/// Makes all ids alike, of the same length.
pub fn hide(bytes: &mut [u8], ids: &[Known]) {
    for known in ids {
        let id = known.id.as_bytes();
        let mut from = 0;
        while let Some(at) = bytes[from..].windows(id.len()).position(|part| part == id) {
            bytes[from + at..from + at + id.len()].fill(b'x');
            from += at + id.len();
        }
    }
}

/// A capture and a log, joined.
pub struct Join<'t> {
    pub truth: &'t Value,
    pub known: Vec<Known>,
    pub log: Vec<u8>,
    pub capture: Vec<u8>,
}

impl Join<'_> {
    pub fn run(&self, hidden: bool, options: &[&str]) -> (Value, Figures) {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, mut capture) = (self.log.clone(), self.capture.clone());
        if hidden {
            hide(&mut log, &self.known);
            hide(&mut capture, &self.known);
        }
        let paths = [folder.path().join("proxy.log"), folder.path().join("c.pcap")];
        fs::write(&paths[0], &log).unwrap();
        fs::write(&paths[1], &capture).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_why502"));
        command.args(["analyze", "--format", "json", "--backend"]);
        command.arg(text(&self.truth["backend_addr"]));
        for other in self.truth["other_backends"].as_array().into_iter().flatten() {
            command.args(["--backend", other.as_str().unwrap()]);
        }
        let output = command
            .arg("--access-log")
            .arg(&paths[0])
            .args(options)
            .arg(&paths[1])
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let figures = self.figures(&report);
        (report, figures)
    }

    fn figures(&self, report: &Value) -> Figures {
        let mut figures = Figures::default();
        let lines: Vec<&[u8]> = self.log.split(|byte| *byte == b'\n').collect();
        let failures: BTreeMap<&str, &Value> = report["failures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|failure| (failure["id"].as_str().unwrap(), failure))
            .collect();
        let log = &report["log"];
        let told = [&log["joined"], &log["unmatched"]];
        for line in told.iter().flat_map(|part| part.as_array().unwrap()) {
            figures.errors += 1;
            let answer = line["answer"].as_str().unwrap();
            match answer {
                "on_leg" => figures.on_leg += 1,
                "ambiguous" => figures.ambiguous += 1,
                "not_on_leg" => figures.not_on_leg += 1,
                _ => figures.not_in_capture += 1,
            }
            if let Some(reason) = line["reason"].as_str() {
                *figures.reasons.entry(reason.to_owned()).or_default() += 1;
            }
            if let Some(by) = line["matched_by"].as_str() {
                *figures.by.entry(by.to_owned()).or_default() += 1;
            }
            let number = line["line"].as_u64().unwrap() as usize;
            let logged = lines[number - 1];
            let has = |id: &str| logged.windows(id.len()).any(|part| part == id.as_bytes());
            let Some(known) = self.known.iter().find(|known| has(&known.id)) else { continue };
            if answer == "on_leg" {
                for failure in line["failures"].as_array().unwrap() {
                    match is_of(failures[failure.as_str().unwrap()], known) {
                        true => figures.right += 1,
                        false => figures.wrong.push(format!(
                            "line {number} ({}): {}",
                            known.id,
                            failures[failure.as_str().unwrap()]["summary"]
                        )),
                    }
                }
            }
        }
        figures
    }
}

/// A failure is one of a request's: by its frame, or a connect by its time.
fn is_of(failure: &Value, known: &Known) -> bool {
    match failure["request"]["first"]["number"].as_u64() {
        Some(frame) => known.frames.contains(&frame),
        None => {
            let at = humantime::parse_rfc3339(failure["at"].as_str().unwrap()).unwrap();
            let at = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
            at >= known.sent - 0.02 && at <= known.sent + known.latency + 0.05
        }
    }
}
