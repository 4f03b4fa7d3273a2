//! Overrides, which only a gate with a ledger takes.

use crate::errors::Error;
use reprieve::Gate;
use reprieve::signed::{Override, OverrideDraft, Signing};
use std::path::Path;

/// Reads an override, and verifies its signatures.
pub fn read_override(path: &Path, gate: &Gate, signing: &Signing) -> Result<Override, Error> {
    if gate.ledger().is_none() {
        return Err(Error::request("an override is used once, which only a ledger can ensure")
            .with_help("name a ledger: `Gate(…, ledger=…)`"));
    }
    let verified = OverrideDraft::open(path)?.verify(&signing.override_keys()?);
    verified.map_err(|error| {
        let refused = Error::request(format!("{}: {error}", path.display()));
        match error.help() {
            Some(help) => refused.with_help(help),
            None => refused,
        }
    })
}
