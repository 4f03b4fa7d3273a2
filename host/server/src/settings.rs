//! The settings of the service, checked.

use crate::error::ServeError;
use reprieve::policy::ServeSettings;
use std::net::SocketAddr;
use std::time::Duration;

/// The address that the service listens on if none is set.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:7480";

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
