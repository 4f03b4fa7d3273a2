//! Regorus: the four rules in Rego, interpreted and compiled for its virtual machine.

use super::{Decider, Engine, Part};
use crate::inputs::Input;
use anyhow::{Context, Result};
use peers_rego::{Compiled, FIGURES, Interpreter, REQUEST};
use peers_rules::{Request, Rules};
use regorus::Value;
use std::str::from_utf8;

pub fn engines() -> Result<Vec<Engine>> {
    let (whole, figures) = (Interpreter::new(REQUEST)?, Interpreter::new(FIGURES)?);
    let compiled = Compiled::new(REQUEST)?;
    let (interpret, compiled_too, count) = (whole.clone(), compiled.clone(), figures.clone());
    Ok(vec![
        Engine::new("regorus", Part::Whole, move |input| {
            let mut engine = interpret.clone();
            Ok(Decider::plain(move || broken(&engine.denials(parse(input)?)?)))
        }),
        Engine::new("regorus, its virtual machine", Part::Whole, move |input| {
            let mut machine = compiled.machine();
            Ok(Decider::plain(move || broken(&machine.denials(parse(input)?)?)))
        }),
        Engine::new("regorus, figures counted by the program", Part::Whole, move |input| {
            let mut engine = count.clone();
            Ok(Decider::plain(move || {
                let request = Request::read(&input.json)?;
                broken(&engine.denials(serde_json::to_value(request.figures())?.into())?)
            }))
        }),
        Engine::new("regorus", Part::Decide, move |input| {
            let (mut engine, value) = (whole.clone(), parse(input)?);
            Ok(Decider::plain(move || broken(&engine.denials(value.clone())?)))
        }),
        Engine::new("regorus, its virtual machine", Part::Decide, move |input| {
            let (mut machine, value) = (compiled_too.machine(), parse(input)?);
            Ok(Decider::plain(move || broken(&machine.denials(value.clone())?)))
        }),
        Engine::new("regorus, figures counted by the program", Part::Decide, move |input| {
            let value = Value::from(serde_json::to_value(Request::read(&input.json)?.figures())?);
            let mut engine = figures.clone();
            Ok(Decider::plain(move || broken(&engine.denials(value.clone())?)))
        }),
    ])
}

fn parse(input: &Input) -> Result<Value> {
    Value::from_json_str(from_utf8(&input.json)?)
}

fn broken(denials: &Value) -> Result<Rules> {
    let codes = denials.as_set()?.iter().map(|code| Ok(code.as_string()?.as_ref())).collect::<Result<Vec<&str>>>()?;
    Rules::named(codes).context("an unknown rule")
}
