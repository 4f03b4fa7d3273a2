//! The built-in policies by their names.

/// The names of all built-in policies, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    reprieve_builtin::names()
}

/// The component that holds all built-in policies. An entry of a policy set can name it like any other module, with the
/// `name` of the policy.
pub const fn component() -> &'static [u8] {
    reprieve_builtin::component()
}
