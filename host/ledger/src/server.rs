//! Connections to a PostgreSQL server, for the ledger and for other programs that read a database.

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use std::error::Error;
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long to wait for a connection, and for an answer to what was sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// What every session has: a row policy that would hide rows is an error, and no lock is waited for without end.
const SESSION_SETTINGS: &str =
    "SET row_security = off; SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = '120s'";

/// A PostgreSQL server that could not be used. No message contains a password.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The URL is invalid. What it contains is not shown, because it may be a password.
    #[error("the URL is invalid")]
    Url,
    /// This machine has no root certificates.
    #[error("this machine has no root certificates to verify the server with")]
    NoCertificates,
    /// The server refused, or did not answer. The message has its causes.
    #[error("{}", message(.0))]
    Server(postgres::Error),
}

impl From<postgres::Error> for ServerError {
    fn from(error: postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl ServerError {
    /// What to do about it.
    pub const fn help(&self) -> Option<&'static str> {
        match self {
            Self::Url => Some("write it as `postgres://user@host:5432/database`"),
            Self::NoCertificates => {
                Some("install `ca-certificates`, set SSL_CERT_FILE, or add `sslmode=disable` to the URL")
            }
            Self::Server(_) => None,
        }
    }
}

/// A PostgreSQL server and how to connect to it.
#[derive(Clone)]
pub struct Server {
    config: Config,
}

impl Server {
    /// Reads a URL. `password` is used if the URL contains none.
    ///
    /// # Errors
    /// [`ServerError::Url`]
    pub fn new(url: &str, password: Option<&str>) -> Result<Self, ServerError> {
        // The error of the parser is dropped, because it may contain the password.
        let mut config: Config = url.parse().map_err(|_| ServerError::Url)?;
        if let (None, Some(password)) = (config.get_password(), password) {
            config.password(password);
        }
        config.application_name("reprieve").connect_timeout(CONNECT_TIMEOUT);
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
        if is_remote(&config) && config.get_ssl_mode() != SslMode::Disable {
            // Otherwise an attacker on the network could claim that the server does not support TLS.
            config.ssl_mode(SslMode::Require);
        }
        Ok(Self { config })
    }

    /// Connects with TLS, unless the URL contains `sslmode=disable` or the server is reached through a socket of this
    /// machine. This machine has to trust the certificate of the server. In the session, a row policy that would hide rows
    /// is an error.
    ///
    /// # Errors
    /// [`ServerError`] if the server cannot be reached, refuses, or is not trusted.
    pub fn connect(&self) -> Result<Client, ServerError> {
        let mut client = if !is_remote(&self.config) || self.config.get_ssl_mode() == SslMode::Disable {
            self.config.connect(NoTls)?
        } else {
            let (tls, _) = MakeRustlsConnect::with_native_certs().map_err(|_| ServerError::NoCertificates)?;
            self.config.connect(tls)?
        };
        client.batch_execute(SESSION_SETTINGS)?;
        Ok(client)
    }
}

/// Whether the server is reached through the network, not through a socket of this machine.
fn is_remote(config: &Config) -> bool {
    !config.get_hostaddrs().is_empty() || config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)))
}

/// The message of an error. That of the server is appended, because the client's own leaves it out.
pub(crate) fn message(error: &postgres::Error) -> String {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{cause}")
}
