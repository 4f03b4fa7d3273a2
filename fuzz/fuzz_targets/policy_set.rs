//! Policy sets: one that is accepted is built, with the built-in policies it names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve::policy::ModuleCache;
use reprieve::{Gate, PolicySet};
use std::path::PathBuf;
use std::sync::LazyLock;

static CACHE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join("reprieve-fuzz-cache");
    std::fs::create_dir_all(&folder).expect("a folder for the cache");
    folder
});

fuzz_target!(|bytes: &[u8]| {
    reprieve_fuzz::file("reprieve.toml", bytes);
    let folder = reprieve_fuzz::folder();
    // A gate with hundreds of policies takes seconds to build, which is not what is looked for.
    if let Ok(set) = PolicySet::read(&folder, "reprieve.toml").map(|set| set.clone())
        && set.policy.len() <= 4
    {
        let builder = Gate::builder().policies(set, Some(folder)).without_ledger();
        let builder = match ModuleCache::open(&CACHE.join("code"), &CACHE.join("key")) {
            Ok(cache) => builder.cache(cache),
            Err(_) => builder,
        };
        drop(builder.build());
    }
});
