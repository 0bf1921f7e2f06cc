//! A browser, driven over the WebDriver protocol (W3C, 2018) by chromedriver.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// Set where a missing browser is a failure.
const REQUIRED: &str = "BROWSER_REQUIRED";

pub(crate) struct Browser {
    driver: Child,
    /// Kept open, because the driver may print more.
    _output: BufReader<ChildStdout>,
    port: u16,
    session: String,
}

/// WebDriver's code for a key without a letter.
pub(crate) mod key {
    pub(crate) const TAB: &str = "\u{e004}";
    pub(crate) const ENTER: &str = "\u{e007}";
    pub(crate) const ESCAPE: &str = "\u{e00c}";
    pub(crate) const END: &str = "\u{e010}";
    pub(crate) const HOME: &str = "\u{e011}";
    pub(crate) const LEFT: &str = "\u{e012}";
    pub(crate) const UP: &str = "\u{e013}";
    pub(crate) const RIGHT: &str = "\u{e014}";
    pub(crate) const DOWN: &str = "\u{e015}";
}

impl Browser {
    /// Opens a window, or says that there is no browser.
    #[expect(clippy::disallowed_methods, reason = "whether a browser is required is asked here")]
    pub(crate) fn open() -> Option<Self> {
        let started = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn();
        let mut driver = match started {
            Ok(driver) => driver,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let required = std::env::var_os(REQUIRED).is_some();
                assert!(!required, "there is no chromedriver, and {REQUIRED} is set");
                // Not with `eprintln!`, which the test harness captures.
                let text = "skipped: there is no browser to look at the page with (Debian: apt-get \
                            install chromium chromium-driver)\n";
                std::io::stderr().write_all(text.as_bytes()).expect("there is a stderr");
                return None;
            }
            Err(error) => panic!("chromedriver: {error}"),
        };
        let mut output = BufReader::new(driver.stdout.take().expect("it is piped"));
        let port = output.by_ref().lines().find_map(|line| {
            let line = line.expect("it prints text");
            let port = line.split("successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse().ok()
        });
        let port = port.expect("chromedriver says where it listens");
        let mut browser = Self { driver, _output: output, port, session: String::new() };
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1400,900",
        ];
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let made = browser.send("POST", "/session", &capabilities);
        made["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        Some(browser)
    }

    pub(crate) fn load(&self, page: &Path) {
        let url = format!("file://{}", page.display()).replace('#', "%23");
        self.post("/url", &json!({ "url": url }));
        assert_eq!(self.text("return document.documentElement.dataset.drawn"), "true");
    }

    /// What a script returns.
    pub(crate) fn eval(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    pub(crate) fn text(&self, script: &str) -> String {
        let value = self.eval(script);
        value.as_str().unwrap_or_else(|| panic!("{script}: {value}")).to_owned()
    }

    pub(crate) fn number(&self, script: &str) -> i64 {
        let value = self.eval(script);
        value.as_f64().unwrap_or_else(|| panic!("{script}: {value}")).round() as i64
    }

    /// Presses keys, one after another.
    pub(crate) fn press(&self, keys: &str) {
        let keys = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|what| json!({ "type": what, "value": key.to_string() }))
        });
        let keys: Vec<_> = keys.collect();
        self.post(
            "/actions",
            &json!({ "actions": [{ "type": "key", "id": "keys", "actions": keys }] }),
        );
    }

    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({ "width": width, "height": height }));
        // The page sees it in its next frame.
        let frames =
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))";
        self.post("/execute/async", &json!({ "script": frames, "args": [] }));
    }

    /// What the system prefers: `dark` or `light`.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = [json!({ "name": "prefers-color-scheme", "value": scheme })];
        let params = json!({ "features": features });
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": params });
        self.post("/goog/cdp/execute", &command);
    }

    /// What the console has printed since the last call.
    pub(crate) fn complaints(&self) -> Value {
        self.post("/se/log", &json!({ "type": "browser" }))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.send("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it is not zero");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut reply = BufReader::new(stream);
        let mut length = 0;
        // The connection stays open: how long the answer is stands in its head.
        for line in reply.by_ref().lines() {
            let line = line.expect("it answers within a minute").to_ascii_lowercase();
            if let Some(number) = line.strip_prefix("content-length:") {
                length = number.trim().parse().expect("a number");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        reply.read_exact(&mut answer).expect("it answers in full");
        let answer: Value = serde_json::from_slice(&answer).expect("it answers in JSON");
        let value = &answer["value"];
        assert!(value["error"].is_null(), "{method} {path} {body}: {value}");
        value.clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.send("DELETE", &format!("/session/{}", self.session), &json!({}));
        }
        // It takes the browser with it.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
