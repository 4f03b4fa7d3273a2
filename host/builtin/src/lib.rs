//! The built-in policies, as the build script made them from `policies/`: the component of each, and the machine code that
//! wasmtime compiled for the target of this library. Nothing else makes a [`Builtin`], so its code is what that compiler
//! has written.

/// A built-in policy.
pub struct Builtin {
    name: &'static str,
    component: &'static [u8],
    sha256: &'static str,
    code: &'static [u8],
}

impl Builtin {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its component.
    pub const fn component(&self) -> &'static [u8] {
        self.component
    }

    /// SHA-256 of its component, lower-case hex.
    pub const fn sha256(&self) -> &'static str {
        self.sha256
    }

    /// Its machine code, at the begin of a page. Empty if the build could not compile for this target.
    pub const fn code(&self) -> &'static [u8] {
        self.code
    }
}

/// Bytes that begin with a page, so that they can be mapped as code. Some processors have pages of 64 KiB.
#[cfg_attr(target_arch = "x86_64", repr(C, align(4096)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C, align(65536)))]
struct InPages<T: ?Sized>(T);

/// The bytes of a file, in pages of their own.
macro_rules! in_pages {
    ($path:literal) => {{
        static BYTES: &InPages<[u8]> = &InPages(*include_bytes!($path));
        &BYTES.0
    }};
}

static BUILTINS: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// All built-in policies, in alphabetical order.
pub fn all() -> impl Iterator<Item = &'static Builtin> {
    BUILTINS.iter()
}

/// The built-in policy of this name, if there is one.
pub fn find(name: &str) -> Option<&'static Builtin> {
    all().find(|builtin| builtin.name == name)
}
