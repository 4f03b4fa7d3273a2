//! The four rules as an Extism plug-in: it reads a request as JSON and returns the names of the violated rules.

#![allow(missing_docs, unsafe_code)] // needed by the expansion of `#[plugin_fn]` only

use extism_pdk::{plugin_fn, FnResult};
use peers_rules::Request;

/// Decides a request.
#[plugin_fn]
pub fn decide(request: Vec<u8>) -> FnResult<String> {
    Ok(Request::read(&request)?.figures().broken().to_string())
}
