//! The built-in policies, built from `policies/` together with this library.

/// One of them.
pub(crate) struct Builtin {
    pub name: &'static str,
    pub component: &'static [u8],
    /// The digest of the component, taken when the library was built.
    pub sha256: &'static str,
}

static BUILTINS: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// The names of all built-in policies, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|builtin| builtin.name)
}

/// The built-in policy of this name.
pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.name == name)
}

/// The component of a built-in policy.
pub fn component(name: &str) -> Option<&'static [u8]> {
    find(name).map(|builtin| builtin.component)
}
