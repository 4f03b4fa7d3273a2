//! What a module exports: the policies it holds, and the one pass that an instance makes.

use super::types;
use crate::{Blob, Descriptor, Policy, Session};
use std::cell::{Cell, RefCell};

/// A policy of a module.
pub struct Export {
    pub name: &'static str,
    describe: fn() -> Descriptor,
    validate: fn(&str, &[Blob]) -> Result<(), String>,
    begin: fn(String, &str, Vec<Blob>) -> Result<Box<dyn Pass>, String>,
}

impl Export {
    pub const fn of<P: Policy>() -> Self {
        Self {
            name: P::NAME,
            describe: crate::describe::<P>,
            validate: crate::validate::<P>,
            begin: |review, settings, data| Ok(Box::new(Session::<P>::begin(review, settings, data)?)),
        }
    }
}

/// A pass of some policy.
trait Pass {
    fn observe(&mut self, chunk: crate::Chunk);
    fn save(&self) -> Result<Vec<u8>, String>;
    fn merge(&mut self, state: &[u8]) -> Result<(), String>;
    fn finish(&self) -> Vec<crate::Finding>;
}

impl<P: Policy> Pass for Session<P> {
    fn observe(&mut self, chunk: crate::Chunk) {
        Self::observe(self, chunk);
    }

    fn save(&self) -> Result<Vec<u8>, String> {
        Self::save(self)
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), String> {
        Self::merge(self, state)
    }

    fn finish(&self) -> Vec<crate::Finding> {
        Self::finish(self)
    }
}

thread_local! {
    static SELECTED: Cell<usize> = const { Cell::new(0) };
    static PASS: RefCell<Option<Box<dyn Pass>>> = const { RefCell::new(None) };
}

/// Selects a policy. A number that no policy has is a trap, and so a fault.
pub fn select(policy: u32, count: usize) {
    assert!((policy as usize) < count, "there is no policy {policy}");
    SELECTED.set(policy as usize);
}

fn selected(exports: &'static [Export]) -> &'static Export {
    &exports[SELECTED.get()]
}

pub fn describe(exports: &'static [Export]) -> types::Descriptor {
    (selected(exports).describe)().into()
}

pub fn validate(exports: &'static [Export], settings: &str, data: Vec<types::Blob>) -> Result<(), String> {
    (selected(exports).validate)(settings, &blobs(data))
}

pub fn begin(exports: &'static [Export], input: types::Input) -> Result<(), String> {
    let pass = (selected(exports).begin)(input.review, &input.settings, blobs(input.data))?;
    PASS.set(Some(pass));
    Ok(())
}

pub fn observe(chunk: types::Chunk) -> Result<(), String> {
    pass(|pass| Ok(pass.observe(chunk.into())))
}

pub fn save() -> Vec<u8> {
    // The contract lets `save` fail only by trapping.
    pass(|pass| pass.save()).expect("`begin` was called, and the state can be serialized")
}

pub fn merge(state: &[u8]) -> Result<(), String> {
    pass(|pass| pass.merge(state))
}

pub fn finish() -> Result<Vec<types::Finding>, String> {
    pass(|pass| Ok(pass.finish().into_iter().map(Into::into).collect()))
}

fn pass<T>(with: impl FnOnce(&mut dyn Pass) -> Result<T, String>) -> Result<T, String> {
    PASS.with_borrow_mut(|pass| match pass {
        Some(pass) => with(pass.as_mut()),
        None => Err("`begin` was not called".to_owned()),
    })
}

fn blobs(data: Vec<types::Blob>) -> Vec<Blob> {
    data.into_iter().map(Into::into).collect()
}
