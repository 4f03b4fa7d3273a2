//! The baseline without an engine: the request is read into structs, and the rules are plain Rust on one thread.

use super::{Decider, Engine, Part};
use crate::inputs::Input;
use anyhow::Result;
use peers_rules::{Counter, Request, Rules, Target, TargetFile};
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

/// Reads the same bytes as Reprieve: a request with inline targets, or with targets in a separate file.
fn decide(input: &Input) -> Result<Rules> {
    if let Ok(request) = Request::read(&input.request) {
        return Ok(request.figures().broken());
    }
    let request: Request<'_, TargetFile> = from_slice(&input.request)?;
    let lines = std::fs::read(input.folder.join(&request.targets.path))?;
    let mut counter = Counter::default();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        counter.add(from_slice::<Target<'_>>(line)?);
    }
    Ok(counter.finish(request.mode, &request.target_kind, request.provenance.row_count).broken())
}
