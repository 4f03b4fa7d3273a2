//! Override files: the input as a file, and the input as header and claims of tokens that are signed correctly.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve::signed::OverrideDraft;
use reprieve_fuzz::tokens::{KEYS, sign};

fn open(text: &str) {
    let path = reprieve_fuzz::file("override.json", text.as_bytes());
    if let Ok(draft) = OverrideDraft::open(&path) {
        drop(draft.terms(&KEYS));
        // There is one key, so two people cannot have signed.
        assert!(draft.verify(&KEYS).is_err(), "an override with one signer");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    open(&text);
    let (header, claims) = text.split_once('\n').unwrap_or(("", &text));
    let token = sign("reprieve-override+jwt", header, claims);
    open(&serde_json::json!({ "signatures": [token.as_str(), token.as_str()] }).to_string());
});
