//! What is told of backends and proxies: by options, as kinds, in the configuration file.

use crate::program::{RACE, run, stderr, stdout};
use crate::wire::{self, End, Talk, get, pcap};
use End::{Backend, Proxy};
use serde_json::Value;
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

const SHOP: ([u8; 4], u16) = ([10, 0, 0, 1], 8080);
const API: ([u8; 4], u16) = ([10, 0, 0, 2], 9000);
const EDGE: [u8; 4] = [10, 0, 0, 9];
const INNER: [u8; 4] = [10, 0, 0, 8];

/// A folder with a capture of two backends that two proxies ask, and a configuration file.
struct Given {
    folder: TempDir,
}

impl Given {
    fn file(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut talks = Vec::new();
        for (port, proxy, backend) in
            [(40_000, EDGE, SHOP), (40_001, INNER, SHOP), (40_002, EDGE, API)]
        {
            let number = u32::from(port);
            let mut talk = Talk::new(number, number + 7).between((proxy, port), backend);
            talk.handshake().exchange("/a", 64).idle(Duration::from_secs(1));
            talk.exchange("/b", 64).close(Proxy);
            talks.push(talk);
        }
        let frames = wire::together(&talks.iter().collect::<Vec<_>>());
        fs::write(folder.path().join("two.pcap"), pcap(&frames)).unwrap();
        fs::write(folder.path().join("why502.toml"), config).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn analyze(&self, format: &str, options: &[&str]) -> String {
        let (capture, config) = (self.path("two.pcap"), self.path("why502.toml"));
        let mut arguments = vec!["analyze", "--format", format, "--config", &config, &capture];
        arguments.extend(options);
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    }

    fn backends(&self, options: &[&str]) -> Vec<Value> {
        let report: Value = serde_json::from_str(&self.analyze("json", options)).unwrap();
        report["backends"].as_array().unwrap().clone()
    }
}

/// A timeout as told: seconds, and by what.
fn told(timeout: &Value) -> (Option<f64>, Option<&str>) {
    let seconds = timeout["configured_ns"].as_f64().map(|nanos| nanos / 1e9);
    (seconds, timeout["configured_by"].as_str())
}

const TWO: &str = r#"
[[backend]]
listen = "10.0.0.1:8080"
name = "shop"
keepalive = "75s"

[[backend]]
listen = ":9000"
name = "api"
kind = "uvicorn"

[[proxy]]
address = "10.0.0.9"
name = "edge"
kind = "alb"
read = "30s"
"#;

#[test]
fn each_backend_and_proxy_is_compared_with_its_own_timeouts() {
    let given = Given::file(TWO);
    let backends = given.backends(&[]);
    let [shop, api] = backends.as_slice() else { panic!("{backends:?}") };
    assert_eq!((shop["name"].as_str(), api["name"].as_str()), (Some("shop"), Some("api")));
    assert_eq!(told(&shop["backend_keepalive"]), (Some(75.0), Some("config")));
    assert_eq!(told(&api["backend_keepalive"]), (Some(5.0), Some("server uvicorn")));
    let proxies = shop["proxies"].as_array().unwrap();
    let of = |addr: &str| proxies.iter().find(|proxy| proxy["proxy"] == addr).unwrap();
    let (edge, inner) = (of("10.0.0.9"), of("10.0.0.8"));
    assert_eq!(
        (edge["name"].as_str(), edge["told_kind"].as_str()),
        (Some("edge"), Some("aws-alb"))
    );
    assert_eq!(told(&edge["proxy_idle"]), (Some(60.0), Some("proxy aws-alb")));
    assert_eq!(told(&edge["proxy_read"]), (Some(30.0), Some("config")));
    assert_eq!(told(&edge["proxy_connect"]), (Some(10.0), Some("proxy aws-alb")));
    assert_eq!(inner["name"], Value::Null);
    assert_eq!(told(&inner["proxy_idle"]), (None, None));
    assert_eq!((&shop["ordering"], &api["ordering"]), (&"safe".into(), &"race".into()));
    assert_eq!(edge["ordering"], "safe");
}

#[test]
fn names_stand_beside_addresses_and_defaults_are_called_so() {
    let text = Given::file(TWO).analyze("text", &["--verbose"]);
    for words in [
        "Backend 10.0.0.1:8080 (shop)\n",
        "Backend 10.0.0.2:9000 (api)\n",
        "from 10.0.0.8, 10.0.0.9 (edge)\n",
        "backend keep-alive 75.0 s, configured",
        "backend keep-alive 5.00 s, default\n",
        "compared with the defaults of uvicorn: keep-alive 5.00 s\n",
        "compared with the defaults of aws-alb: idle 60.0 s, connect 10.0 s\n",
    ] {
        assert!(text.contains(words), "{words}{text}");
    }
}

#[test]
fn an_option_counts_before_the_file_and_the_file_before_a_kind() {
    let given = Given::file(TWO);
    let keepalive = |options: &[&str]| {
        let backends = given.backends(options);
        let told = |backend: &Value| {
            let (seconds, by) = told(&backend["backend_keepalive"]);
            (seconds.unwrap(), by.unwrap().to_owned())
        };
        [told(&backends[0]), told(&backends[1])]
    };
    let is = |seconds: f64, by: &str| (seconds, by.to_owned());
    assert_eq!(keepalive(&[]), [is(75.0, "config"), is(5.0, "server uvicorn")]);
    // A kind that is told by an option is still a kind.
    assert_eq!(
        keepalive(&["--server", "gunicorn"]),
        [is(75.0, "config"), is(2.0, "server gunicorn")]
    );
    assert_eq!(
        keepalive(&["--server", "gunicorn", "--backend-keepalive", "9s"]),
        [is(9.0, "option"), is(9.0, "option")]
    );
}

/// A server that closes after each answer has no timer to compare with.
#[test]
fn a_keep_alive_of_zero_is_nothing_to_compare_with() {
    let given = Given::file("");
    let backends = given.backends(&["--server", "unicorn"]);
    assert_eq!(told(&backends[0]["backend_keepalive"]), (None, None));
    assert_eq!(backends[0]["told_kind"], "unicorn");
}

#[test]
fn a_kind_alone_is_compared_with_its_defaults() {
    let backends = Given::file("").backends(&["--proxy", "ALB"]);
    for proxy in backends.iter().flat_map(|backend| backend["proxies"].as_array().unwrap()) {
        assert_eq!(told(&proxy["proxy_idle"]), (Some(60.0), Some("proxy aws-alb")));
        assert_eq!(told(&proxy["proxy_read"]), (Some(60.0), Some("proxy aws-alb")));
    }
    let output = run(&["analyze", "-v", "--proxy", "alb", "--server", "gunicorn", RACE]);
    let text = stdout(&output);
    for words in
        ["gunicorn --keep-alive 66", "limits the time to answer", "server: gunicorn (as given)"]
    {
        assert!(text.replace("\n  ", " ").contains(words), "{words}: {text}");
    }
}

#[test]
fn no_setting_is_advised_that_is_not_there() {
    let advice = |proxy| {
        let output = run(&["analyze", "--format", "json", "--proxy", proxy, RACE]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["failures"][0]["fix"].as_str().unwrap().to_owned()
    };
    let fixed = advice("gcp");
    assert!(fixed.contains("= 613000") && !fixed.contains("or lower"), "{fixed}");
    assert!(advice("varnish").contains("or lower the proxy's below it (`backend_idle_timeout`"));
}

/// Node closes a second later than it is told to: its kind must not hide what shows.
#[test]
fn a_kind_takes_no_proof_away() {
    let capture = "captures/keepalive-race-loopback-nginx-node/proxy-side.pcap";
    let causes = |options: &[&str]| {
        let output = run(&[&["analyze", "--format", "json", capture], options].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["causes"].clone()
    };
    assert_eq!(causes(&["--server", "node"]), causes(&[]));
    assert_eq!(causes(&["--proxy", "nginx", "--server", "node-26"]), causes(&[]));
}

/// The AWS ALB's health checks accept 200 alone unless told otherwise; most others do not mind a
/// redirect.
#[test]
fn the_statuses_that_a_probe_accepts_go_by_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probes.pcap");
    let mut talks = Vec::new();
    for index in 0..5_u16 {
        let number = 1_000 * u32::from(index);
        let mut talk = Talk::new(number, number + 500)
            .on_port(40_000 + index)
            .after(Duration::from_secs(10 * u64::from(index)));
        let probe = b"GET /health HTTP/1.1\r\nHost: a\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n";
        talk.handshake().data(Proxy, probe).ack(Backend);
        talk.data(Backend, b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
            .ack(Proxy)
            .close(Proxy);
        talks.push(talk);
    }
    fs::write(&path, pcap(&wire::together(&talks.iter().collect::<Vec<_>>()))).unwrap();
    let path = path.to_str().unwrap();
    let config = folder.path().join("why502.toml");
    let config = config.to_str().unwrap();
    let failed = |options: &[&str], file: &str| {
        fs::write(config, file).unwrap();
        let fixed = ["analyze", "--format", "json", "--config", config, path];
        let output = run(&[&fixed[..], options].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["backends"][0]["health"]["failed"].as_u64().unwrap()
    };
    assert_eq!(failed(&[], ""), 0);
    assert_eq!(failed(&["--proxy", "alb"], ""), 5);
    assert_eq!(failed(&["--proxy", "nginx"], ""), 0);
    assert_eq!(failed(&["--proxy", "alb", "--health-expect", "200-399"], ""), 0);
    let strict = "[[backend]]\nlisten = \":8080\"\nhealth-expect = \"200\"\n";
    let strict = strict.replace("8080", &backend_port(path));
    assert_eq!(failed(&[], &strict), 5);
    assert_eq!(failed(&["--health-expect", "302"], &strict), 0);
    let lenient = strict.replace("\"200\"", "\"200-399\"");
    assert_eq!(failed(&["--proxy", "alb"], &lenient), 0, "a backend's own before its proxy's kind");
}

/// The port of the one backend in a capture.
fn backend_port(path: &str) -> String {
    let output = run(&["analyze", "--exit-zero", "--format", "json", path]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["backends"][0]["backend"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
}

/// Three SYNs, at 0, 1 and 3 s: the next would have come at 7 s. The capture goes on.
#[test]
fn when_syns_stop_is_compared_with_the_connect_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("syns.pcap");
    let second = Duration::from_secs(1);
    let mut silent = Talk::new(5, 6);
    silent.syn().idle(second).syn_again().idle(2 * second).syn_again();
    let mut later = Talk::new(7, 8).between((EDGE, 40_001), API).after(20 * second);
    later.handshake().data(Proxy, &get("/a")).ack(Backend).close(Proxy);
    fs::write(&path, pcap(&wire::together(&[&silent, &later]))).unwrap();
    let fits = |options: &[&str]| {
        let fixed = ["analyze", "--format", "json", path.to_str().unwrap()];
        let output = run(&[&fixed[..], options].concat());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let failures = report["failures"].as_array().unwrap();
        let one = failures.iter().find(|one| one["cause"] == "connect_timeout").unwrap();
        assert_eq!(one["detail"]["syns"], 3);
        let said =
            one["summary"].as_str().unwrap().contains("stopped at its configured connect timeout");
        let fits = one["detail"]["fits_connect_timeout"].as_bool().unwrap();
        assert_eq!(said, fits);
        fits
    };
    assert!(!fits(&[]));
    assert!(fits(&["--proxy-connect", "4s"]));
    assert!(fits(&["--proxy", "envoy"]), "5 s by default");
    assert!(!fits(&["--proxy-connect", "2s"]), "a SYN came later");
    assert!(!fits(&["--proxy-connect", "60s"]), "more would have come");
}

#[test]
fn the_proxys_own_listeners_can_stand_in_the_file() {
    let given = Given::file("[front]\nlisten = [\"10.0.0.1:8080\"]\n");
    let backends = given.backends(&[]);
    assert_eq!(backends.len(), 1);
    assert_eq!(backends[0]["backend"], "10.0.0.2:9000");
}

#[test]
fn the_example_is_a_file_that_is_taken() {
    let output = run(&["config", "--example"]);
    assert_eq!(output.status.code(), Some(0));
    let example = stdout(&output);
    assert!(example.starts_with('#') && example.ends_with('\n'));
    assert!(example.lines().all(|line| line.chars().count() <= 110));
    let backends = Given::file(&example).backends(&[]);
    let names: Vec<&str> = backends.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["shop", "api"]);
}

#[test]
fn a_wrong_file_is_told_in_one_line_before_anything_is_read() {
    let given = Given::file("# mine\n[[backend]]\nlisten = \":80\"\nkeepalive = \"5\"\n");
    let path = given.path("why502.toml");
    for (config, wanted) in [
        (path.as_str(), "why502.toml:4: backend.keepalive: '5' has no unit: '5s' or '5ms'?"),
        ("/no/such.toml", "why502: /no/such.toml: cannot read: No such file"),
    ] {
        let output = run(&["analyze", "--config", config, "no-such-capture"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2));
        assert!(said.contains(wanted) && said.lines().count() == 1, "{said}");
        assert!(stdout(&output).is_empty());
    }
}

#[test]
fn an_unknown_kind_is_refused_with_the_nearest() {
    for (options, wanted) in [
        (["--proxy", "nginxx"], "did you mean nginx"),
        (["--server", "alb"], "no server is called 'alb'"),
        (["--server", "puma"], "'puma' could be puma-pre7 or puma-7: say which"),
    ] {
        let output = run(&[&["analyze", RACE], &options[..]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(wanted), "{}", stderr(&output));
    }
}
