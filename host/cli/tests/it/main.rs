//! Tests of the program: each module is a command or what can go wrong with one. They are one program, because each
//! program takes seconds to link.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admission;
mod approvals;
mod approving;
mod bombs;
mod browser;
mod callers;
mod calls;
mod certificates;
mod commands;
mod console;
mod databases;
mod deploy;
mod evasions;
mod files;
mod first_start;
mod forged;
mod guides;
mod hooks;
mod html;
mod inputs;
mod integration;
mod ledger;
mod manifests;
mod mcp;
mod memory;
mod natural;
mod overrides;
mod permits;
mod pipeline;
mod planned;
mod readers;
mod reload;
mod run;
mod run_task;
mod schemathesis;
mod serve;
mod service_faults;
mod smallest;
mod split;
mod support;
mod tenants;
