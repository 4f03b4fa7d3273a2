//! No engine: the request read into structs, and the rules in plain Rust on one thread.

use super::{Decider, Engine, Part};
use crate::inputs::Input;
use anyhow::Result;
use peers_rules::{Census, Request, Rules, Target, TargetFile};
use serde_json::from_slice;

pub fn engines() -> Vec<Engine> {
    vec![
        Engine::new("native", Part::Whole, |input| Ok(Decider::plain(move || decide(input)))),
        Engine::new("native", Part::Decide, |input| {
            let request = Request::read(&input.json)?;
            Ok(Decider::plain(move || Ok(request.figures().broken())))
        }),
    ]
}

/// Reads the same bytes as Reprieve: a request with its targets in it, or in a file beside it.
fn decide(input: &Input) -> Result<Rules> {
    if let Ok(request) = Request::read(&input.request) {
        return Ok(request.figures().broken());
    }
    let request: Request<'_, TargetFile> = from_slice(&input.request)?;
    let lines = std::fs::read(input.folder.join(&request.targets.path))?;
    let mut census = Census::default();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        census.add(from_slice::<Target<'_>>(line)?);
    }
    Ok(census.finish(request.mode, &request.target_kind, request.provenance.row_count).broken())
}
