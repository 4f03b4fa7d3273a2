//! What the tests share.

pub mod asking;
pub mod fixture;
pub mod hostile;
pub mod hostile_text;
pub mod running;
pub mod service;
pub mod workspaces;
