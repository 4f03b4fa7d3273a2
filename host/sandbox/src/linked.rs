//! A policy of a component, linked: what an instance of it is made from.

use crate::bindings::several::{Selection, SelectionIndices};
use crate::bindings::{Policy, PolicyIndices};
use crate::engine::Sandbox;
use crate::error::LoadError;
use crate::fault::Fault;
use crate::limits::Meter;
use crate::refusal::AdmissionError;
use reprieve_model::{did_you_mean, shorten};
use wasmtime::Store;
use wasmtime::component::{Component, InstancePre};

/// The maximum number of names in a message.
const MAX_NAMES: usize = 20;
/// The maximum length of each in characters.
const MAX_NAME_CHARS: usize = 64;

/// What selects a policy of a component.
#[derive(Clone, Copy)]
pub(crate) enum Select<'a> {
    /// The only policy of the component.
    Only,
    /// The policy of this name.
    Named(&'a str),
    /// The policy with this index.
    Index(u32),
}

/// A policy of a component.
pub(crate) struct Linked {
    pre: InstancePre<Meter>,
    policy: PolicyIndices,
    /// How it is selected, if the component has several.
    selection: Option<(SelectionIndices, u32)>,
}

impl Linked {
    /// Links the policy of a component that `select` selects.
    pub fn new(sandbox: &Sandbox, component: &Component, select: Select<'_>) -> Result<Self, LoadError> {
        let world = |error: wasmtime::Error| AdmissionError::World(format!("{error:#}"));
        let pre = sandbox.linker.instantiate_pre(component).map_err(world)?;
        let policy = PolicyIndices::new(&pre).map_err(world)?;
        let several = component.get_export_index(None, "select").is_some();
        let selection = several.then(|| SelectionIndices::new(&pre)).transpose().map_err(world)?;
        let mut linked = Self { pre, policy, selection: None };
        if let Some(selection) = selection {
            let index = match select {
                Select::Index(index) => index,
                Select::Only | Select::Named(_) => linked.index(sandbox, &selection, select)?,
            };
            linked.selection = Some((selection, index)).filter(|(_, index)| *index > 0);
        }
        Ok(linked)
    }

    /// Asks the component for the names of its policies, and finds the selected one.
    fn index(&self, sandbox: &Sandbox, selection: &SelectionIndices, select: Select<'_>) -> Result<u32, LoadError> {
        let mut store = sandbox.store(None, 0, 0);
        let instance = self.pre.instantiate(&mut store).map_err(|error| Fault::of_instantiation(&error))?;
        let names = selection
            .load(&mut store, &instance)
            .and_then(|guest: Selection| guest.call_policies(&mut store))
            .map_err(|error| Fault::of_call(&error))?;
        let wanted = match select {
            Select::Named(name) => name,
            Select::Index(_) | Select::Only if names.len() == 1 => return Ok(0),
            Select::Index(_) | Select::Only => return Err(LoadError::Several { help: named(&names) }),
        };
        let index = names.iter().zip(0..).find_map(|(name, index)| (name == wanted).then_some(index));
        index.ok_or_else(|| no_policy(wanted, &names))
    }

    /// Creates an instance that serves this policy.
    pub fn instantiate(&self, store: &mut Store<Meter>) -> Result<Policy, Fault> {
        let instance = self.pre.instantiate(&mut *store).map_err(|error| Fault::of_instantiation(&error))?;
        let loaded = self.policy.load(&mut *store, &instance);
        if let Some((selection, index)) = &self.selection {
            let selected = selection.load(&mut *store, &instance).and_then(|guest| guest.call_select(store, *index));
            selected.map_err(|error| Fault::of_call(&error))?;
        }
        loaded.map_err(|error| Fault::of_call(&error))
    }
}

/// The error of a name that no policy of a component has.
pub(crate) fn no_policy(wanted: &str, names: &[String]) -> LoadError {
    let help = match did_you_mean(wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => named(names),
    };
    LoadError::NoPolicy { name: shorten(wanted, MAX_NAME_CHARS).into_owned(), help }
}

/// Says what to name.
fn named(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(MAX_NAMES).map(|name| shorten(name, MAX_NAME_CHARS)).collect();
    let more = names.len().saturating_sub(shown.len());
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    format!("its policies are {}{more}; set `name` to one of them", shown.join(", "))
}
