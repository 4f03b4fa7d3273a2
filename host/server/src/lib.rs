//! The service: decisions over HTTP.
//!
//! Every decision is made as the library makes it, and the append to the ledger is the decision: nothing is buffered that
//! could be lost. The status of an answer is the verdict (200 allow, 403 deny, 409 undecided), so a client that looks at
//! nothing else fails closed. A caller is what it authenticated as. The policy set is replaced as a whole or not at all.
//!
//! Order: `clock, error, problem < auth, tls, settings, signature < live < limiter, metrics, pool, telemetry < app < guard, body,
//! drafted, extract, route < api < console < routes < openapi < listen, watch < serve`.

mod api;
mod app;
mod auth;
mod body;
mod clock;
mod console;
mod drafted;
mod error;
mod extract;
mod guard;
mod limiter;
mod listen;
mod live;
mod metrics;
mod openapi;
mod pool;
mod problem;
mod route;
mod routes;
mod serve;
mod settings;
mod signature;
mod telemetry;
mod tls;
mod watch;

pub use error::ServeError;
pub use live::Equip;
pub use serve::{Options, Started, serve};
