//! An instance of a policy, and calls of its functions. A call looks its function up and checks its type, so an instance pays
//! only for what is called. When a policy is loaded, the types of all functions are checked.

use crate::bindings::types::{Blob, Chunk, Finding, Input};
use crate::limits::Meter;
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower};
use wasmtime::{Result, Store};

/// The functions of the world `policy` that an instance may serve after its policy is loaded.
pub(crate) struct Exports {
    validate: ComponentExportIndex,
    begin: ComponentExportIndex,
    observe: ComponentExportIndex,
    save: ComponentExportIndex,
    merge: ComponentExportIndex,
    finish: ComponentExportIndex,
}

impl Exports {
    /// Finds the functions of a component.
    pub fn of(component: &Component) -> Result<Self> {
        let find = |name| {
            let index = component.get_export_index(None, name);
            index.ok_or_else(|| wasmtime::Error::msg(format!("it does not export `{name}`")))
        };
        Ok(Self {
            validate: find("validate")?,
            begin: find("begin")?,
            observe: find("observe")?,
            save: find("save")?,
            merge: find("merge")?,
            finish: find("finish")?,
        })
    }
}

/// An instance of a policy. A call returns an error if the instance trapped, and the message of the policy if that declined.
pub(crate) struct Guest<'a> {
    pub instance: Instance,
    pub exports: &'a Exports,
}

impl Guest<'_> {
    pub fn validate(
        &self,
        store: &mut Store<Meter>,
        settings: &str,
        data: &[Blob<'_>],
    ) -> Result<Result<(), String>> {
        call(store, &self.instance, &self.exports.validate, (settings, data))
    }

    pub fn begin(&self, store: &mut Store<Meter>, input: Input<'_>) -> Result<Result<(), String>> {
        call(store, &self.instance, &self.exports.begin, (input,))
    }

    pub fn observe(&self, store: &mut Store<Meter>, chunk: Chunk<'_>) -> Result<Result<(), String>> {
        call(store, &self.instance, &self.exports.observe, (chunk,))
    }

    pub fn save(&self, store: &mut Store<Meter>) -> Result<Vec<u8>> {
        call(store, &self.instance, &self.exports.save, ())
    }

    pub fn merge(&self, store: &mut Store<Meter>, state: &[u8]) -> Result<Result<(), String>> {
        call(store, &self.instance, &self.exports.merge, (state,))
    }

    pub fn finish(&self, store: &mut Store<Meter>) -> Result<Result<Vec<Finding>, String>> {
        call(store, &self.instance, &self.exports.finish, ())
    }
}

/// Calls a function with one result.
fn call<P: ComponentNamedList + Lower, R: Lift + 'static>(
    store: &mut Store<Meter>,
    instance: &Instance,
    function: &ComponentExportIndex,
    parameters: P,
) -> Result<R>
where
    (R,): ComponentNamedList,
{
    let function = instance.get_typed_func::<P, (R,)>(&mut *store, function)?;
    Ok(function.call(store, parameters)?.0)
}
