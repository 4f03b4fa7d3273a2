//! The signature of a run task: HMAC-SHA512 of the body with a key that only the two sides have.

use crate::error::ServeError;
use crate::problem::Problem;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, Mac};
use reprieve::Folder;
use sha2::Sha512;

/// The header that has the signature, in hex.
pub(crate) const SIGNATURE: &str = "x-tfc-task-signature";

/// The maximum size of the file of a key in bytes.
const MAX_BYTES: u64 = 4 << 10;

/// The least length of a key in bytes.
const MIN_KEY_BYTES: usize = 16;

/// A key that signatures are verified with.
pub(crate) struct SigningKey(Vec<u8>);

impl SigningKey {
    /// Reads the key from a file. A line break at its end is not part of it.
    pub fn read(name: &str, folder: &Folder) -> Result<Self, ServeError> {
        let mut bytes = folder.read_private(name, MAX_BYTES)?;
        while bytes.last().is_some_and(u8::is_ascii_whitespace) {
            bytes.pop();
        }
        if bytes.len() < MIN_KEY_BYTES {
            let message = format!(
                "the key in {} has {} bytes, and at least {MIN_KEY_BYTES} are needed",
                folder.display_name(name),
                bytes.len()
            );
            let help =
                "write a random text into it, such as `openssl rand -hex 32` prints, and the same into the run task";
            return Err(ServeError::setting("terraform.key", message, help));
        }
        Ok(Self(bytes))
    }

    /// Checks that the headers have the signature of the body, in a time that does not depend on how much of it is right.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Problem> {
        let refused = |detail: &str| {
            Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
                .with_help("set the same HMAC key in the run task and in the file that `[serve.terraform] key` names")
        };
        let mut given = headers.get_all(SIGNATURE).iter();
        let (Some(signature), None) = (given.next(), given.next()) else {
            return Err(refused("there is not one header `X-TFC-Task-Signature`"));
        };
        let wrong = || refused("the signature is not that of the body");
        let signature = hex::decode(signature.as_bytes()).map_err(|_| wrong())?;
        let mut mac = Hmac::<Sha512>::new_from_slice(&self.0).map_err(|_| wrong())?;
        mac.update(body);
        mac.verify_slice(&signature).map_err(|_| wrong())
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (SIGNATURE.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// The second test case of RFC 4231.
    #[test]
    fn a_signature_is_that_of_the_standard_and_of_the_whole_body() {
        let key = SigningKey(b"Jefe".to_vec());
        let right = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
                     caeab1a34d4a6b4b636e070a38bce737";
        let body = b"what do ya want for nothing?";
        assert!(key.verify(&headers(&[right]), body).is_ok());
        assert!(key.verify(&headers(&[&right.to_uppercase()]), body).is_ok());
        let (cut, other) = (&right[..126], format!("0{}", &right[1..]));
        for wrong in [vec![], vec![""], vec![cut], vec![other.as_str()], vec![right, right], vec!["zz"]] {
            assert!(key.verify(&headers(&wrong), body).is_err(), "{wrong:?}");
        }
        assert!(key.verify(&headers(&[right]), b"what do ya want for nothing? ").is_err());
    }
}
