//! CEL: the four rules as expressions. Counting distinct values requires the `lists` extension.

use super::{Decider, Engine, Part};
use anyhow::{Context as _, Result, anyhow, bail};
use cel::{Context, Env, Program, Value, extensions};
use peers_rules::{Request, Rule, Rules};
use serde::Serialize;
use std::rc::Rc;
use std::sync::Arc;

/// Whether a rule is violated, over the unchanged request. Sorting makes equal ids adjacent. CEL has no variables, so a
/// list with one element names a value.
const REQUEST: [(Rule, &str); 4] = [
    (Rule::KindMismatch, "request.targets.exists(t, t.kind != request.target_kind)"),
    (
        Rule::TooManyTenants,
        "request.targets.map(t, t.tenant).distinct().size() > (request.mode == 'hard' ? 60 : 500)",
    ),
    (
        Rule::BadIds,
        "request.targets.exists(t, t.id == '') || [request.targets.map(t, t.id).sort()]
         .exists(ids, lists.range(ids.size() - 1).exists(i, ids[i] == ids[i + 1]))",
    ),
    (Rule::CountMismatch, "request.provenance.row_count != request.targets.size()"),
];

/// Whether a rule is violated, over figures that the program has counted.
const FIGURES: [(Rule, &str); 4] = [
    (Rule::KindMismatch, "request.kinds.exists(kind, kind != request.target_kind)"),
    (Rule::TooManyTenants, "request.tenants > (request.mode == 'hard' ? 60 : 500)"),
    (Rule::BadIds, "request.bad_ids > 0"),
    (Rule::CountMismatch, "request.row_count != request.targets"),
];

/// Expressions, and the environment in which they were compiled.
struct Policy {
    env: Arc<Env>,
    rules: Vec<(Rule, Program)>,
}

impl Policy {
    fn compile(expressions: &[(Rule, &str)]) -> Result<Rc<Self>> {
        let mut env = Env::stdlib();
        env.add_extension(extensions::lists).map_err(|error| anyhow!("{error}"))?;
        let compile = |(rule, text): &(Rule, &str)| {
            let program = env.compile(text).map_err(|error| anyhow!("{}: {error}", rule.code()))?;
            Ok((*rule, program))
        };
        let rules = expressions.iter().map(compile).collect::<Result<_>>()?;
        Ok(Rc::new(Self { env: Arc::new(env), rules }))
    }

    /// A context with the variable `request`.
    fn context(&self, request: impl Serialize) -> Result<Context<'static, 'static>> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.add_variable("request", request).map_err(|error| anyhow!("{error}"))?;
        Ok(context)
    }

    fn evaluate(&self, context: &Context) -> Result<Rules> {
        let mut broken = Vec::new();
        for (rule, program) in &self.rules {
            match program.execute(context).with_context(|| rule.code())? {
                Value::Bool(true) => broken.push(*rule),
                Value::Bool(false) => {}
                other => bail!("{} is {other:?}", rule.code()),
            }
        }
        Ok(broken.into_iter().collect())
    }
}

pub fn engines() -> Result<Vec<Engine>> {
    let policies = || Ok::<_, anyhow::Error>((Policy::compile(&REQUEST)?, Policy::compile(&FIGURES)?));
    let ((whole, counted), (again, counted_again)) = (policies()?, policies()?);
    Ok(vec![
        Engine::new("cel", Part::Whole, move |input| {
            let policy = Rc::clone(&whole);
            Ok(Decider::plain(move || policy.evaluate(&policy.context(Request::read(&input.json)?)?)))
        }),
        Engine::new("cel, figures counted by the program", Part::Whole, move |input| {
            let policy = Rc::clone(&counted);
            Ok(Decider::plain(move || policy.evaluate(&policy.context(Request::read(&input.json)?.figures())?)))
        }),
        Engine::new("cel", Part::Decide, move |input| {
            let (policy, context) = (Rc::clone(&again), again.context(Request::read(&input.json)?)?);
            Ok(Decider::plain(move || policy.evaluate(&context)))
        }),
        Engine::new("cel, figures counted by the program", Part::Decide, move |input| {
            let figures = counted_again.context(Request::read(&input.json)?.figures())?;
            let policy = Rc::clone(&counted_again);
            Ok(Decider::plain(move || policy.evaluate(&figures)))
        }),
    ])
}
