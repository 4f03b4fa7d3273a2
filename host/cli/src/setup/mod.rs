//! The arguments that several subcommands share: a policy set, a ledger and a request.

mod batch;
mod gate;
mod ledger;
mod policies;

pub use batch::{BatchArguments, Vetting, read_override};
pub use gate::GateArguments;
pub use ledger::{LedgerArguments, NAME_A_LEDGER};
pub use policies::{DEFAULT_CONFIG, PolicyArguments, WORKER, build, builtin_gate, equipped};
