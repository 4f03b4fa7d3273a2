//! Extism: the four rules in a plug-in that is handed the whole request as JSON, in a WebAssembly sandbox.

use super::{Decider, Engine, Part};
use anyhow::{Context, Result};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};
use peers_rules::Rules;
use std::rc::Rc;

const PLUGIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugin.wasm"));

pub fn engines() -> Result<Vec<Engine>> {
    let manifest = Manifest::new([Wasm::data(PLUGIN)]);
    let compiled = Rc::new(CompiledPlugin::new(PluginBuilder::new(manifest).with_wasi(false))?);
    let fresh = Rc::clone(&compiled);
    Ok(vec![
        Engine::new("extism, a fresh instance", Part::Whole, move |input| {
            let compiled = Rc::clone(&fresh);
            Ok(Decider::plain(move || decide(&mut Plugin::new_from_compiled(&compiled)?, &input.json)))
        }),
        Engine::new("extism, the same instance", Part::Whole, move |input| {
            let mut plugin = Plugin::new_from_compiled(&compiled)?;
            Ok(Decider::plain(move || decide(&mut plugin, &input.json)))
        }),
    ])
}

fn decide(plugin: &mut Plugin, json: &[u8]) -> Result<Rules> {
    let codes: &str = plugin.call("decide", json)?;
    Rules::named(codes.split_terminator(' ')).context("an unknown rule")
}
