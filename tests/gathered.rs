//! The known timeouts, held against what was gathered. That lives beside the project.

use crate::machine::{beside, tests};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;
use why502::inside::timeouts::{self, Limit, ProductSide};

tests![the_table_says_what_was_gathered];

/// What was looked up again later than the list that was gathered, and found.
const FOUND_LATER: [&str; 9] = [
    "aws-nlb",
    "aws-apigw-rest",
    "openresty",
    "node-http-agent",
    "iis",
    "unicorn",
    "play",
    "spring-boot-tomcat",
    "passenger",
];
/// Its own template says otherwise than memory did.
const CORRECTED: &str = "passenger";

/// Its own note says that its numbers were read in no source.
const NOT_READ: &str = "go-transport";

/// What was gathered in the words of the table.
fn plain(gathered: &str) -> String {
    gathered
        .replace("(memory)", "(not verified)")
        .replace("tells caller", "report it to the caller")
}

fn seconds(limit: Limit<Duration>) -> Option<f64> {
    limit.value().map(|value| value.as_secs_f64())
}

/// Servers that were not gathered: their settings were read in the software itself, their timers measured
/// (`tests/turns`).
const MEASURED_HERE: [&str; 4] = ["memcached", "mysql", "postgresql", "redis"];

/// Nothing of what was gathered is lost, and nothing is called verified that is not.
fn the_table_says_what_was_gathered() {
    let text = fs::read_to_string(beside("timeouts.json")).unwrap();
    let gathered: Value = serde_json::from_str(&text).unwrap();
    let mut ids = BTreeSet::new();
    for (list, side) in [("proxies", ProductSide::Proxy), ("backends", ProductSide::Server)] {
        for one in gathered[list].as_array().unwrap() {
            let id = one["id"].as_str().unwrap();
            let known = timeouts::by_id(id).unwrap_or_else(|| panic!("{id} is missing"));
            ids.insert(id);
            assert_eq!((known.side, known.name), (side, one["name"].as_str().unwrap()), "{id}");
            let requests = one["max_requests"].as_u64().filter(|requests| *requests > 0);
            assert_eq!(known.requests.value().map(u64::from), requests, "{id}");
            let same = |field: &str, limit| assert_eq!(seconds(limit), one[field].as_f64(), "{id}");
            match side {
                ProductSide::Proxy => {
                    same("upstream_idle_s", known.idle);
                    same("connect_s", known.connect);
                    same("read_s", known.read);
                    assert_eq!(known.retries, plain(one["retries"].as_str().unwrap()), "{id}");
                }
                ProductSide::Server => {
                    if id != CORRECTED {
                        same("keepalive_s", known.idle);
                    }
                    same("header_s", known.head);
                }
            }
            let verified = one["verified"].as_bool().unwrap();
            let verified = verified && id != NOT_READ;
            assert_eq!(known.verified, verified || FOUND_LATER.contains(&id), "{id}");
            assert!(verified || known.source != one["source"] || !known.verified, "{id}");
        }
    }
    ids.extend(MEASURED_HERE);
    assert_eq!(ids, timeouts::all().map(|known| known.id).collect());
}
