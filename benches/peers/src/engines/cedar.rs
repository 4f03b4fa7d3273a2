//! Cedar: the language compares but cannot count. Of the rules about a list of targets it can express only
//! `kind-mismatch`, with one authorization for each target or one for the set of kinds. Over figures that the program has
//! counted it can express all four rules.

use super::{Decider, Engine, Part};
use crate::inputs::Input;
use anyhow::{Context as _, Result, bail};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId,
    PolicySet, Request, RestrictedExpression as Value,
};
use peers_rules::{self as peers, Mode, Rule, Rules};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

const ALLOWED: &str = "permit(principal, action, resource);";

/// One authorization for each target, which is the resource.
const TARGET: &[(Rule, &str)] =
    &[(Rule::KindMismatch, "forbid(principal, action, resource) when { resource.kind != context.target_kind };")];

/// One authorization for the request, with the kinds of its targets as a set.
const KINDS: &[(Rule, &str)] = &[(
    Rule::KindMismatch,
    "forbid(principal, action, resource) when { ![context.target_kind].containsAll(context.kinds) };",
)];

/// One authorization for the request, over figures that the program has counted.
const FIGURES: &[(Rule, &str)] = &[
    KINDS[0],
    (
        Rule::TooManyTenants,
        r#"forbid(principal, action, resource)
           when { context.tenants > (if context.mode == "hard" then 60 else 500) };"#,
    ),
    (Rule::BadIds, "forbid(principal, action, resource) when { context.bad_ids > 0 };"),
    (Rule::CountMismatch, "forbid(principal, action, resource) when { context.row_count != context.targets };"),
];

pub fn engines() -> Result<Vec<Engine>> {
    let kind = Rules::only(Rule::KindMismatch);
    let (target, kinds, figures) = (Cedar::new(TARGET)?, Cedar::new(KINDS)?, Cedar::new(FIGURES)?);
    let mut engines = Vec::new();
    for part in Part::ALL {
        let engine = |name, cedar: &Rc<Cedar>, ask: Ask| {
            let cedar = Rc::clone(cedar);
            Engine::new(name, part, move |input| decider(part, Rc::clone(&cedar), ask, input))
        };
        engines.push(engine("cedar-policy, each target", &target, Cedar::targets).only(kind));
        engines.push(engine("cedar-policy, the set of kinds", &kinds, Cedar::kinds).only(kind));
        engines.push(engine("cedar-policy, figures counted by the program", &figures, Cedar::figures));
    }
    Ok(engines)
}

fn decider(part: Part, cedar: Rc<Cedar>, ask: Ask, input: &Input) -> Result<Decider<'_>> {
    Ok(match part {
        Part::Whole => Decider::plain(move || {
            let mut forbidding = HashSet::new();
            ask(&cedar, &Targets::read(&input.json)?, &mut |question| cedar.decide(&question, &mut forbidding))?;
            named(&forbidding)
        }),
        Part::Decide => {
            let mut questions = Vec::new();
            ask(&cedar, &Targets::read(&input.json)?, &mut |question| {
                questions.push(question);
                Ok(())
            })?;
            Decider::plain(move || {
                let mut forbidding = HashSet::new();
                questions.iter().try_for_each(|question| cedar.decide(question, &mut forbidding))?;
                named(&forbidding)
            })
        }
    })
}

type Targets<'a> = peers::Request<'a, Vec<peers::Target<'a>>>;

/// A request to the authorizer, with its entities.
type Question = (Request, Entities);

/// Passes on every authorization that a request requires.
type Ask = fn(&Cedar, &Targets<'_>, &mut dyn FnMut(Question) -> Result<()>) -> Result<()>;

/// Policies, each named after its rule.
struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    target: EntityTypeName,
    whole: EntityUid,
    principal: EntityUid,
    action: EntityUid,
}

impl Cedar {
    fn new(policies: &[(Rule, &str)]) -> Result<Rc<Self>> {
        let mut set = PolicySet::new();
        set.add(Policy::parse(Some(PolicyId::new("allowed")), ALLOWED)?)?;
        for (rule, text) in policies {
            set.add(Policy::parse(Some(PolicyId::new(rule.code())), text)?)?;
        }
        Ok(Rc::new(Self {
            authorizer: Authorizer::new(),
            policies: set,
            target: "Target".parse()?,
            whole: r#"Request::"peers/1""#.parse()?,
            principal: r#"Service::"cleanup""#.parse()?,
            action: r#"Action::"delete""#.parse()?,
        }))
    }

    /// Decides a question, and collects the policies that forbid it.
    fn decide(&self, (request, entities): &Question, forbidding: &mut HashSet<PolicyId>) -> Result<()> {
        let response = self.authorizer.is_authorized(request, &self.policies, entities);
        if let Some(error) = response.diagnostics().errors().next() {
            bail!("{error}");
        }
        if response.decision() == Decision::Deny {
            forbidding.extend(response.diagnostics().reason().cloned());
        }
        Ok(())
    }

    fn targets(&self, request: &Targets<'_>, each: &mut dyn FnMut(Question) -> Result<()>) -> Result<()> {
        let context = Context::from_pairs([("target_kind".to_owned(), text(&request.target_kind))])?;
        for target in &request.targets {
            let uid = EntityUid::from_type_name_and_id(self.target.clone(), EntityId::new(&target.id));
            let attributes = HashMap::from([("kind".to_owned(), text(&target.kind))]);
            let entity = Entity::new(uid.clone(), attributes, HashSet::new())?;
            each((self.request(&uid, context.clone())?, Entities::from_entities([entity], None)?))?;
        }
        Ok(())
    }

    fn kinds(&self, request: &Targets<'_>, each: &mut dyn FnMut(Question) -> Result<()>) -> Result<()> {
        let kinds = Value::new_set(request.targets.iter().map(|target| text(&target.kind)));
        each(self.one([("target_kind", text(&request.target_kind)), ("kinds", kinds)])?)
    }

    fn figures(&self, request: &Targets<'_>, each: &mut dyn FnMut(Question) -> Result<()>) -> Result<()> {
        let figures = request.figures();
        let number = |number: usize| Ok::<_, anyhow::Error>(Value::new_long(i64::try_from(number)?));
        each(self.one([
            ("mode", text(if figures.mode == Mode::Hard { "hard" } else { "soft" })),
            ("target_kind", text(&figures.target_kind)),
            ("kinds", Value::new_set(figures.kinds.iter().map(|kind| text(kind)))),
            ("tenants", number(figures.tenants)?),
            ("bad_ids", number(figures.bad_ids)?),
            ("row_count", number(figures.row_count)?),
            ("targets", number(figures.targets)?),
        ])?)
    }

    /// The only question about a request.
    fn one<const N: usize>(&self, context: [(&str, Value); N]) -> Result<Question> {
        let context = Context::from_pairs(context.map(|(name, value)| (name.to_owned(), value)))?;
        Ok((self.request(&self.whole, context)?, Entities::empty()))
    }

    fn request(&self, resource: &EntityUid, context: Context) -> Result<Request> {
        Ok(Request::new(self.principal.clone(), self.action.clone(), resource.clone(), context, None)?)
    }
}

/// The rules that policies are named after.
fn named(policies: &HashSet<PolicyId>) -> Result<Rules> {
    Rules::named(policies.iter().map(AsRef::as_ref)).context("a policy has an unknown name")
}

fn text(text: &str) -> Value {
    Value::new_string(text.to_owned())
}
