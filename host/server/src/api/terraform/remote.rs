//! What the service calls itself: the plan, and where its result is sent to. Only hosts of the settings are called, by
//! `https`, with limits on time and size. The token goes to the host that the call named, and to no other one.

use crate::settings::DEFAULT_PLAN;
use axum::http::{Uri, header};
use reprieve::policy::TerraformSettings;
use std::net::IpAddr;
use std::time::Duration;

/// The hosts of HCP Terraform. A plan is a redirection to the second one.
const HOSTS: [&str; 2] = ["app.terraform.io", "archivist.terraform.io"];

/// The maximum number of redirections.
const MAX_REDIRECTIONS: usize = 4;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait before each further attempt to send a result.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8)];

/// The media type of a result.
const JSON_API: &str = "application/vnd.api+json";

/// A URL that may be called.
#[derive(Clone, Debug)]
pub(super) struct Address {
    uri: Uri,
    /// The host, with its port if it is not that of the scheme.
    host: String,
}

impl Address {
    /// Checks that a URL may be called. An error says why not.
    pub fn of(url: &str, settings: &TerraformSettings) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "the URL cannot be read".to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("the URL has no scheme or no host".to_owned());
        };
        if authority.as_str().contains('@') {
            return Err("the URL has a user in it".to_owned());
        }
        let name = authority.host().to_ascii_lowercase();
        let is_loopback = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let port = match scheme {
            "https" => 443,
            "http" if settings.http_on_loopback && is_loopback => 80,
            _ => return Err(format!("`{scheme}` is not used for the host `{name}`")),
        };
        let host = match authority.port_u16() {
            Some(other) if other != port => format!("{name}:{other}"),
            Some(_) => name,
            None if authority.as_str().len() == authority.host().len() => name,
            None => return Err("the port of the URL cannot be read".to_owned()),
        };
        let is_known = match &settings.hosts {
            Some(hosts) => hosts.iter().any(|known| known.eq_ignore_ascii_case(&host)),
            None => HOSTS.contains(&host.as_str()),
        };
        if !is_known {
            return Err(format!("the host `{host}` is not in `hosts`"));
        }
        Ok(Self { uri, host })
    }

    /// Whether another URL has the same host.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.host == other.host
    }
}

/// A client with the token of a call.
pub(super) struct Remote<'a> {
    settings: &'a TerraformSettings,
    token: &'a str,
    agent: ureq::Agent,
}

impl<'a> Remote<'a> {
    pub fn new(settings: &'a TerraformSettings, token: &'a str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("reprieve/", env!("CARGO_PKG_VERSION")));
        Self { settings, token, agent: config.build().new_agent() }
    }

    /// Fetches a plan. It blocks.
    pub fn fetch(&self, plan: &Address) -> Result<Vec<u8>, String> {
        let mebibytes = self.settings.plan.unwrap_or(DEFAULT_PLAN);
        let mut address = plan.clone();
        for _ in 0..=MAX_REDIRECTIONS {
            let mut call = self.agent.get(&address.uri);
            if address.is_beside(plan) {
                call = call.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
            }
            let mut answer = call.call().map_err(|error| error.to_string())?;
            match answer.status().as_u16() {
                200 => {
                    let body = answer.body_mut().with_config().limit(mebibytes << 20).read_to_vec();
                    return body.map_err(|error| match error {
                        ureq::Error::BodyExceedsLimit(_) => {
                            format!("it is larger than {mebibytes} MiB, which `[serve.terraform] plan` allows")
                        }
                        error => error.to_string(),
                    });
                }
                301 | 302 | 303 | 307 | 308 => {
                    let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
                    address = self.redirected(&address, to.ok_or("a redirection leads nowhere")?)?;
                }
                204 => return Err("it is not ready".to_owned()),
                status => return Err(format!("`{}` answered with status {status}", address.host)),
            }
        }
        Err("there are too many redirections".to_owned())
    }

    fn redirected(&self, from: &Address, to: &str) -> Result<Address, String> {
        if to.starts_with('/') && !to.starts_with("//") {
            let scheme = from.uri.scheme_str().unwrap_or("https");
            let authority = from.uri.authority().map_or("", |authority| authority.as_str());
            return Address::of(&format!("{scheme}://{authority}{to}"), self.settings);
        }
        Address::of(to, self.settings)
    }

    /// Sends a result, several times if it has to be. It blocks.
    pub fn send(&self, callback: &Address, document: &str) -> Result<(), String> {
        let mut pauses = PAUSES.iter();
        loop {
            let call = self
                .agent
                .patch(&callback.uri)
                .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
                .header(header::CONTENT_TYPE, JSON_API);
            let (failure, is_final) = match call.send(document) {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    let status = answer.status();
                    let is_final = !(status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429));
                    (format!("`{}` answered with status {}", callback.host, status.as_u16()), is_final)
                }
                Err(error) => (error.to_string(), false),
            };
            match pauses.next().filter(|_| !is_final) {
                Some(pause) => std::thread::sleep(*pause),
                None => return Err(failure),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn settings(hosts: Option<&[&str]>, http_on_loopback: bool) -> TerraformSettings {
        TerraformSettings {
            key: "key".to_owned(),
            environment: "production".to_owned(),
            workspaces: BTreeMap::new(),
            claims: BTreeMap::new(),
            hosts: hosts.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect()),
            plan: None,
            url: None,
            http_on_loopback,
        }
    }

    #[test]
    fn only_hosts_of_the_settings_are_called() {
        let hosted = settings(None, false);
        for url in
            ["https://app.terraform.io/x", "https://APP.terraform.io:443/x", "https://archivist.terraform.io/v1/o"]
        {
            assert!(Address::of(url, &hosted).is_ok(), "{url}");
        }
        for url in [
            "http://app.terraform.io/x",
            "https://app.terraform.io:8443/x",
            "https://app.terraform.io@evil.example/x",
            "https://app.terraform.io.evil.example/x",
            "https://evil.example/app.terraform.io",
            "https://127.0.0.1/x",
            "file:///etc/passwd",
            "//app.terraform.io/x",
            "/x",
            "",
            "https://app.terraform.io:/x",
            "https://app.terraform.io./x",
        ] {
            assert!(Address::of(url, &hosted).is_err(), "{url}");
        }
        let own = settings(Some(&["tfe.example:8443", "127.0.0.1:9"]), true);
        for (url, passes) in [
            ("https://tfe.example:8443/x", true),
            ("https://tfe.example/x", false),
            ("https://app.terraform.io/x", false),
            ("http://127.0.0.1:9/x", true),
            ("http://127.0.0.1:10/x", false),
            ("http://tfe.example:8443/x", false),
        ] {
            assert_eq!(Address::of(url, &own).is_ok(), passes, "{url}");
        }
        assert!(Address::of("http://127.0.0.1:9/x", &settings(Some(&["127.0.0.1:9"]), false)).is_err());
    }
}
