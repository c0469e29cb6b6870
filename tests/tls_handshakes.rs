//! Handshakes of real proxies and backends, recorded in `tests/tls`, say what happened.
//!
//! `tests/tls/make` makes them again; what must be read in each stands in its `case.toml`.

use crate::program::why502;
use crate::tls_follow::{Seen, read};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use why502::inside::base::time::Timestamp;
use why502::inside::flow::Side;
use why502::inside::streams::tls::{AlertFact, Carried, CertificateFacts, Handshake, Piece};

/// Where the backend of each case listens.
const BACKEND: &str = "127.0.0.1:8443";

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = folders.filter(|path| path.join("case.toml").exists()).collect();
    cases.sort();
    cases
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => number.as_str().parse::<i64>().unwrap().into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Array(list) => list.iter().map(|item| plain(item.get_ref())).collect(),
        other => panic!("{other:?}"),
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

fn alert(alert: &AlertFact) -> Value {
    let name = alert.seen.name().map_or("hidden".into(), |name| name);
    format!("{} {name}", side(alert.by)).into()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The records of one side that are text.
fn texts(seen: &Seen, from: Side) -> usize {
    let of_side = seen.pieces.iter().filter(|piece| piece.from == from && piece.begins);
    of_side.filter(|piece| matches!(piece.what, Carried::Text)).count()
}

fn date(seconds: Option<i64>) -> Option<String> {
    let nanos = u64::try_from(seconds?).ok()?.checked_mul(1_000_000_000)?;
    Timestamp::from_nanos(nanos).date_and_time().split(' ').next().map(str::to_owned)
}

/// What is read in place of what a case says of `name`.
fn value(seen: &Seen, name: &str) -> Option<Value> {
    let facts = &seen.facts;
    let leaf = facts.certificates.first();
    let of_leaf = |part: fn(&CertificateFacts) -> Option<&Box<[u8]>>| {
        leaf.and_then(part).map(|name| Value::from(text(name)))
    };
    Some(match name {
        "handshake" => match facts.handshake {
            Handshake::NotSeen => "not seen".into(),
            Handshake::Hello => "hello".into(),
            Handshake::Open => "open".into(),
            Handshake::Done => "done".into(),
        },
        "alerts" => {
            // Who says goodbye says nothing of what was wrong.
            let told = facts.alerts.iter().map(alert);
            Value::Array(told.filter(|told| !told.to_string().contains("close_notify")).collect())
        }
        "offered" => facts.offered?.to_string().into(),
        "alpn_offered" => {
            facts.alpn_offered.iter().map(|name| text(name)).collect::<Vec<_>>().into()
        }
        "subject" => of_leaf(|leaf| leaf.subject.as_ref())?,
        "issuer" => of_leaf(|leaf| leaf.issuer.as_ref())?,
        "dns" => leaf?.dns.iter().map(|name| text(name)).collect::<Vec<_>>().into(),
        "not_after" => date(leaf?.not_after)?.into(),
        "chain_in_order" => facts.chain_in_order?.into(),
        "requested" => facts.certificate_requested.into(),
        "client_certificate" => facts.client_certificate?.into(),
        "resumed" => facts.resumed?.into(),
        "first_request" => facts.first_request.is_some().into(),
        "turns" => i64::try_from(texts(seen, Side::Client)).unwrap().into(),
        "answered" if texts(seen, Side::Server) > 0 => true.into(),
        "answered" => {
            let perhaps = |piece: &Piece| piece.what == Carried::Ticket { sure: false };
            if seen.pieces.iter().any(perhaps) { "perhaps".into() } else { false.into() }
        }
        "lost" => seen.pieces.iter().any(|piece| piece.what == Carried::Lost).into(),
        other => panic!("{other}"),
    })
}

#[test]
fn real_handshakes_say_what_happened() {
    let mut differs = Vec::new();
    let mut checked = 0;
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let told = fs::read_to_string(case.join("case.toml")).unwrap();
        let told = DeTable::parse(&told).unwrap().into_inner();
        let connections = read(&case.join("capture.pcap"));
        let mut of_backend: Vec<_> = connections
            .into_iter()
            .filter(|((_, server), _)| server == BACKEND)
            .flat_map(|(_, seen)| seen)
            .collect();
        of_backend.sort_by_key(|seen| seen.facts.client_hello.map(|frame| frame.number));
        let Some(DeValue::Table(right)) = told.get("right").map(|right| right.get_ref()) else {
            assert!(of_backend.iter().all(|seen| seen.facts.client_hello.is_none()), "{name}");
            continue;
        };
        let Some(first) = of_backend.first() else {
            differs.push(format!("{name}: no connection"));
            continue;
        };
        for (field, theirs) in right {
            checked += 1;
            let theirs = plain(theirs.get_ref());
            let ours = value(first, field.get_ref());
            if ours.as_ref() != Some(&theirs) {
                let ours = ours.map_or("nothing".to_owned(), |ours| ours.to_string());
                differs.push(format!("{name} {field}: {ours}, right is {theirs}"));
            }
        }
    }
    assert!(differs.is_empty(), "of {checked}:\n{}", differs.join("\n"));
    assert!(checked > 150, "{checked}");
}

