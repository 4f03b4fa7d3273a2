//! Key files: public sets and private keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve::signed::{Expected, Key, KeySet, PermitClaims};
use reprieve_fuzz::tokens::sign;
use std::os::unix::fs::PermissionsExt;

fuzz_target!(|bytes: &[u8]| {
    let path = reprieve_fuzz::file("keys.json", bytes);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("the mode can be set");
    drop(Key::open(&path));
    if let Ok(keys) = KeySet::open(&path) {
        let expected = Expected { targets_sha256: "f00", mode: None, environment: None };
        drop(PermitClaims::verify(&sign("reprieve-permit+jwt", "", "{}"), &keys, &expected));
    }
});
