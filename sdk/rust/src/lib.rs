//! Write a Reprieve policy in Rust.
//!
//! A policy is a settings struct, a list of rules and one function. This is a complete policy:
//!
//! ```
//! use reprieve_sdk::{Context, Findings, Policy, Rule, policy, rules, settings};
//!
//! settings! {
//!     /// Settings of the policy `small-batches`.
//!     pub struct Settings {
//!         /// Targets that one batch may hold.
//!         max_targets: u64 = 100, min = 0, max = 1_000_000, unit = "targets";
//!     }
//! }
//!
//! rules! {
//!     /// The batch holds more targets than one batch may.
//!     ///
//!     /// Small batches can be watched while they run, and restored in one go.
//!     TOO_MANY = "too-many": wrong, size [max_targets];
//! }
//!
//! pub struct SmallBatches;
//!
//! impl Policy for SmallBatches {
//!     const NAME: &'static str = "small-batches";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!     const SUMMARY: &'static str = "Keeps batches small enough to watch.";
//!     const RULES: &'static [Rule] = RULES;
//!     type Settings = Settings;
//!     type State = ();
//!
//!     fn check(context: &Context<Settings>, _: &(), findings: &mut Findings) {
//!         let (targets, max) = (context.facts.targets(), context.settings.max_targets);
//!         if targets > max {
//!             findings
//!                 .deny(&TOO_MANY, format!("{targets} targets in one batch, and {max} are allowed"))
//!                 .field("/targets")
//!                 .setting("max_targets")
//!                 .help(format!("split the list into batches of {max}"));
//!         }
//!     }
//! }
//!
//! policy!(SmallBatches);
//! ```
//!
//! # Policies that read targets
//!
//! A policy that reads single targets names the columns that it requires in [`Policy::COLUMNS`]. It is an aggregate, in
//! the shape that every data engine knows: [`Policy::observe`] folds a chunk into the [`Policy::State`],
//! [`Policy::merge`] adds the state of another partition, and [`Policy::check`] reports the findings.
//!
//! ```text
//!   one partition          observe* ─ check
//!
//!   several partitions     observe* ──┐
//!                          observe* ──┼─ merge* ─ check
//!                          observe* ──┘
//! ```
//!
//! # Several policies in one module
//!
//! [`policies!`] exports several policies from one module. They share its code, and each runs in a sandbox of its own, as
//! the policy of a module with one does. The entry of a policy in `reprieve.toml` then has its `name`. The commands
//! `reprieve policy …` work on modules with one policy.
//!
//! # Tests
//!
//! The same code runs natively in unit tests: see [`Session`] and [`testing`].

mod chunk;
mod context;
mod evidence;
mod findings;
mod index;
mod rows;
mod rule;
mod section;
mod session;
mod setting;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

pub use chunk::{Chunk, Codes, Column, Mapped, Strings, Validity, Values};
pub use context::{Blob, Context, non_blank};
pub use evidence::{ApprovalIssue, Evidence, SignatureIssue};
pub use findings::{Finding, FindingBuilder, Findings};
pub use reprieve_model as model;
pub use reprieve_model::{KindName, Nature, Severity, same_kind, same_letters, same_name};
pub use rows::Rows;
pub use rule::{Limit, Measure, Rule, Subject};
pub use section::{Claims, Facts, InventoryFacts};
pub use session::{Descriptor, Policy, Session, describe, validate};
pub use setting::{Setting, Settings, TimeZone};

/// Derives [`Policy::State`] and the types of reference data: `#[derive(Serialize, Deserialize)]` with
/// `#[serde(crate = "reprieve_sdk::serde")]`.
pub use ::serde;
/// Reads JSON, for example reference data.
pub use ::serde_json;
#[doc(hidden)]
pub use setting::{object, property};

/// Exports a [`Policy`] from a wasm module. It exports nothing from a native build.
#[macro_export]
macro_rules! policy {
    ($policy:ty) => {
        $crate::policies!($policy);
    };
}

/// Exports several policies from one wasm module. They share the code of this crate, so a decision with all of them is
/// faster than with a module for each. An entry of `reprieve.toml` names the policy that it uses. It exports nothing from a
/// native build.
#[macro_export]
macro_rules! policies {
    ($($policy:ty),+ $(,)?) => {
        $(const _: fn() -> $crate::Descriptor = $crate::describe::<$policy>;)+

        #[cfg(target_arch = "wasm32")]
        mod exported {
            use super::*;
            use $crate::wasm::{Export, bindings, exports, types};

            const EXPORTS: &[Export] = &[$(Export::of::<$policy>()),+];

            struct Exported;

            impl bindings::Guest for Exported {
                fn policies() -> Vec<String> {
                    EXPORTS.iter().map(|export| export.name.to_owned()).collect()
                }

                fn select(policy: u32) {
                    exports::select(policy, EXPORTS.len());
                }

                fn describe() -> types::Descriptor {
                    exports::describe(EXPORTS)
                }

                fn validate(settings: String, data: Vec<types::Blob>) -> Result<(), String> {
                    exports::validate(EXPORTS, &settings, data)
                }

                fn begin(input: types::Input) -> Result<(), String> {
                    exports::begin(EXPORTS, input)
                }

                fn observe(chunk: types::Chunk) -> Result<(), String> {
                    exports::observe(chunk)
                }

                fn save() -> Vec<u8> {
                    exports::save()
                }

                fn merge(state: Vec<u8>) -> Result<(), String> {
                    exports::merge(&state)
                }

                fn finish() -> Result<Vec<types::Finding>, String> {
                    exports::finish()
                }
            }

            bindings::export!(Exported with_types_in bindings);
        }
    };
}
