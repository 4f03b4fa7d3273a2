//! The built-in policies, built from `policies/` together with this library.

/// Name and component of each.
static BUILTINS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// The names of all built-in policies, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|(name, _)| *name)
}

/// The component of a built-in policy.
pub fn component(name: &str) -> Option<&'static [u8]> {
    BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, component)| *component)
}
