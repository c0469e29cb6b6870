//! What to change, as scripts read it: on which side, which setting, where it stands, why, and what does
//! not help.

use crate::captures::captures;
use crate::conversations::SCENARIOS;
use crate::program::run;
use crate::scenarios::{ISNS, played};
use crate::wire::pcap;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use why502::inside::verdict::Cause;

/// The report on a capture, asked with these options.
fn report(capture: &str, options: &[&str]) -> Value {
    let mut arguments = vec!["analyze", "--format", "json", capture];
    arguments.extend(options);
    serde_json::from_slice(&run(&arguments).stdout).unwrap()
}

/// The first fix for a case in `captures`.
fn fix_of(case: &str, options: &[&str]) -> Value {
    let capture = format!("{}/captures/{case}/proxy-side.pcap", env!("CARGO_MANIFEST_DIR"));
    let report = report(&capture, options);
    let fix = &report["answer"]["fixes"][0];
    let mut failures = report["failures"].as_array().unwrap().iter();
    assert!(failures.any(|failure| failure["fix"] == fix["text"]), "{fix}");
    let mut fix = fix.clone();
    fix.as_object_mut().unwrap().remove("text");
    fix
}

#[test]
fn a_race_behind_nginx_is_changed_in_node() {
    let mut expected = json!({
        "side": "server",
        "product": "Node.js http (8 .. 25)",
        "setting": "server.keepAliveTimeout, server.headersTimeout",
        "value": "66 s",
        "where": "the code that makes the server, often server.js",
        "line": "server.keepAliveTimeout = 66000",
        "why": "above the proxy's idle timeout of 60 s",
        "instead_of": "the same timeout on both sides: equal timeouts still race",
    });
    assert_eq!(fix_of("keepalive-race-nginx-node", &["--proxy", "nginx"]), expected);
    // Whose proxy is not known, others have 60 s.
    expected["value"] = "65 s".into();
    expected["line"] = "server.keepAliveTimeout = 65000".into();
    expected["why"] = "above the usual idle timeout of proxies, 60 s".into();
    assert_eq!(fix_of("keepalive-race-nginx-node", &[]), expected);
}

#[test]
fn a_race_behind_an_alb_is_changed_in_tomcat_and_not_in_the_alb() {
    let fix = fix_of("keepalive-race-nginx-tomcat", &["--proxy", "alb", "--server", "tomcat"]);
    let expected = json!({
        "side": "server",
        "product": "Apache Tomcat (server.xml)",
        "setting": "keepAliveTimeout, maxKeepAliveRequests on <Connector>",
        "value": "66 s",
        "where": "server.xml, on the Connector",
        "line": "<Connector ... keepAliveTimeout=\"66000\" maxKeepAliveRequests=\"-1\"/>",
        "why": "above the proxy's idle timeout of 60 s",
        "instead_of": "lowering the idle timeout of the AWS Application Load Balancer: it also limits the \
                       time to answer",
    });
    assert_eq!(fix, expected);
}

/// Where the server is not known, the time that it should wait still is; which setting that is, is not.
#[test]
fn nothing_is_guessed_of_a_server_that_is_not_known() {
    let options = ["--proxy", "gcp"];
    let fix = fix_of("keepalive-race-nginx-tomcat", &options);
    assert_eq!((&fix["side"], &fix["value"]), (&"server".into(), &"613 s".into()), "{fix}");
    assert_eq!(fix["why"], "above the proxy's idle timeout of 600 s");
    for field in ["product", "setting", "where", "line"] {
        assert_eq!(fix[field], Value::Null, "{fix}");
    }
    let instead = fix["instead_of"].as_str().unwrap();
    assert!(instead.ends_with("it has no such setting"), "{fix}");
}

#[test]
fn a_stale_reuse_is_changed_in_the_proxy() {
    let fix = fix_of("stale-reuse-nginx-node", &["--proxy", "nginx"]);
    let expected = json!({
        "side": "proxy",
        "product": "nginx (upstream keepalive)",
        "setting": "keepalive_timeout",
        "value": "2 s",
        "where": "nginx.conf, in the upstream block",
        "line": "upstream NAME { keepalive_timeout 2s; }",
        "why": "the backend closed this connection after 3.00 s idle",
        "instead_of": "the same timeout on both sides: equal timeouts still race",
    });
    assert_eq!(fix, expected);
    // Not where that would end what is slow.
    let fix = fix_of("stale-reuse-nginx-node", &["--proxy", "alb"]);
    assert_eq!(fix["side"], "server", "{fix}");
}

