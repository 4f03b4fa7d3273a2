//! The built-in policies, as the build script made them from `policies/`: their component, and the machine code that
//! wasmtime compiled for the target of this library. Nothing else makes [`code`], so it is what that compiler has written.

/// Bytes that begin with a page, so that they can be mapped as code. Some processors have pages of 64 KiB.
#[cfg_attr(target_arch = "x86_64", repr(C, align(4096)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C, align(65536)))]
struct InPages<T: ?Sized>(T);

static CODE: &InPages<[u8]> = &InPages(*include_bytes!(concat!(env!("OUT_DIR"), "/policies.cwasm")));

static NAMES: &[&str] = include!(concat!(env!("OUT_DIR"), "/names.rs"));

/// The names of the built-in policies, in alphabetical order, which is that of the component.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied()
}

/// The index of a built-in policy in the component, if there is one of this name.
pub fn find(name: &str) -> Option<u32> {
    names().zip(0..).find_map(|(known, index)| (known == name).then_some(index))
}

/// The component that holds all of them.
pub const fn component() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/policies.wasm"))
}

/// SHA-256 of the component, lower-case hex.
pub const fn sha256() -> &'static str {
    include!(concat!(env!("OUT_DIR"), "/sha256.rs"))
}

/// The machine code of the component, at the begin of a page. Empty if the build could not compile for this target.
pub const fn code() -> &'static [u8] {
    &CODE.0
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    /// The sandbox restores the table of an instance after each run. A larger one takes a system call.
    #[test]
    fn the_table_of_functions_fits_a_page() {
        let tables = Parser::new(0).parse_all(super::component()).filter_map(|payload| match payload.unwrap() {
            Payload::TableSection(tables) => Some(tables),
            _ => None,
        });
        let entries: Vec<u64> = tables.flatten().map(|table| table.unwrap().ty.initial).collect();
        assert!(!entries.is_empty() && entries.iter().sum::<u64>() <= 4096 / 8, "{entries:?}");
    }
}
