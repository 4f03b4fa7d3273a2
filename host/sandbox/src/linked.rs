//! A policy of a component, linked: what an instance of it is made from.

use crate::bindings::PolicyIndices;
use crate::bindings::several::SelectionIndices;
use crate::bindings::types::Descriptor;
use crate::engine::Sandbox;
use crate::error::LoadError;
use crate::fault::Fault;
use crate::guest::{Exports, Guest};
use crate::limits::Meter;
use crate::refusal::{AdmissionError, check_max};
use reprieve_model::{did_you_mean, shorten};
use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, Instance, InstancePre};

/// What a component with several policies exports as well.
const SELECTION: [&str; 2] = ["policies", "select"];
/// The maximum number of policies in a component.
const MAX_POLICIES: u64 = 256;
/// The maximum length of the name of a policy in bytes.
const MAX_NAME_BYTES: usize = 64;
/// The maximum number of names in a message.
const MAX_NAMES: usize = 20;

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
    /// Checks the types of all functions.
    policy: PolicyIndices,
    exports: Exports,
    /// How it is selected, if it is not the first of its component.
    selection: Option<(ComponentExportIndex, u32)>,
}

impl Linked {
    /// Links the policy of a component that `select` selects.
    pub fn new(sandbox: &Sandbox, component: &Component, select: Select<'_>) -> Result<Self, LoadError> {
        let world = |error: wasmtime::Error| AdmissionError::World(format!("{error:#}"));
        let pre = sandbox.linker.instantiate_pre(component).map_err(world)?;
        let policy = PolicyIndices::new(&pre).map_err(world)?;
        let exports = Exports::of(component).map_err(world)?;
        let mut linked = Self { pre, policy, exports, selection: None };
        let [policies, selector] = SELECTION.map(|name| component.get_export_index(None, name));
        if let (Some(_), Some(selector)) = (policies, selector) {
            let index = match select {
                Select::Index(index) => index,
                Select::Only => Self::find(&linked.names(sandbox)?, None)?,
                Select::Named(name) => Self::find(&linked.names(sandbox)?, Some(name))?,
            };
            linked.selection = Some((selector, index)).filter(|(_, index)| *index > 0);
        }
        Ok(linked)
    }

    /// Asks the component for the names of its policies.
    fn names(&self, sandbox: &Sandbox) -> Result<Vec<String>, LoadError> {
        let selection = SelectionIndices::new(&self.pre);
        let selection = selection.map_err(|error| AdmissionError::World(format!("{error:#}")))?;
        let _slot = sandbox.slots.take();
        let _running = sandbox.ticker.run();
        let mut store = sandbox.store(None, 0, 0);
        let failed = |error: wasmtime::Error| Fault::of_instantiation(&error);
        let instance = self.pre.instantiate(&mut store).map_err(failed)?;
        let guest = selection.load(&mut store, &instance).map_err(failed)?;
        let mut names = guest.call_policies(&mut store).map_err(|error| Fault::of_call(&error))?;
        check_max("the number of policies", names.len() as u64, MAX_POLICIES)?;
        if names.is_empty() {
            return Err(AdmissionError::World("it says that it holds none".to_owned()).into());
        }
        // Suggestions take time that grows with the length of a name, and no policy has such a name.
        names.iter_mut().filter(|name| name.len() > MAX_NAME_BYTES).for_each(String::clear);
        Ok(names)
    }

    /// Finds a policy by its name, or the only one.
    fn find(names: &[String], wanted: Option<&str>) -> Result<u32, LoadError> {
        let Some(wanted) = wanted else {
            let several = || LoadError::Several { names: names.to_vec(), help: named(names) };
            return if names.len() == 1 { Ok(0) } else { Err(several()) };
        };
        let index = names.iter().zip(0..).find_map(|(name, index)| (name == wanted).then_some(index));
        index.ok_or_else(|| no_policy(wanted, names))
    }

    /// Creates an instance that serves this policy.
    pub fn instantiate(&self, store: &mut Store<Meter>) -> Result<Guest<'_>, Fault> {
        Ok(Guest { instance: self.selected(store)?, exports: &self.exports })
    }

    /// Checks the types of all functions of the policy, and asks it for its descriptor.
    pub fn describe(&self, store: &mut Store<Meter>) -> Result<Descriptor, Fault> {
        let instance = self.selected(store)?;
        let policy = self.policy.load(&mut *store, &instance);
        let policy = policy.map_err(|error| Fault::of_instantiation(&error))?;
        policy.call_describe(store).map_err(|error| Fault::of_call(&error))
    }

    fn selected(&self, store: &mut Store<Meter>) -> Result<Instance, Fault> {
        let failed = |error: wasmtime::Error| Fault::of_instantiation(&error);
        let instance = self.pre.instantiate(&mut *store).map_err(failed)?;
        if let Some((selector, index)) = &self.selection {
            let select = instance.get_typed_func::<(u32,), ()>(&mut *store, selector).map_err(failed)?;
            select.call(store, (*index,)).map_err(|error| Fault::of_call(&error))?;
        }
        Ok(instance)
    }
}

/// The error of a name that no policy of a component has.
pub(crate) fn no_policy(wanted: &str, names: &[String]) -> LoadError {
    let help = match did_you_mean(wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => named(names),
    };
    LoadError::NoPolicy { name: shorten(wanted, MAX_NAME_BYTES).into_owned(), help }
}

/// Says what to name.
fn named(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_NAMES).map(String::as_str).collect();
    let more = names.len() - shown.len();
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    format!("its policies are {}{more}; set `name` to one of them in its entry of the policy set", shown.join(", "))
}
