//! The four rules as an Extism plug-in: a request as JSON goes in, and the names of the rules it breaks come out.

#![allow(missing_docs, unsafe_code)] // for what `#[plugin_fn]` expands to; there is none besides

use extism_pdk::{plugin_fn, FnResult};
use peers_rules::Request;

/// Decides a request.
#[plugin_fn]
pub fn decide(request: Vec<u8>) -> FnResult<String> {
    Ok(Request::read(&request)?.figures().broken().to_string())
}
