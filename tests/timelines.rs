//! `failures[].timeline`: the segments of a failed connection from the last exchange before it on.

use crate::program::run;
use serde_json::Value;

/// What is said of captures that the project keeps.
fn report(captures: &[&str]) -> Value {
    let mut typed = vec!["analyze", "--exit-zero", "--format", "json"];
    typed.extend(captures);
    let output = run(&typed);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The first failure's segments: frame, side, kind, from, to, ack.
fn told(report: &Value) -> Vec<String> {
    let part = |value: &Value| value.to_string().replace('"', "");
    let segments = report["failures"][0]["timeline"].as_array().unwrap();
    let told = segments.iter().map(|one| {
        let number = &one["frame"]["number"];
        let fields = ["side", "kind", "from", "to", "ack"].map(|name| part(&one[name]));
        format!("{number} {}", fields.join(" "))
    });
    told.collect()
}

#[test]
fn the_segments_of_a_race_stand_with_their_positions() {
    let report = report(&["captures/keepalive-race-nginx-node/proxy-side.pcap"]);
    let expected = [
        "6 backend response null 176 null",
        "8 proxy request 105 210 176",
        "9 backend fin 176 176 105",
        "10 proxy fin 210 210 177",
        "12 backend rst 176 176 null",
    ];
    assert_eq!(told(&report), expected);
}

/// The acknowledgement of the request is what proves that it was received; that of the FIN came later.
#[test]
fn what_acknowledged_a_request_is_told_beside_what_acknowledged_the_fin() {
    let report = report(&["captures/response-timeout-nginx-gunicorn/proxy-side.pcap"]);
    let expected = [
        "21 backend response null 171 null",
        "22 proxy ack null null 171",
        "23 proxy request 105 313 171",
        "24 backend ack null null 313",
        "25 proxy fin 313 313 171",
        "26 backend ack null null 314",
    ];
    assert_eq!(told(&report), expected);
}

#[test]
fn a_connect_shows_its_syn_and_what_answered_it() {
    let refused = report(&["captures/connection-refused-haproxy/proxy-side.pcap"]);
    let kinds = |report: &Value| -> Vec<String> {
        let segments = report["failures"][0]["timeline"].as_array().unwrap();
        segments.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&refused), ["syn", "rst"]);
    let unreachable = report(&["captures/unreachable-haproxy/proxy-side.pcap"]);
    assert_eq!(kinds(&unreachable), ["syn", "icmp"]);
}

/// Frame and time of the same segment in the other capture: known by its numbers on the wire.
#[test]
fn two_vantages_show_both_ends_of_each_segment() {
    let report = report(&[
        "captures/keepalive-race-nginx-node/proxy-side.pcap",
        "captures/keepalive-race-nginx-node/backend-side.pcap",
    ]);
    let segments = report["failures"][0]["timeline"].as_array().unwrap();
    let ends: Vec<(u64, u64)> = segments
        .iter()
        .map(|one| {
            assert_eq!(one["frame"]["capture"], 0);
            assert_eq!(one["other"]["capture"], 1);
            let number = |frame: &Value| frame["number"].as_u64().unwrap();
            (number(&one["frame"]), number(&one["other"]))
        })
        .collect();
    assert_eq!(ends, [(6, 6), (8, 9), (9, 8), (10, 11), (12, 10)]);
    assert_eq!(segments[2]["other"]["at"], "2026-11-20T16:22:15.457738000Z");
}
