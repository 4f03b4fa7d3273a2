//! The guest side of the contract, and the guest's heap: the one module of the project in which unsafe code lives. Values of the generated
//! types are turned into those of this crate by moving them, and go no further.
#![allow(unsafe_code, missing_docs, clippy::all)]

use crate::{Chunk, Column, Strings, Validity, Values};

pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "policy",
        pub_export_macro: true,
        default_bindings_module: "reprieve_sdk::wasm::bindings",
    });
}

pub use bindings::reprieve::policy::types;

/// The heap of a policy. Growing a memory costs the host two system calls for each instance, so the first
/// allocations come from a region that every instance has from the start.
mod heap {
    use dlmalloc::{Allocator, Dlmalloc};
    use std::alloc::{GlobalAlloc, Layout};
    use std::cell::UnsafeCell;

    const PAGE: usize = 64 << 10;
    const FIRST: usize = 4 * PAGE;

    /// Memory as dlmalloc asks for it: the region first, then whole pages.
    struct Pages;

    #[repr(align(65536))]
    struct Region(UnsafeCell<[u8; FIRST]>);

    // SAFETY: a policy has one thread.
    unsafe impl Sync for Region {}

    static REGION: Region = Region(UnsafeCell::new([0; FIRST]));

    struct Once(UnsafeCell<bool>);

    // SAFETY: a policy has one thread.
    unsafe impl Sync for Once {}

    static TAKEN: Once = Once(UnsafeCell::new(false));

    // SAFETY: the region is handed out once, grown memory belongs to nobody else, and nothing is ever taken back.
    unsafe impl Allocator for Pages {
        fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
            // SAFETY: one thread, and no reference to the flag outlives this expression.
            let taken = unsafe { std::mem::replace(&mut *TAKEN.0.get(), true) };
            if !taken && size <= FIRST {
                return (REGION.0.get().cast(), FIRST, 0);
            }
            let pages = size.div_ceil(PAGE);
            match core::arch::wasm32::memory_grow(0, pages) {
                usize::MAX => (core::ptr::null_mut(), 0, 0),
                before => ((before * PAGE) as *mut u8, pages * PAGE, 0),
            }
        }

        fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
            core::ptr::null_mut()
        }

        fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
            false
        }

        fn free(&self, _: *mut u8, _: usize) -> bool {
            false
        }

        fn can_release_part(&self, _: u32) -> bool {
            false
        }

        fn allocates_zeros(&self) -> bool {
            true
        }

        fn page_size(&self) -> usize {
            PAGE
        }
    }

    struct Heap(UnsafeCell<Dlmalloc<Pages>>);

    // SAFETY: a policy has one thread.
    unsafe impl Sync for Heap {}

    // SAFETY: every call is handed to dlmalloc, which keeps the contract of the trait; one thread, so there is never
    // more than one reference to it.
    unsafe impl GlobalAlloc for Heap {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
        }

        unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
            unsafe { (*self.0.get()).free(ptr, layout.size(), layout.align()) }
        }

        unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            unsafe { (*self.0.get()).realloc(ptr, layout.size(), layout.align(), size) }
        }
    }

    #[global_allocator]
    static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages)));
}

impl From<types::Blob> for crate::Blob {
    fn from(blob: types::Blob) -> Self {
        Self { name: blob.name, bytes: blob.bytes }
    }
}

impl From<types::Strings> for Strings {
    fn from(strings: types::Strings) -> Self {
        Self { offsets: strings.offsets, bytes: strings.bytes }
    }
}

impl From<types::Column> for Column {
    fn from(column: types::Column) -> Self {
        let values = match column.values {
            types::Values::Strings(strings) => Values::Strings(strings.into()),
            types::Values::Codes(codes) => {
                Values::Codes(crate::Codes { dictionary: codes.dictionary.into(), values: codes.values })
            }
            types::Values::U64s(values) => Values::U64s(values),
            types::Values::I64s(values) => Values::I64s(values),
            types::Values::Bools(bits) => Values::Bools(bits),
        };
        Self { name: column.name, values, validity: Validity(column.validity) }
    }
}

impl From<types::Chunk> for Chunk {
    fn from(chunk: types::Chunk) -> Self {
        let columns = chunk.columns.into_iter().map(Into::into).collect();
        Self { first_row: chunk.first_row, rows: chunk.rows, columns }
    }
}

impl From<crate::Finding> for types::Finding {
    fn from(finding: crate::Finding) -> Self {
        Self {
            rule: finding.rule.to_owned(),
            severity: match finding.severity {
                crate::Severity::Deny => types::Severity::Deny,
                crate::Severity::Warn => types::Severity::Warn,
            },
            message: finding.message,
            help: finding.help,
            field: finding.field,
            setting: finding.setting.map(str::to_owned),
            rows: finding.rows,
            examples: finding.examples,
        }
    }
}

impl From<crate::Descriptor> for types::Descriptor {
    fn from(descriptor: crate::Descriptor) -> Self {
        Self {
            name: descriptor.name.to_owned(),
            version: descriptor.version.to_owned(),
            summary: descriptor.summary.to_owned(),
            rules: descriptor.rules.iter().map(Into::into).collect(),
            settings_schema: descriptor.settings_schema,
            columns: descriptor.columns.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl From<&crate::Rule> for types::Rule {
    fn from(rule: &crate::Rule) -> Self {
        Self {
            code: rule.code.to_owned(),
            summary: rule.summary(),
            explanation: rule.explanation(),
            settings: rule.settings.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}
