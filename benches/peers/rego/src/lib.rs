//! The four rules in Rego, and Regorus with them: interpreted, or compiled for its virtual machine.

use anyhow::Result;
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};
use std::sync::Arc;

/// The rules over the unchanged request.
pub const REQUEST: &str = include_str!("request.rego");

/// The rules over figures that the program has counted.
pub const FIGURES: &str = include_str!("figures.rego");

/// The set of the codes of all violated rules.
const RULE: &str = "data.peers.deny";

/// The interpreter with a policy.
#[derive(Clone)]
pub struct Interpreter(Engine);

impl Interpreter {
    /// Parses a policy.
    ///
    /// # Errors
    /// The policy cannot be parsed.
    pub fn new(policy: &str) -> Result<Self> {
        let mut engine = Engine::new();
        engine.add_policy("peers.rego".to_owned(), policy.to_owned())?;
        Ok(Self(engine))
    }

    /// Returns the set of the codes of the rules that `input` violates.
    ///
    /// # Errors
    /// The policy cannot be evaluated.
    pub fn denials(&mut self, input: Value) -> Result<Value> {
        self.0.set_input(input);
        let denials = self.0.eval_rule(RULE.to_owned())?;
        self.0.set_input(Value::Undefined);
        Ok(denials)
    }
}

/// A policy compiled for the virtual machine.
#[derive(Clone)]
pub struct Compiled(Arc<Program>);

impl Compiled {
    /// Compiles a policy.
    ///
    /// # Errors
    /// The policy cannot be parsed or compiled.
    pub fn new(policy: &str) -> Result<Self> {
        let compiled = Interpreter::new(policy)?.0.compile_with_entrypoint(&RULE.into())?;
        Ok(Self(Compiler::compile_from_policy(&compiled, &[RULE])?))
    }

    /// Returns a virtual machine with the policy.
    pub fn machine(&self) -> Machine {
        let mut machine = RegoVM::new();
        machine.load_program(Arc::clone(&self.0));
        machine.set_max_instructions(usize::MAX); // the default is 25,000
        Machine(machine)
    }
}

/// A virtual machine with a policy. It is kept from one decision to the next.
pub struct Machine(RegoVM);

impl Machine {
    /// Returns the set of the codes of the rules that `input` violates.
    ///
    /// # Errors
    /// The policy cannot be evaluated.
    pub fn denials(&mut self, input: Value) -> Result<Value> {
        self.0.set_input(input);
        let denials = self.0.execute()?;
        self.0.set_input(Value::Undefined);
        Ok(denials)
    }
}
