//! The built-in policies by their names.

/// The names of all built-in policies, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    reprieve_builtin::all().map(reprieve_builtin::Builtin::name)
}

/// The component of the built-in policy of this name, if there is one.
pub fn component(name: &str) -> Option<&'static [u8]> {
    reprieve_builtin::find(name).map(reprieve_builtin::Builtin::component)
}
