//! Public captures of TLS, held against what tshark says of them. They live beside the project.

use crate::machine::{beside, tests};
use crate::tls_follow::{Seen, read};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use why502::inside::flow::Side;
use why502::inside::streams::tls::{Handshake, Piece};

tests![what_tls_says_in_clear_is_what_peer_tools_read];

/// Suites that authenticate nobody: the oracle calls their handshakes resumed, as no certificate is sent.
const NO_CERTIFICATE: [u64; 10] =
    [0x18, 0x34, 0x3a, 0x6c, 0x6d, 0xa6, 0xa7, 0xc016, 0xc018, 0xc019];

fn text(bytes: Option<&[u8]>) -> Option<String> {
    bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// What is agreed on, and what is not, by metric.
#[derive(Default)]
struct Agreement {
    rows: BTreeMap<&'static str, (u32, u32)>,
    differs: Vec<String>,
}

impl Agreement {
    fn row(&mut self, metric: &'static str, place: &str, ours: Value, theirs: Value) {
        let (good, all) = self.rows.entry(metric).or_default();
        *all += 1;
        if ours == theirs {
            *good += 1;
        } else {
            self.differs.push(format!("{metric} {place}: ours {ours}, theirs {theirs}"));
        }
    }

    fn connection(&mut self, place: &str, tls: &Value, seen: &Seen) {
        let facts = &seen.facts;
        let bytes = |name: &Option<Box<[u8]>>| Value::from(text(name.as_deref()));
        if tls["client_hellos"] != 0 {
            self.row("sni", place, bytes(&facts.sni), tls["sni"].clone());
            let offered = facts.alpn_offered.iter().map(|name| text(Some(name)));
            self.row("alpn_offered", place, offered.collect(), tls["alpn_offered"].clone());
        }
        self.row(
            "version",
            place,
            facts.chosen.map(|version| version.to_string()).into(),
            tls["version"].clone(),
        );
        self.row("cipher", place, facts.cipher.into(), tls["cipher"].clone());
        if tls["server_hellos"] != 0 {
            let retry = tls["hello_retry"] == true;
            self.row("hello_retry", place, facts.hello_retry.into(), retry.into());
            let cipher = tls["cipher"].as_u64().unwrap_or_default();
            let resumed = tls["resumed"] == true && !NO_CERTIFICATE.contains(&cipher);
            self.row("resumed", place, (facts.resumed == Some(true)).into(), resumed.into());
        }
        if facts.chosen.is_none_or(|version| !version.is_1_3()) {
            self.row("alpn", place, bytes(&facts.alpn), tls["alpn"].clone());
            let ours: Vec<_> = facts
                .alerts
                .iter()
                .map(|alert| (format!("{:?}", alert.by).to_lowercase(), alert.frame.number))
                .collect();
            let theirs: Vec<_> = tls["alerts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|alert| {
                    let by = alert["by"].as_str().unwrap().to_owned();
                    (by, alert["frame"].as_u64().unwrap())
                })
                .collect();
            self.row("alerts", place, format!("{ours:?}").into(), format!("{theirs:?}").into());
        }
        let shown = match facts.handshake {
            Handshake::NotSeen => "not seen",
            _ if facts.fatal().is_some() && facts.first_request.is_none() => "failed",
            Handshake::Hello => "unanswered",
            Handshake::Open => "open",
            Handshake::Done => "done",
        };
        // Where no application data follows, the oracle calls none done.
        let theirs = match tls["handshake"].as_str() {
            Some("open") if tls["ccs"]["client"].is_u64() && tls["ccs"]["server"].is_u64() => {
                "done"
            }
            Some("done") if tls["app_data"]["client"].is_null() => "open",
            Some(theirs) => theirs,
            None => "",
        };
        self.row("handshake", place, shown.into(), theirs.into());
    }
}

/// The pieces of each side come in order and without overlap.
fn in_order(pieces: &[Piece]) {
    for side in [Side::Client, Side::Server] {
        let of_side: Vec<_> = pieces.iter().filter(|piece| piece.from == side).collect();
        for pair in of_side.windows(2) {
            assert_eq!(pair[0].pos.plus(pair[0].len), pair[1].pos, "{pair:?}");
        }
    }
}

fn what_tls_says_in_clear_is_what_peer_tools_read() {
    let folder = beside("corpus-protocols");
    let mut agreement = Agreement::default();
    let mut oracles: Vec<_> = fs::read_dir(folder.join("oracle/tls")).unwrap().flatten().collect();
    oracles.sort_by_key(fs::DirEntry::file_name);
    for oracle in oracles {
        let oracle: Value = serde_json::from_slice(&fs::read(oracle.path()).unwrap()).unwrap();
        let file = oracle["file"].as_str().unwrap();
        let mut seen = read(&folder.join(file));
        for stream in oracle["streams"].as_array().unwrap() {
            let Some(tls) = stream.get("tls") else { continue };
            if stream["client_by"] == "first_packet" {
                // Who is the client, is a guess there.
                continue;
            }
            let place = format!("{file} {}", stream["stream"]);
            let end = |side: &str| stream[side].as_str().unwrap().to_owned();
            let ends = (end("client"), end("server"));
            let Some(of_ends) = seen.get_mut(&ends).filter(|seen| !seen.is_empty()) else {
                agreement.row("found", &place, false.into(), true.into());
                continue;
            };
            let connection = of_ends.remove(0);
            in_order(&connection.pieces);
            agreement.row("found", &place, true.into(), true.into());
            agreement.connection(&place, tls, &connection);
        }
    }
    let told: String = agreement
        .rows
        .iter()
        .map(|(metric, (good, all))| format!("{metric}: {good} of {all}\n"))
        .collect();
    println!("{told}");
    assert!(agreement.differs.is_empty(), "{told}{}", agreement.differs.join("\n"));
    assert!(agreement.rows["found"].1 >= 61, "{told}");
}
