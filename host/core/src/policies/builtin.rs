//! The built-in policies. The build script builds them from `policies/` and embeds them here.

/// A built-in policy.
pub(crate) struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its component.
    pub component: &'static [u8],
    /// SHA-256 of the component, lower-case hex.
    pub sha256: &'static str,
}

static BUILTINS: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// The names of all built-in policies, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|builtin| builtin.name)
}

/// The built-in policy of this name, if there is one.
pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

/// The component of the built-in policy of this name, if there is one.
pub fn component(name: &str) -> Option<&'static [u8]> {
    find(name).map(|builtin| builtin.component)
}