#[test]
fn a_slow_backend_has_the_read_timeout_of_a_known_proxy() {
    let case = "response-timeout-nginx-gunicorn";
    let mut expected = json!({
        "side": "proxy",
        "product": "nginx (upstream keepalive)",
        "setting": "proxy_read_timeout",
        "value": null,
        "where": "nginx.conf, in the http, server or location block",
        "line": null,
        "why": "the backend sent no response within 2.01 s",
        "instead_of": null,
    });
    assert_eq!(fix_of(case, &["--proxy", "nginx"]), expected);
    expected["side"] = "backend".into();
    for field in ["product", "setting", "where"] {
        expected[field] = Value::Null;
    }
    assert_eq!(fix_of(case, &[]), expected);
    let alb = fix_of(case, &["--proxy", "alb"]);
    assert_eq!(alb["setting"], "idle_timeout.timeout_seconds");
    assert!(alb["why"].as_str().unwrap().contains("keep-alive timeout must stay above"), "{alb}");
}

#[test]
fn a_refused_connection_is_changed_on_the_backend() {
    let expected = json!({
        "side": "backend",
        "product": null,
        "setting": null,
        "value": null,
        "where": null,
        "line": null,
        "why": null,
        "instead_of": "longer timeouts in the proxy: the connection is refused at once",
    });
    assert_eq!(fix_of("connection-refused-haproxy", &["--proxy", "haproxy"]), expected);
}

/// By cause: the sides on which something is changed, and what does not help.
type ByCause = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

/// All that is given for real captures and for conversations.
fn given() -> ByCause {
    let folder = tempfile::tempdir().unwrap();
    let mut paths: Vec<String> =
        captures().iter().map(|capture| capture.display().to_string()).collect();
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        let path = folder.path().join(format!("{number}.pcap"));
        fs::write(&path, pcap(&played(scenario, ISNS[0]))).unwrap();
        paths.push(path.display().to_string());
    }
    let mut given = ByCause::new();
    for path in paths {
        let report = report(&path, &[]);
        for fix in report["answer"]["fixes"].as_array().unwrap() {
            let failures = report["failures"].as_array().unwrap();
            let Some(failure) = failures.iter().find(|failure| failure["fix"] == fix["text"])
            else {
                // Of a restart, or of a race that may come.
                let side = if report["failures"][0].is_null() { "server" } else { "backend" };
                assert!(fix["side"] == side || fix["side"] == "proxy", "{fix}");
                continue;
            };
            let of = given.entry(failure["cause"].as_str().unwrap().to_owned()).or_default();
            let known = |field: &str| fix[field].as_str().map(str::to_owned);
            of.0.insert(known("side").unwrap_or_else(|| "none".to_owned()));
            of.1.extend(known("instead_of"));
            // A place or a line is that of a setting, and a setting that of a program.
            for (part, whole) in [("where", "setting"), ("line", "setting"), ("setting", "product")]
            {
                assert!(fix[part].is_null() || !fix[whole].is_null(), "{fix}");
            }
        }
    }
    given
}

#[test]
fn every_cause_has_a_side_and_what_does_not_help_is_said() {
    let nowhere = "longer timeouts in the proxy: the backend closed first";
    let race = "the same timeout on both sides: equal timeouts still race";
    let expected: [(&str, &[&str], &[&str]); 19] = [
        ("keepalive_race", &["server"], &[race]),
        ("stale_reuse", &["proxy"], &[race]),
        ("closed_in_flight", &["backend"], &[nowhere]),
        ("reset_in_flight", &["backend", "path"], &[nowhere]),
        ("truncated_response", &["backend"], &[nowhere]),
        ("response_timeout", &["backend"], &[]),
        (
            "connection_refused",
            &["backend"],
            &["longer timeouts in the proxy: the connection is refused at once"],
        ),
        ("unreachable", &["path"], &[]),
        (
            "connect_timeout",
            &["path"],
            &["a longer connect timeout in the proxy: nothing answers the SYNs"],
        ),
        ("accept_queue_full", &["server"], &["a longer queue alone: it only hides short bursts"]),
        ("silent_drop", &["path"], &[]),
        ("upload_cut_short", &["server"], &[]),
        ("stalled", &["backend"], &["longer timeouts in the proxy: the backend does not read"]),
        ("client_gone", &["backend", "proxy"], &[]),
        ("invalid_response", &["backend"], &[]),
        ("protocol_mismatch", &["proxy"], &[]),
        ("health_check_failing", &["backend", "proxy"], &[]),
        (
            "backend_error",
            &["backend"],
            &["the proxy's timeouts: the backend sent this response itself"],
        ),
        // Another capture helps, which is on none of the sides.
        ("unproven", &["backend", "none"], &[]),
    ];
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    let expected: ByCause = expected
        .into_iter()
        .map(|(cause, sides, instead)| (cause.to_owned(), (set(sides), set(instead))))
        .collect();
    // Handshakes that fail have cases of their own, in `tests/tls`.
    assert_eq!(expected.len() + 1, Cause::ALL.len());
    assert_eq!(given(), expected);
}