#[test]
fn each_case_says_how_it_was_made() {
    let mut names = BTreeSet::new();
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let told = fs::read_to_string(case.join("case.toml")).unwrap();
        assert!(told.contains(&format!("Made by: `tests/tls/make {name}`")), "{name}");
        let size = fs::metadata(case.join("capture.pcap")).unwrap().len();
        assert!(size <= 80_000, "{name}: {size}");
        names.insert(name);
    }
    assert!(names.len() >= 50, "{names:?}");
}

/// What is told of each case whose handshake fails, and how sure it is. Of the others nothing is: they went well, or
/// were refused after the handshake was done, which only a log tells.
const TOLD: &[(&str, &str, &str, &str)] = &[
    ("client-cert-12-apache-haproxy", "proven", "alert", "handshake_failure"),
    ("client-cert-12-haproxy-go", "proven", "alert", "bad_certificate"),
    ("client-cert-12-nginx-openssl", "proven", "alert", "handshake_failure"),
    ("client-cert-12-nginx-tomcat", "proven", "alert", "bad_certificate"),
    ("client-cert-12-node-gunicorn", "proven", "alert", "handshake_failure"),
    ("client-cert-unknown-12-haproxy-go", "proven", "alert", "bad_certificate"),
    ("closed-haproxy-raw", "proven", "closed", ""),
    ("closed-nginx-raw", "proven", "closed", ""),
    ("expired-12-apache-nginx", "proven", "alert", "certificate_expired"),
    ("expired-12-envoy-nginx", "proven", "alert", "certificate_expired"),
    ("expired-12-go-nginx", "proven", "alert", "bad_certificate"),
    ("expired-12-haproxy-nginx", "proven", "alert", "certificate_expired"),
    ("expired-13-caddy-go", "likely", "encrypted_alert", ""),
    ("expired-13-haproxy-node", "proven", "alert", "certificate_expired"),
    ("expired-13-haproxy-tomcat", "proven", "alert", "certificate_expired"),
    ("missing-intermediate-12-haproxy-nginx", "proven", "alert", "unknown_ca"),
    ("no-alpn-go-node", "proven", "alert", "no_application_protocol"),
    ("no-alpn-haproxy-node", "proven", "alert", "no_application_protocol"),
    ("no-version-envoy-tomcat", "proven", "alert", "protocol_version"),
    ("no-version-go-openssl", "proven", "alert", "protocol_version"),
    ("no-version-haproxy-go", "proven", "alert", "protocol_version"),
    ("no-version-nginx-nginx", "proven", "alert", "protocol_version"),
    ("no-version-node-java", "proven", "closed", ""),
    ("reset-apache-raw", "proven", "reset", ""),
    ("reset-go-raw", "proven", "reset", ""),
    ("silent-go-raw", "likely", "silence", ""),
    ("silent-haproxy-raw", "likely", "silence", ""),
    ("silent-nginx-raw", "likely", "silence", ""),
    ("sni-missing-haproxy-haproxy", "proven", "alert", "unrecognized_name"),
    ("sni-missing-nginx-go", "proven", "alert", "internal_error"),
    ("sni-missing-nginx-nginx", "proven", "alert", "unrecognized_name"),
    ("tls-to-plain-nginx-gunicorn", "likely", "silence", ""),
    ("unknown-issuer-12-caddy-node", "proven", "alert", "bad_certificate"),
    ("unknown-issuer-12-haproxy-go", "proven", "alert", "unknown_ca"),
    ("unknown-issuer-13-apache-nginx", "proven", "alert", "unknown_ca"),
    ("unknown-issuer-13-envoy-nginx", "likely", "encrypted_alert", ""),
    ("unknown-issuer-13-go-gunicorn", "likely", "encrypted_alert", ""),
    ("wrong-name-12-envoy-go", "proven", "alert", "certificate_unknown"),
    ("wrong-name-12-go-nginx", "proven", "alert", "bad_certificate"),
    ("wrong-name-12-haproxy-nginx", "proven", "alert", "internal_error"),
    ("wrong-name-13-caddy-nginx", "likely", "encrypted_alert", ""),
];

