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

/// Reads JSON, for example reference data. It adds a twentieth of the code that other readers add.
pub use ::miniserde;
/// Serializes a policy's state: `#[derive(Serialize, Deserialize)] #[serde(crate = "reprieve_sdk::serde")]`.
pub use ::serde;
#[doc(hidden)]
pub use setting::{object, property};

/// Exports a [`Policy`] from a wasm module. It expands to nothing in a native build.
#[macro_export]
macro_rules! policy {
    ($policy:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod exported {
            use super::*;
            use $crate::wasm::{bindings, types};

            thread_local! {
                static SESSION: ::std::cell::RefCell<Option<$crate::Session<$policy>>> =
                    const { ::std::cell::RefCell::new(None) };
            }

            fn session<T>(with: impl FnOnce(&mut $crate::Session<$policy>) -> Result<T, String>) -> Result<T, String> {
                SESSION.with_borrow_mut(|session| match session {
                    Some(session) => with(session),
                    None => Err("`begin` was not called".to_owned()),
                })
            }

            struct Exported;

            impl bindings::Guest for Exported {
                fn describe() -> types::Descriptor {
                    $crate::describe::<$policy>().into()
                }

                fn validate(settings: String, data: Vec<types::Blob>) -> Result<(), String> {
                    let data: Vec<$crate::Blob> = data.into_iter().map(Into::into).collect();
                    $crate::validate::<$policy>(&settings, &data)
                }

                fn begin(input: types::Input) -> Result<(), String> {
                    let data = input.data.into_iter().map(Into::into).collect();
                    let session = $crate::Session::begin(&input.review, &input.settings, data)?;
                    SESSION.set(Some(session));
                    Ok(())
                }

                fn observe(chunk: types::Chunk) -> Result<(), String> {
                    session(|session| Ok(session.observe(chunk.into())))
                }

                fn save() -> Vec<u8> {
                    // The contract lets `save` fail only by trapping.
                    session(|session| session.save()).expect("`begin` was called, and the state can be serialized")
                }

                fn merge(state: Vec<u8>) -> Result<(), String> {
                    session(|session| session.merge(&state))
                }

                fn finish() -> Result<Vec<types::Finding>, String> {
                    session(|session| Ok(session.finish().into_iter().map(Into::into).collect()))
                }
            }

            bindings::export!(Exported with_types_in bindings);
        }
    };
}
