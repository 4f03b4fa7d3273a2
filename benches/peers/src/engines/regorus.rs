//! Regorus: the four rules in Rego, interpreted and compiled for its virtual machine.

use super::{Decider, Engine, Part};
use crate::inputs::Input;
use anyhow::{Context, Result};
use peers_rules::{Request, Rules};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine as Interpreter, Value};
use std::str::from_utf8;

const RULE: &str = "data.peers.deny";

/// The rules over the unchanged request.
const REQUEST: &str = r#"
package peers

deny contains "kind-mismatch" if {
    some target in input.targets
    target.kind != input.target_kind
}

deny contains "too-many-tenants" if {
    tenants := {target.tenant | some target in input.targets}
    count(tenants) > {"hard": 60, "soft": 500}[input.mode]
}

deny contains "bad-ids" if {
    ids := {target.id | some target in input.targets}
    count(ids) != count(input.targets)
}

deny contains "bad-ids" if {
    some target in input.targets
    target.id == ""
}

deny contains "count-mismatch" if input.provenance.row_count != count(input.targets)
"#;

/// The rules over figures that the program has counted.
const FIGURES: &str = r#"
package peers

deny contains "kind-mismatch" if {
    some kind in input.kinds
    kind != input.target_kind
}

deny contains "too-many-tenants" if input.tenants > {"hard": 60, "soft": 500}[input.mode]

deny contains "bad-ids" if input.bad_ids > 0

deny contains "count-mismatch" if input.row_count != input.targets
"#;

pub fn engines() -> Result<Vec<Engine>> {
    let (whole, figures) = (interpreter(REQUEST)?, interpreter(FIGURES)?);
    let compiled = interpreter(REQUEST)?.compile_with_entrypoint(&RULE.into())?;
    let program = Compiler::compile_from_policy(&compiled, &[RULE])?;
    let machine = move || {
        let mut machine = RegoVM::new();
        machine.load_program(program.clone());
        machine.set_max_instructions(usize::MAX); // the default is 25,000
        machine
    };
    let (interpret, machine_too, count) = (whole.clone(), machine.clone(), figures.clone());
    Ok(vec![
        Engine::new("regorus", Part::Whole, move |input| {
            let mut engine = interpret.clone();
            Ok(Decider::plain(move || evaluate(&mut engine, parse(input)?)))
        }),
        Engine::new("regorus, its virtual machine", Part::Whole, move |input| {
            let mut machine = machine();
            Ok(Decider::plain(move || execute(&mut machine, parse(input)?)))
        }),
        Engine::new("regorus, figures counted by the program", Part::Whole, move |input| {
            let mut engine = count.clone();
            Ok(Decider::plain(move || {
                let request = Request::read(&input.json)?;
                evaluate(&mut engine, serde_json::to_value(request.figures())?.into())
            }))
        }),
        Engine::new("regorus", Part::Decide, move |input| {
            let (mut engine, value) = (whole.clone(), parse(input)?);
            Ok(Decider::plain(move || evaluate(&mut engine, value.clone())))
        }),
        Engine::new("regorus, its virtual machine", Part::Decide, move |input| {
            let (mut machine, value) = (machine_too(), parse(input)?);
            Ok(Decider::plain(move || execute(&mut machine, value.clone())))
        }),
        Engine::new("regorus, figures counted by the program", Part::Decide, move |input| {
            let value = Value::from(serde_json::to_value(Request::read(&input.json)?.figures())?);
            let mut engine = figures.clone();
            Ok(Decider::plain(move || evaluate(&mut engine, value.clone())))
        }),
    ])
}

fn interpreter(policy: &str) -> Result<Interpreter> {
    let mut engine = Interpreter::new();
    engine.add_policy("peers.rego".to_owned(), policy.to_owned())?;
    Ok(engine)
}

fn parse(input: &Input) -> Result<Value> {
    Value::from_json_str(from_utf8(&input.json)?)
}

fn evaluate(engine: &mut Interpreter, input: Value) -> Result<Rules> {
    engine.set_input(input);
    let broken = broken(&engine.eval_rule(RULE.to_owned())?);
    engine.set_input(Value::Undefined);
    broken
}

fn execute(machine: &mut RegoVM, input: Value) -> Result<Rules> {
    machine.set_input(input);
    let broken = broken(&machine.execute()?);
    machine.set_input(Value::Undefined);
    broken
}

fn broken(deny: &Value) -> Result<Rules> {
    let codes = deny.as_set()?.iter().map(|code| Ok(code.as_string()?.as_ref())).collect::<Result<Vec<&str>>>()?;
    Rules::named(codes).context("an unknown rule")
}
