//! Tokens that are signed correctly, with a header and claims of the fuzzer's choice.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::{Signer, SigningKey};
use reprieve::signed::KeySet;
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));

/// The trusted keys: one, named `ann`.
pub static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let x = BASE64.encode(KEY.verifying_key().as_bytes());
    let set = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"ann","x":"{x}"}}]}}"#);
    KeySet::open(&crate::file("trusted.json", set.as_bytes())).expect("a valid set of keys")
});

/// Signs a token. With an empty header, it is the right one of this type.
pub fn sign(kind: &str, header: &str, claims: &str) -> String {
    let right = format!(r#"{{"typ":"{kind}","alg":"EdDSA","kid":"ann"}}"#);
    let header = if header.is_empty() { &right } else { header };
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = KEY.sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", BASE64.encode(signature))
}
