//! The page (`--html`) in a browser: it fetches nothing, breaks no policy, and can be used by hand and by keyboard.

use crate::machine::{needs, tests};
use crate::program::{RACE, run};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

tests![
    the_page_works_in_a_browser_and_fetches_nothing,
    the_page_fits_a_phone_and_dark_and_paper,
    the_page_of_every_cause_is_whole
];

/// Chromium without a window, spoken to through two pipes: no port is opened.
struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: Option<String>,
    sent: u64,
    events: Vec<Value>,
}

impl Browser {
    fn open(folder: &Path) -> Self {
        needs(&["chromium", "mkfifo", "timeout"]);
        let profile = folder.join("profile");
        let speak = "mkfifo in out && exec timeout 240 chromium --headless --no-sandbox --disable-gpu \
                     --hide-scrollbars --no-first-run --disable-background-networking --user-data-dir=\"$1\" \
                     --remote-debugging-pipe about:blank 3<in 4>out";
        let child = Command::new("sh")
            .args(["-c", speak, "sh", profile.to_str().unwrap()])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !folder.join("out").exists() {
            sleep(Duration::from_millis(10));
        }
        let to = OpenOptions::new().write(true).open(folder.join("in")).unwrap();
        let from = BufReader::new(File::open(folder.join("out")).unwrap());
        let mut browser = Self { child, to, from, session: None, sent: 0, events: Vec::new() };
        let target = browser.ask("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.ask("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Sends a command, and waits for its answer; what happens meanwhile is kept.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let mut said = Vec::new();
            self.from.read_until(0, &mut said).unwrap();
            assert_eq!(said.pop(), Some(0), "the browser has ended: {method}");
            let said: Value = serde_json::from_slice(&said).unwrap();
            if said["id"] == json!(self.sent) {
                assert!(said["error"].is_null(), "{method}: {}", said["error"]);
                return said["result"].clone();
            }
            self.events.push(said);
        }
    }

