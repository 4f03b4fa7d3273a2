//! Compiled code: that of the built-in policies, which is part of this program, that which this program compiles, and that
//! which a [cache](crate::cache) keeps. This is the only module of the host with unsafe code: wasmtime runs compiled code
//! without checking it. Code comes from the build script of this program, from the compiler of this program, or from a file
//! that the cache has authenticated.
#![allow(unsafe_code)]

use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::component::Component;
use wasmtime::{CustomCodeMemory, Engine};

/// Loads a copy of code that [`compile`](crate::compile) returned, in this process or in a worker, or that an authentic file
/// has.
///
/// # Errors
/// It is of another version of wasmtime, of another configuration or for another processor, or there is no memory for it.
pub(crate) fn copied(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `Component::deserialize` runs what a compiler of wasmtime has written. `policy.rs` calls this with the output
    // of that compiler, in this process or read from the pipe of a worker that this process started, and `cache.rs` with
    // bytes that it has authenticated: only this user has the key, and this program applies it only to such output.
    // `builtin` calls it with the output of that compiler in the build script. The bytes are in the memory of this process
    // since before they were authenticated, so nothing else can change them.
    unsafe { Component::deserialize(engine, code) }
}

/// Maps the code in a file that the cache has authenticated, and that has not changed since.
///
/// # Errors
/// As [`copied`], or the file cannot be mapped.
pub(crate) fn mapped(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: as in `copied`; `cache.rs` calls this with the path of a file that it holds open, and says there why its
    // content is what it has authenticated.
    unsafe { Component::deserialize_file(engine, file) }
}

/// Whether the code of the built-in policies was loaded where it is in this program. Wasmtime finds code by its address, so
/// it cannot load it there a second time.
static LOADED_IN_PLACE: AtomicBool = AtomicBool::new(false);

/// Loads the code of the built-in policies. For the first engine of a process it stays where it is in this program, and
/// processes share it; a further engine has a copy.
///
/// # Errors
/// Nothing is embedded, it needs another processor or configuration than this engine has, or it cannot be made executable.
pub(crate) fn builtin(engine: &Engine) -> wasmtime::Result<Component> {
    let code = reprieve_builtin::code();
    if code.is_empty() {
        return Err(wasmtime::Error::msg("it was not compiled for this target"));
    }
    if code_memory().is_none() || LOADED_IN_PLACE.swap(true, Ordering::Relaxed) {
        return copied(engine, code);
    }
    // SAFETY: only the build script of `reprieve-builtin` makes this code, and it is what the compiler of wasmtime has
    // returned there. It is a constant of this program: it lives as long as the process, and nothing can change it.
    unsafe { Component::deserialize_raw(engine, NonNull::from(code)) }
}

/// What makes code executable that is part of this program: wasmtime does that only for memory that it has mapped itself.
/// `None`: code is copied into such memory. Some other processors would have to be told that their instructions changed.
pub(crate) fn code_memory() -> Option<Arc<dyn CustomCodeMemory>> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    return Some(Arc::new(Executable));
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    None
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
struct Executable;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
impl CustomCodeMemory for Executable {
    fn required_alignment(&self) -> usize {
        rustix::param::page_size()
    }

    fn publish_executable(&self, start: *const u8, bytes: usize) -> wasmtime::Result<()> {
        use rustix::mm::{MprotectFlags, mprotect};
        // SAFETY: wasmtime passes the whole pages of the text of compiled code that `copied`, `mapped` or
        // `builtin` loads. Nothing writes to them: those of the program are constants, and those that
        // wasmtime has mapped are complete.
        let protected =
            unsafe { mprotect(start.cast_mut().cast(), bytes, MprotectFlags::READ | MprotectFlags::EXEC) };
        protected.map_err(|error| wasmtime::Error::msg(format!("code cannot be made executable: {error}")))
    }

    /// Code in this program stays executable for as long as the process lives. Wasmtime unmaps memory of its own.
    fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}
