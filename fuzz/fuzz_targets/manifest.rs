//! The lines of a manifest, beside an empty file `a`. What is accepted is verified line by line, so its digest is that of
//! its bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fuzz_target!(|bytes: &[u8]| {
    reprieve_fuzz::file("a", b"");
    if let Ok(found) = reprieve::list_sha256(&reprieve_fuzz::file("list.sha256", bytes)) {
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, digest);
    }
});