#[test]
fn a_handshake_that_failed_is_told_with_its_reason_and_no_other_is() {
    let told: BTreeMap<&str, _> =
        TOLD.iter().map(|(name, sure, form, alert)| (*name, (*sure, *form, *alert))).collect();
    let mut met = 0;
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap();
        let output = why502(&["analyze", "--format", "json", "--exit-zero"])
            .arg(case.join("capture.pcap"))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let failures = report["failures"].as_array().unwrap().iter();
        let of_tls = |one: &&Value| one["cause"] == "tls_handshake_failed";
        let failed: Vec<&Value> = failures.filter(of_tls).collect();
        let Some((sure, form, alert)) = told.get(name) else {
            assert!(failed.is_empty(), "{name}: {failed:?}");
            continue;
        };
        met += 1;
        assert!(!failed.is_empty(), "{name}");
        for one in failed {
            let detail = &one["detail"];
            assert_eq!((&one["certainty"], &detail["form"]), (&(*sure).into(), &(*form).into()));
            assert_eq!(detail["alert"].as_str().unwrap_or_default(), *alert, "{name}");
            assert_eq!((&one["retry"], &one["backend"]), (&"safe".into(), &BACKEND.into()));
        }
    }
    assert_eq!(met, TOLD.len(), "a case is missing");
}

/// What handshakes come to with each backend on which there are many, and whether the proxy is told that it pays too
/// many: how many there are at least, whether most of them go on with an earlier session, and the note.
const MANY: &[(&str, u64, bool, bool)] = &[
    ("full-each-12-haproxy-go", 12, false, true),
    ("full-each-13-nginx-nginx", 12, false, true),
    ("kept-13-haproxy-nginx", 1, false, false),
    ("probed-13-haproxy-nginx", 10, false, false),
    ("resumed-each-13-nginx-nginx", 12, true, false),
];

#[test]
fn a_full_handshake_for_each_request_is_told_and_nothing_like_it_is() {
    let many: BTreeMap<&str, _> = MANY.iter().map(|row| (row.0, (row.1, row.2, row.3))).collect();
    let mut met = 0;
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap();
        let output = why502(&["analyze", "--format", "json", "--exit-zero", "--backend", BACKEND])
            .arg(case.join("capture.pcap"))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let notes = report["notes"].as_array().unwrap().iter();
        let notes: Vec<&str> = notes
            .filter(|note| note["code"] == "tls_handshake_per_request")
            .map(|note| note["text"].as_str().unwrap())
            .collect();
        let Some((least, resumed, told)) = many.get(name) else {
            assert!(notes.is_empty(), "{name}: {notes:?}");
            continue;
        };
        met += 1;
        let tls = &report["backends"][0]["tls"];
        let handshakes = tls["handshakes"].as_u64().unwrap();
        assert!(handshakes >= *least, "{name}: {tls}");
        assert_eq!(tls["resumption_rate"].as_f64().unwrap() > 0.5, *resumed, "{name}: {tls}");
        let version = if name.contains("-12-") { "TLS 1.2" } else { "TLS 1.3" };
        assert_eq!(tls["versions"][version].as_u64(), Some(handshakes), "{name}: {tls}");
        // HAProxy's probes ask for no name.
        let asked = if name.contains("probed") {
            &tls["without_sni"]
        } else {
            &tls["sni"]["backend.example"]
        };
        assert_eq!(asked.as_u64(), Some(handshakes), "{name}: {tls}");
        assert!(tls["handshake_p50_ns"].as_u64().unwrap() > 100_000, "{name}: {tls}");
        assert_eq!(notes.len(), usize::from(*told), "{name}: {notes:?}");
        assert!(
            notes
                .iter()
                .all(|note| note.contains("12 handshakes that resume no session for 12 requests"))
        );
    }
    assert_eq!(met, MANY.len(), "a case is missing");
}
