//! The host side of the contract. It is generated from the same WIT file as the guest side.
#![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::expect_used)]

wasmtime::component::bindgen!({
    path: "../../sdk/wit",
    world: "policy",
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub use self::reprieve::policy::types;

/// What a component with several policies exports besides.
pub mod several {
    wasmtime::component::bindgen!({ path: "../../sdk/wit", world: "selection" });
}
