//! What the tests share.

pub mod altered;
pub mod mutation;
