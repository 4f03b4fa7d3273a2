//! A service that runs in a folder, and its client.

use super::fixture::{CONFIG, command, fixture, says, write};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

/// A service that runs. It is killed when it is dropped.
pub struct Service {
    child: Child,
    pub url: String,
    log: Mutex<Receiver<String>>,
    agent: ureq::Agent,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The entry of the ledger that records the decision.
    pub fn entry(&self) -> u64 {
        self.json()["ledger"]["entry"].as_u64().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

/// A client that takes every status for an answer.
pub fn agent(config: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>) -> ureq::Agent {
    config.http_status_as_error(false).timeout_global(Some(Duration::from_secs(60))).build().new_agent()
}

impl Service {
    /// Starts a service in a folder, on a port that is free.
    pub fn start(fixture: &TempDir) -> Self {
        Self::start_with(fixture, "serve --listen 127.0.0.1:0", agent(ureq::Agent::config_builder()))
    }

    pub fn start_with(fixture: &TempDir, line: &str, agent: ureq::Agent) -> Self {
        Self::of_command(command(fixture, line), agent)
    }

    /// Starts a service by a command that runs it.
    pub fn of(command: Command) -> Self {
        Self::of_command(command, agent(ureq::Agent::config_builder()))
    }

    fn of_command(mut command: Command, agent: ureq::Agent) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (sender, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut service = Self { child, url: String::new(), log: Mutex::new(log), agent };
        let line = service.says("listening on");
        let message = serde_json::from_str::<Value>(&line).unwrap()["message"].as_str().unwrap().to_owned();
        service.url = message.trim_start_matches("listening on ").to_owned();
        service
    }

    /// Waits for a line of the log that contains a text.
    pub fn says(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.log.lock().unwrap().recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("the log does not say `{text}`:\n{}", seen.join("\n")),
            }
        }
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until the process has ended, and returns its exit status.
    pub fn ended(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call().unwrap())
    }

    /// Sends JSON, or whatever the text is, as JSON.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.post_with(path, body, &[])
    }

    pub fn post_with(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("Content-Type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send(body).unwrap())
    }
}

fn answer(response: ureq::http::Response<ureq::Body>) -> Answer {
    let (parts, mut body) = response.into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, text: body.read_to_string().unwrap() }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A soft delete of these apps, each of another tenant.
pub fn request(id: &str, apps: &[u32]) -> String {
    let target = |n: &u32| json!({ "id": format!("a-{n}"), "kind": "app", "tenant": format!("t-{n}") });
    let targets: Vec<Value> = apps.iter().map(target).collect();
    json!({ "id": id, "mode": "soft", "environment": "production", "target_kind": "app", "targets": targets })
        .to_string()
}

/// A policy set with callers: a submitter, an executor and an operator.
pub fn with_callers(more: &str) -> (TempDir, Vec<String>) {
    let fixture = fixture();
    let mut config = format!("{CONFIG}\n[serve]\n{more}");
    let mut tokens = Vec::new();
    for (name, roles) in [
        ("svc-submit", "[\"submit\"]"),
        ("svc-execute", "[\"execute\", \"read\"]"),
        ("ops", "[\"operate\", \"read\"]"),
    ] {
        let printed = says(&fixture, &format!("token {name}"), 0, &["[[serve.callers]]", "token_sha256"]);
        config += &printed.replace("[\"submit\", \"execute\"]", roles);
        tokens.push(std::fs::read_to_string(fixture.path().join(format!("{name}.token"))).unwrap());
    }
    write(&fixture, "reprieve.toml", &config);
    (fixture, tokens)
}
