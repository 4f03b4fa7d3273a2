//! Is a wasm module, and no component.

#[allow(unsafe_code)]
// SAFETY: the name is exported once.
#[unsafe(no_mangle)]
pub extern "C" fn hello() -> u32 {
    17
}
