//! What authors of policies and people who install the program do: these tests build projects, and install what they need.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod languages;
mod policy;
mod projects;
mod release;
mod tools;
