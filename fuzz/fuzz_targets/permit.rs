//! Permit tokens: the input as a token, and the input as header and claims of a token that is signed correctly.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve::signed::{Expected, PermitClaims};
use reprieve_fuzz::tokens::{KEYS, sign};

fuzz_target!(|bytes: &[u8]| {
    let expected = Expected { targets_sha256: "f00", mode: None, environment: None };
    let text = String::from_utf8_lossy(bytes);
    assert!(PermitClaims::verify(&text, &KEYS, &expected).is_err(), "an unsigned permit");
    let (header, claims) = text.split_once('\n').unwrap_or(("", &text));
    drop(PermitClaims::verify(&sign("reprieve-permit+jwt", header, claims), &KEYS, &expected));
});
