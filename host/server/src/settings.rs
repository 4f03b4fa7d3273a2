//! The settings of the service, checked.

use crate::error::ServeError;
use reprieve::model::Claims;
use reprieve::policy::ServeSettings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// The address that the service listens on if none is set.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:7480";

/// The maximum size of a plan in MiB if none is set.
pub(crate) const DEFAULT_PLAN: u64 = 32;

/// What a call may use. Unlike the callers and certificates, it does not change while the service runs.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The maximum size of a body in bytes.
    pub body: usize,
    /// The maximum time of a call.
    pub timeout: Duration,
    /// How many calls may wait for a decision.
    pub waiting: usize,
    /// How many connections may be open.
    pub connections: usize,
}

/// The largest body that can be set, in MiB. Longer lists are read from files.
const MAX_BODY: u64 = 64;

impl Limits {
    /// Checks the limits of the settings.
    pub fn of(settings: &ServeSettings) -> Result<Self, ServeError> {
        let body = settings.body.unwrap_or(4);
        if !(1..=MAX_BODY).contains(&body) {
            let message = format!("{body} MiB is not between 1 and {MAX_BODY}");
            return Err(ServeError::setting(
                "body",
                message,
                "set `lists`, and let requests name files in that folder",
            ));
        }
        let seconds = settings.timeout.map_or(30, |timeout| timeout.seconds());
        if !(1..=3_600).contains(&seconds) {
            let message = format!("{seconds} seconds are not between 1 second and 1 hour");
            return Err(ServeError::setting("timeout", message, "set for example `timeout = \"PT30S\"`"));
        }
        Ok(Self {
            body: usize::try_from(body << 20).unwrap_or(usize::MAX),
            timeout: Duration::from_secs(seconds),
            waiting: settings.waiting.unwrap_or(256) as usize,
            connections: settings.connections.unwrap_or(10_000).max(1) as usize,
        })
    }
}

/// What an operator may state of every deletion. The rest of a request is what the document says, and who asks.
const CLAIMS: [&str; 5] = ["campaign", "notice", "reason", "recovery", "schedule"];

/// The largest plan that can be set, in MiB.
const MAX_PLAN: u64 = 512;

/// Checks the settings of the webhooks.
pub(crate) fn check_webhooks(settings: &ServeSettings) -> Result<(), ServeError> {
    if let Some(kubernetes) = &settings.kubernetes {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if kubernetes.cluster.is_empty() || !kubernetes.cluster.chars().all(is_name) {
            let message = format!("`{}` is not a name of letters, digits, `-`, `_` and `.`", kubernetes.cluster);
            return Err(ServeError::setting("kubernetes.cluster", message, "name the cluster, for example `eu-1`"));
        }
        environment("kubernetes.environment", &kubernetes.environment)?;
        check_claims("kubernetes.claims", &kubernetes.claims)?;
    }
    if let Some(terraform) = &settings.terraform {
        environment("terraform.environment", &terraform.environment)?;
        check_claims("terraform.claims", &terraform.claims)?;
        for (workspace, name) in &terraform.workspaces {
            environment(&format!("terraform.workspaces.{workspace}"), name)?;
        }
        if terraform.hosts.as_ref().is_some_and(Vec::is_empty) {
            let message = "there is no host, so no plan can be fetched";
            return Err(ServeError::setting("terraform.hosts", message, "name the host of Terraform Enterprise"));
        }
        let plan = terraform.plan.unwrap_or(DEFAULT_PLAN);
        if !(1..=MAX_PLAN).contains(&plan) {
            let message = format!("{plan} MiB is not between 1 and {MAX_PLAN}");
            return Err(ServeError::setting("terraform.plan", message, "leave it out, or set for example 64"));
        }
    }
    Ok(())
}

fn check_claims(setting: &str, claims: &BTreeMap<String, Value>) -> Result<(), ServeError> {
    let help = "state only `campaign`, `notice`, `reason`, `recovery` and `schedule`, as `reprieve schema request` describes";
    if let Some(name) = claims.keys().find(|name| !CLAIMS.contains(&name.as_str())) {
        return Err(ServeError::setting(setting, format!("`{name}` cannot be stated for every deletion"), help));
    }
    let mut request = json!({ "id": "claims", "mode": "hard", "environment": "claims", "target_kind": "claims" });
    for (name, value) in claims {
        request[name] = value.clone();
    }
    match serde_json::from_value::<Claims>(request) {
        Ok(_) => Ok(()),
        Err(error) => Err(ServeError::setting(setting, error.to_string(), help)),
    }
}

fn environment(setting: &str, name: &str) -> Result<(), ServeError> {
    if name.trim().is_empty() {
        return Err(ServeError::setting(setting, "it is blank", "set for example `production`"));
    }
    Ok(())
}

/// Checks the address, and that only this machine can reach a service without authentication.
pub(crate) fn address(settings: &ServeSettings, listen: Option<&str>) -> Result<SocketAddr, ServeError> {
    let text = listen.or(settings.listen.as_deref()).unwrap_or(DEFAULT_LISTEN);
    let address: SocketAddr = text.parse().map_err(|_| {
        ServeError::setting(
            "listen",
            format!("`{text}` is not an address and a port"),
            "write for example `127.0.0.1:7480`",
        )
    })?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    let missing = match (&settings.tls, settings.callers.is_empty()) {
        (None, true) => "TLS and authentication are not set",
        (None, false) => "TLS is not set",
        (Some(_), true) => "authentication is not set",
        (Some(_), false) => return Ok(address),
    };
    let help = "add `[serve.tls]` and `[[serve.callers]]`, or listen on 127.0.0.1";
    Err(ServeError::setting("listen", format!("other machines can reach `{text}`, but {missing}"), help))
}