    /// What an expression is worth in the page, as if somebody had clicked.
    fn eval(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true
        });
        let told = self.ask("Runtime.evaluate", params);
        assert!(told["exceptionDetails"].is_null(), "{expression}: {told}");
        told["result"]["value"].clone()
    }

    fn show(&mut self, page: &Path, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", scheme);
        self.ask("Page.navigate", json!({"url": format!("file://{}", page.display())}));
        while self.eval("document.readyState") != "complete" {
            sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, key: &str, code: u32) {
        for (kind, text) in [("keyDown", if key == "Enter" { "\r" } else { "" }), ("keyUp", "")] {
            let pressed = json!({
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text
            });
            self.ask("Input.dispatchKeyEvent", pressed);
        }
    }

    /// Nothing but the page itself was asked for, no script failed and no policy was broken.
    fn assert_quiet(&self, page: &Path) {
        for event in &self.events {
            let params = &event["params"];
            match event["method"].as_str() {
                Some("Network.requestWillBeSent") => {
                    let url = params["request"]["url"].as_str().unwrap();
                    assert_eq!(url, format!("file://{}", page.display()));
                }
                Some("Log.entryAdded" | "Runtime.exceptionThrown" | "Runtime.consoleAPICalled") => {
                    panic!("{params}")
                }
                _ => {}
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends its own processes when the pipe is closed; what is left of it ends here.
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        for _ in 0..100 {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The page of four races, two of which were sent again.
fn write_page(folder: &Path) -> std::path::PathBuf {
    let page = folder.join("page.html");
    run(&["analyze", "--exit-zero", "--html", page.to_str().unwrap(), RACE]);
    assert!(page.exists());
    page
}

const SHOWN: &str = "[...document.querySelectorAll('.fail')].filter(one => !one.hidden).length";

fn the_page_works_in_a_browser_and_fetches_nothing() {
    let folder = TempDir::new().unwrap();
    let page = write_page(folder.path());
    let mut browser = Browser::open(folder.path());
    browser.show(&page, 1_000, "light");
    assert_eq!(browser.eval(SHOWN), 4);

    browser.eval("document.querySelector('.chip[data-f=again]').click()");
    assert_eq!(browser.eval(SHOWN), 2);
    assert_eq!(browser.eval("document.querySelector('.shown').textContent"), "2 of 4 shown");
    assert_eq!(
        browser.eval("document.querySelector('.chip[data-f=again]').getAttribute('aria-pressed')"),
        "true"
    );
    browser.eval("document.querySelector('.chip[data-f=all]').click()");

    let search = |words: &str| {
        format!(
            "(() => {{ const find = document.querySelector('input[type=search]'); find.value = '{words}'; \
             find.dispatchEvent(new Event('input')); }})()"
        )
    };
    browser.eval(&search("POST 008"));
    assert_eq!(browser.eval(SHOWN), 1);
    browser.eval(&search(""));
    assert_eq!(browser.eval(SHOWN), 4);

    let filter = "document.querySelector('.flt .copy')";
    browser.eval(&format!("{filter}.click()"));
    for _ in 0..50 {
        if browser.eval(&format!("{filter}.textContent")) == "Copied" {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    assert_eq!(browser.eval(&format!("{filter}.textContent")), "Copied");

    // By keyboard: the first stop leads past the head, and a row opens.
    browser.eval("document.activeElement.blur()");
    browser.show(&page, 1_000, "light");
    browser.press("Tab", 9);
    assert_eq!(browser.eval("document.activeElement.className"), "skip");
    browser.eval("document.querySelectorAll('.fail > summary')[1].focus()");
    assert_eq!(browser.eval("document.querySelectorAll('.fail')[1].open"), false);
    browser.press("Enter", 13);
    assert_eq!(browser.eval("document.querySelectorAll('.fail')[1].open"), true);

    browser.eval("document.getElementById('theme').click()");
    assert_eq!(browser.eval("document.documentElement.dataset.theme"), "dark");
    browser.assert_quiet(&page);
}

/// The contrast of a text with what is behind it, at the least.
const CONTRAST: &str = "(() => {
  const channel = (part) => { part /= 255; return part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4; };
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
    return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0(\\.\\d+)?\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  let least = [99, ''];
  for (const one of document.querySelectorAll('body *')) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || ['SCRIPT', 'STYLE', 'TITLE', 'title', 'desc'].includes(one.tagName) || !one.getClientRects().length) continue;
    const style = getComputedStyle(one);
    const svg = one.namespaceURI.endsWith('svg');
    if (svg && one.closest('.badge')) continue;
    const colour = svg ? style.fill : style.color;
    const [a, b] = [light(colour), light(behind(one))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < least[0]) least = [ratio, `${one.tagName} ${one.className.baseVal ?? one.className} ${colour}`];
  }
  return least;
})()";

fn the_page_fits_a_phone_and_dark_and_paper() {
    let folder = TempDir::new().unwrap();
    let page = write_page(folder.path());
    let mut browser = Browser::open(folder.path());
    for scheme in ["light", "dark"] {
        for width in [360, 1_200] {
            browser.show(&page, width, scheme);
            let wide = browser.eval("document.documentElement.scrollWidth");
            assert_eq!(wide, width, "{scheme}: nothing is wider than the window");
            let least = browser.eval(CONTRAST);
            let ratio = least[0].as_f64().unwrap();
            assert!((4.5..30.0).contains(&ratio), "{scheme}, {width}: {least}");
        }
    }
    let printed = browser.ask("Page.printToPDF", json!({}));
    assert!(printed["data"].as_str().is_some_and(|data| data.len() > 10_000));
    browser.assert_quiet(&page);
}

/// What is wider than the window or cut off, and words of a drawing that stand on others or beyond its edge. Words
/// that are turned are compared where they are drawn: two are apart if a line can be drawn between them.
const FLAWS: &str = "(() => {
  const flaws = [];
  for (const one of document.querySelectorAll('body *:not(svg *):not(script):not(.skip):not(.defs)')) {
    const box = one.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    if (box.right > innerWidth + 1 || box.left < -1) flaws.push(`beyond the window: ${one.className}`);
  }
  const corners = (one) => {
    const box = one.getBBox(), m = one.getScreenCTM();
    return [[box.x, box.y + 2], [box.x + box.width, box.y + 2], [box.x + box.width, box.y + box.height - 2],
      [box.x, box.y + box.height - 2]].map(([x, y]) => [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f]);
  };
  const apart = (one, two) => [one, two].some((shape) => shape.some(([x, y], at) => {
    const [next, below] = shape[(at + 1) % 4], across = [y - below, next - x];
    const along = (points) => points.map(([a, b]) => (a * across[0] + b * across[1]) / Math.hypot(...across));
    const [a, b] = [along(one), along(two)];
    return Math.max(...a) <= Math.min(...b) + .8 || Math.max(...b) <= Math.min(...a) + .8;
  }));
  for (const drawing of document.querySelectorAll('svg')) {
    const edge = drawing.getBoundingClientRect();
    if (!edge.width || drawing.matches('.defs')) continue;
    const words = [...drawing.querySelectorAll('text, .badge circle')]
      .filter((one) => one.tagName === 'circle' || one.textContent.trim() && !one.closest('.badge'))
      .map((one) => [corners(one), one.textContent || `badge ${one.parentNode.textContent}`]);
    words.forEach(([shape, said], at) => {
      const out = ([x, y]) => x < edge.left - 1 || x > edge.right + 1 || y < edge.top - 2 || y > edge.bottom + 1;
      if (shape.some(out)) flaws.push(`beyond its drawing: ${said}`);
      for (const [other, says] of words.slice(at + 1)) {
        if (!apart(shape, other)) flaws.push(`on one another: ${said} | ${says}`);
      }
    });
  }
  return flaws;
})()";

/// Of each capture that is kept, so of each cause, with all failures open.
fn the_page_of_every_cause_is_whole() {
    let folder = TempDir::new().unwrap();
    let mut browser = Browser::open(folder.path());
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut cases: Vec<_> = captures.read_dir().unwrap().map(|case| case.unwrap().path()).collect();
    cases.retain(|case| case.is_dir());
    cases.sort();
    assert!(cases.len() > 20);
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let page = folder.path().join(format!("{name}.html"));
        let sides = ["proxy-side.pcap", "backend-side.pcap"].map(|side| case.join(side));
        let side = sides.iter().find(|side| side.exists()).unwrap();
        let typed = ["analyze", "--exit-zero", "--html", page.to_str().unwrap()];
        run(&[&typed[..], &[side.to_str().unwrap()]].concat());
        for (width, scheme) in [(360, "dark"), (1_200, "light")] {
            browser.show(&page, width, scheme);
            browser
                .eval("document.querySelectorAll('details').forEach(one => { one.open = true; })");
            assert_eq!(browser.eval(FLAWS), json!([]), "{name}, {width}");
            let least = browser.eval(CONTRAST);
            assert!((4.5..30.0).contains(&least[0].as_f64().unwrap()), "{name}, {scheme}: {least}");
        }
    }
}
