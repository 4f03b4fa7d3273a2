//! Is a core module without a component type.

#[allow(unsafe_code)]
// SAFETY: no other symbol has this name.
#[unsafe(no_mangle)]
pub extern "C" fn hello() -> u32 {
    17
}
