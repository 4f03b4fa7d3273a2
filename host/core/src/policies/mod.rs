//! The policies of a gate: the set that an operator writes, how it is loaded, and how it is recorded.

mod builtin;
mod load;
mod loaded;
mod record;
mod scope;
mod serve;
mod set;

pub use builtin::{component as builtin_component, names as builtin_names};
pub(crate) use load::{Files, load_all};
pub(crate) use loaded::LoadedPolicy;
pub(crate) use record::{RecordedKeys, RecordedSet, SetRecord, data_digests};
pub use scope::{OneOrMore, Scope};
pub use serve::{
    CallerSettings, KubernetesSettings, Role, ServeSettings, TerraformSettings, TlsSettings, TokenSettings,
};
pub use set::{
    EnvironmentSettings, HookSettings, HookTool, Missing, OverrideSettings, PermitSettings, PolicyEntry, PolicySet,
    SignatureSettings,
};
