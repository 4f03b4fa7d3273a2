//! The settings of the service: the table `[serve]` of `reprieve.toml`.

use reprieve_model::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The service: where it listens, who may call it, and what a call may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServeSettings {
    /// The address and port it listens on; `127.0.0.1:7480` if it is not set. An address that other machines reach needs
    /// `tls` and `callers`.
    pub listen: Option<String>,
    /// The folder below which lists that a request names are read, below the folder of this file. Without it, a request has
    /// to contain its targets.
    pub lists: Option<String>,
    /// The maximum size of a request in MiB; 4 if it is not set.
    pub body: Option<u64>,
    /// How long a call may take; 30 seconds if it is not set.
    pub timeout: Option<Duration>,
    /// How many calls may wait for a decision; 256 if it is not set. Further ones are refused with status 503.
    pub waiting: Option<u32>,
    /// How many connections may be open; 10,000 if it is not set.
    pub connections: Option<u32>,
    /// How many calls a caller may make in a second; no limit if it is not set.
    pub rate: Option<u32>,
    /// How old the policy set may become: the time since it was last read and found valid. Later, the service is not ready
    /// and decides nothing. No limit if it is not set.
    pub max_age: Option<Duration>,
    /// The certificate of the service, and whose client certificates it accepts.
    pub tls: Option<TlsSettings>,
    /// The issuer of JSON Web Tokens.
    pub tokens: Option<TokenSettings>,
    /// Who may call it, and what for. Without any, everyone who can reach it may do everything.
    #[serde(default)]
    pub callers: Vec<CallerSettings>,
    /// The webhook that the API server of a Kubernetes cluster calls before it deletes. It is off if this is not set.
    pub kubernetes: Option<KubernetesSettings>,
    /// The run task that HCP Terraform or Terraform Enterprise calls before it applies a plan. It is off if this is not set.
    pub terraform: Option<TerraformSettings>,
}

/// The cluster whose API server calls the webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSettings {
    /// Its name, which is part of the name of every request.
    pub cluster: String,
    /// Its environment, for example `production`.
    pub environment: String,
    /// The kinds whose deletion loses nothing but stops what they run, each with its group: `Pod`, `Deployment.apps`. Its mode
    /// is `disable`. The deletion of every other kind is hard.
    #[serde(default)]
    pub disable: Vec<String>,
    /// What you state of every deletion of this cluster, as a request does: `reason`, `recovery`, `schedule`, `notice` and
    /// `campaign`, for example `claims = { schedule = { freeze = false } }`.
    #[serde(default)]
    pub claims: BTreeMap<String, Value>,
    /// How long after an allowed deletion the controllers of the cluster may delete what goes with it; one day if it is not
    /// set.
    pub follow_ups: Option<Duration>,
}

/// The run task: who calls it, and where plans are fetched from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TerraformSettings {
    /// The HMAC key of the run task: a file below the folder of `reprieve.toml` that only its owner can read, read again on
    /// a reload.
    pub key: String,
    /// The environment of every workspace that `workspaces` does not name.
    pub environment: String,
    /// The environments of workspaces by their names.
    #[serde(default)]
    pub workspaces: BTreeMap<String, String>,
    /// What you state of every plan, as a request does: `reason`, `recovery`, `schedule`, `notice` and `campaign`.
    #[serde(default)]
    pub claims: BTreeMap<String, Value>,
    /// The hosts that plans are fetched from and results are sent to, with the port if it is not 443; `app.terraform.io` and
    /// `archivist.terraform.io` if it is not set.
    pub hosts: Option<Vec<String>>,
    /// The maximum size of a plan in MiB; 32 if it is not set.
    pub plan: Option<u64>,
    /// The URL of this service for people, which results link to.
    pub url: Option<String>,
    /// Whether `http` is used for the loopback addresses among `hosts`, for tests. Every other host needs `https`.
    #[serde(default)]
    pub http_on_loopback: bool,
}

/// The certificate of the service. Both files are PEM, below the folder of `reprieve.toml`, and read again on a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// Its certificate and those up to the root, PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: String,
    /// The certificates that sign those of clients, PEM. Without it, clients need no certificate.
    pub clients: Option<String>,
}

/// How JSON Web Tokens are verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// The public keys of the issuer: a JSON Web Key Set below the folder of `reprieve.toml`, read again on a reload.
    pub keys: String,
    /// The `iss` that a token must have.
    pub issuer: String,
    /// The `aud` that a token must contain.
    pub audience: String,
}

/// Somebody who may call the service. One of `token_sha256`, `subject` and `certificate` tells who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallerSettings {
    /// Its name. It is the actor of what it submits.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// SHA-256 of its bearer token, lower-case hex; `reprieve token` makes both.
    pub token_sha256: Option<String>,
    /// The `sub` of its JSON Web Tokens.
    pub subject: Option<String>,
    /// The common name in its client certificate.
    pub certificate: Option<String>,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Ask for decisions.
    Submit,
    /// Take and verify permits, and record outcomes.
    Execute,
    /// Add signed approvals.
    Approve,
    /// Halt, resume and reload.
    Operate,
    /// Read decisions, policies and the console.
    Read,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Submit, Self::Execute, Self::Approve, Self::Operate, Self::Read];

    /// The word in `reprieve.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Execute => "execute",
            Self::Approve => "approve",
            Self::Operate => "operate",
            Self::Read => "read",
        }
    }
}
