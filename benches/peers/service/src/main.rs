//! Regorus as a service: `cargo run --release -p peers-service -- [PORT]`, beside which `reprieve serve` is measured.
//!
//! It decides with the four rules of these benches on the virtual machine of Regorus. It records nothing and has no
//! authentication. It listens on 127.0.0.1 only.

mod serve;

use anyhow::{Context, Result};
use peers_rego::{Compiled, Machine, REQUEST};
use regorus::Value;
use serde_json::json;
use serve::{Answer, serve};
use std::cell::RefCell;
use std::str::from_utf8;

/// The port if none is named. That of `reprieve serve` is one less.
const DEFAULT_PORT: u16 = 7481;

thread_local! {
    /// The machine of this thread, kept from one call to the next.
    static MACHINE: RefCell<Option<Machine>> = const { RefCell::new(None) };
}

fn main() -> Result<()> {
    let port = match std::env::args().nth(1) {
        None => DEFAULT_PORT,
        Some(text) => text.parse().with_context(|| format!("`{text}` is not a port"))?,
    };
    let compiled = Compiled::new(REQUEST)?;
    let decide = move |body: &[u8]| decide(&compiled, body).map_err(|error| error.to_string());
    let address = format!("127.0.0.1:{port}");
    serve(&address, decide).with_context(|| format!("cannot listen on {address}"))
}

fn decide(compiled: &Compiled, body: &[u8]) -> Result<Answer> {
    let input = Value::from_json_str(from_utf8(body)?)?;
    let denials = MACHINE.with_borrow_mut(|machine| {
        machine.get_or_insert_with(|| compiled.machine()).denials(input).inspect_err(|_| *machine = None)
    })?;
    let codes = denials.as_set()?.iter().map(|code| Ok(code.as_string()?.as_ref())).collect::<Result<Vec<&str>>>()?;
    let is_allowed = codes.is_empty();
    let decision = if is_allowed { "allow" } else { "deny" };
    let json = serde_json::to_vec(&json!({ "decision": decision, "codes": codes }))?;
    Ok(Answer { is_allowed, json })
}
