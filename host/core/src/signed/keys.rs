//! Keys. A private key is in its own file, which only its owner can read. Public keys are together in a JSON Web Key Set.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::{SigningKey, VerifyingKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use reprieve_batch::{Folder, ReadError, create_private};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The maximum size of a key file in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A private Ed25519 key. Its `Debug` shows only its name.
pub struct Key {
    id: String,
    signing: SigningKey,
}

/// A key in the format of RFC 8037.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
}

impl Jwk {
    /// The public key, if `x` is one. A weak key is not: it verifies signatures that nobody made.
    fn public(&self) -> Option<VerifyingKey> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&self.x).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())
    }
}

/// The header of a token. A token with any other parameter is refused, also with one that it marks as critical: what this
/// program does not understand could change what the token means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenHeader {
    typ: String,
    alg: String,
    kid: Option<String>,
}

/// The public keys that are trusted, by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

/// Why a token is not accepted, or cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not a token of the expected type.
    #[error("it is not a {expected}: {message}")]
    Malformed {
        /// The expected type.
        expected: &'static str,
        /// What is wrong.
        message: String,
    },
    /// Its key is not trusted.
    #[error("it is signed with the key `{0}`, which is not trusted")]
    Foreign(String),
    /// It is not signed with the key it names.
    #[error("its signature is not by the key `{0}`: it was forged or altered")]
    Forged(String),
    /// It cannot be signed.
    #[error("it cannot be signed: {0}")]
    Signing(String),
}

/// Why a key cannot be added to a set: the set has a key of the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the set already has a key `{0}`")]
pub struct KeyExists(String);

impl Key {
    /// Creates a new key named `id` from the random numbers of the operating system.
    ///
    /// # Errors
    /// The operating system has no random numbers.
    pub fn generate(id: &str) -> std::io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        Ok(Self { id: id.to_owned(), signing: SigningKey::from_bytes(&seed) })
    }

    /// Reads a private key, from a file that only its owner can read.
    ///
    /// # Errors
    /// [`ReadError`] if it is not a private key, or if other users can read it.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        Self::read(&folder, &name)
    }

    /// Reads a private key below a folder, from a file that only its owner can read.
    ///
    /// # Errors
    /// [`ReadError`] if it is not a private key, or if other users can read it.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        let shown = folder.display_name(name);
        // A message must not quote the file, because it may contain the private key.
        let wrong = |message: &str| ReadError::of_file(&shown, message);
        let jwk: Jwk = serde_json::from_slice(&folder.read_private(name, MAX_FILE_BYTES)?)
            .map_err(|_| wrong("not a private key"))?;
        let seed = jwk.d.as_deref().ok_or_else(|| wrong("a public key, where a private key is needed"))?;
        let seed: Option<[u8; 32]> = URL_SAFE_NO_PAD.decode(seed).ok().and_then(|seed| seed.try_into().ok());
        let signing = SigningKey::from_bytes(&seed.ok_or_else(|| wrong("the key is damaged"))?);
        if URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes()) != jwk.x {
            return Err(wrong("the key is damaged: its public half does not match its private half"));
        }
        Ok(Self { id: jwk.kid, signing })
    }

    /// Writes the key to a new file that only its owner can read.
    ///
    /// # Errors
    /// The file exists already, or cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let jwk = Jwk { d: Some(URL_SAFE_NO_PAD.encode(self.signing.as_bytes())), ..self.jwk() };
        create_private(path, &(serde_json::to_string_pretty(&jwk)? + "\n"))
    }

    /// Its name, which is also that of its public half.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its public half.
    fn jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            kid: self.id.clone(),
            x: URL_SAFE_NO_PAD.encode(self.signing.verifying_key().as_bytes()),
            d: None,
        }
    }

    /// Signs claims as a token of this type.
    pub(super) fn sign(&self, token_type: &'static str, claims: &impl Serialize) -> Result<String, TokenError> {
        let header =
            Header { typ: Some(token_type.to_owned()), kid: Some(self.id.clone()), ..Header::new(Algorithm::EdDSA) };
        let der = self.signing.to_pkcs8_der().map_err(|error| TokenError::Signing(error.to_string()))?;
        let key = EncodingKey::from_ed_der(der.as_bytes());
        jsonwebtoken::encode(&header, claims, &key).map_err(|error| TokenError::Signing(error.to_string()))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.id).finish()
    }
}

impl KeySet {
    /// Reads a set of public keys.
    ///
    /// # Errors
    /// [`ReadError`] if it is not a JSON Web Key Set, or contains a private key.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let (folder, name) = Folder::of(path)?;
        Self::read(&folder, &name)
    }

    /// Reads a set of public keys below a folder.
    ///
    /// # Errors
    /// [`ReadError`] if it is not a JSON Web Key Set, or contains a private key.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, ReadError> {
        Self::parse(&folder.read(name, MAX_FILE_BYTES)?, &folder.display_name(name))
    }

    /// Reads the bytes of a set of public keys. Errors name the file `shown`.
    pub(crate) fn parse(bytes: &[u8], shown: &str) -> Result<Self, ReadError> {
        let wrong = |message: String| ReadError::of_file(shown, message);
        let set: Self =
            serde_json::from_slice(bytes).map_err(|error| wrong(format!("not a JSON Web Key Set: {error}")))?;
        for key in &set.keys {
            if key.kty != "OKP" || key.crv != "Ed25519" {
                return Err(wrong(format!("the key `{}` is not an Ed25519 key", key.kid)));
            }
            if key.d.is_some() {
                return Err(wrong(format!("the key `{}` is a private key, but this file is public", key.kid))
                    .with_help("create a new key, because this one is no longer secret"));
            }
            if key.public().is_none() {
                return Err(wrong(format!("the key `{}` is damaged: `x` is not 32 bytes of a public key", key.kid)));
            }
            if set.keys.iter().filter(|other| other.kid == key.kid).count() > 1 {
                return Err(wrong(format!("the key `{}` is duplicated", key.kid)));
            }
            if let Some(same) = set.keys.iter().find(|other| other.x == key.x && other.kid != key.kid) {
                let message = format!("the keys `{}` and `{}` are the same key under two names", key.kid, same.kid);
                return Err(wrong(message).with_help("remove one of them: two signatures must be by two people"));
            }
        }
        Ok(set)
    }

    /// Adds the public half of a key.
    ///
    /// # Errors
    /// [`KeyExists`] if the set has a key of that name.
    pub fn add(&mut self, key: &Key) -> Result<(), KeyExists> {
        if self.keys.iter().any(|known| known.kid == key.id) {
            return Err(KeyExists(key.id.clone()));
        }
        self.keys.push(key.jwk());
        Ok(())
    }

    /// The set as a JSON Web Key Set.
    pub fn to_json(&self) -> String {
        // Writing text does not fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Verifies that a token is of the expected type and signed with one of these keys. Returns the name of that key and the
    /// claims of the token. Does not check times.
    pub(super) fn verify<T: DeserializeOwned>(
        &self,
        expected: &'static str,
        token: &str,
    ) -> Result<(String, T), TokenError> {
        let malformed = |message: String| TokenError::Malformed { expected, message };
        let token = token.trim();
        let header = token.split_once('.').and_then(|(header, _)| URL_SAFE_NO_PAD.decode(header).ok());
        let header = header.ok_or_else(|| malformed("it is not a JSON Web Token".to_owned()))?;
        let header: TokenHeader = serde_json::from_slice(&header)
            .map_err(|error| malformed(format!("its header is not accepted: {}", without_position(&error))))?;
        if header.typ != expected {
            return Err(malformed(format!("it is of the type `{}`", header.typ)));
        }
        if header.alg != "EdDSA" {
            return Err(malformed(format!("it is signed with `{}`, and only `EdDSA` is accepted", header.alg)));
        }
        let id = header.kid.ok_or_else(|| malformed("it does not name its key".to_owned()))?;
        let key = self.keys.iter().find(|key| key.kid == id).ok_or_else(|| TokenError::Foreign(id.clone()))?;
        if key.public().is_none() {
            return Err(malformed(format!("its key `{id}` is damaged")));
        }
        let key =
            DecodingKey::from_ed_components(&key.x).map_err(|_| malformed(format!("its key `{id}` is damaged")))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The ledger's clock decides, not this machine's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        match jsonwebtoken::decode(token, &key, &validation) {
            Ok(data) => Ok((id, data.claims)),
            Err(error) => Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::Forged(id),
                _ => malformed("its claims are not those of this type".to_owned()),
            }),
        }
    }
}

/// The message of a JSON error without the position, which means nothing in a token.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::Signer;
    use serde_json::{Value, json};

    const TYPE: &str = "test+jwt";

    fn token(key: &Key, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = key.signing.sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn key_and_set() -> (Key, KeySet) {
        let key = Key::generate("ann").unwrap();
        let mut set = KeySet::default();
        set.add(&key).unwrap();
        (key, set)
    }

    fn read(keys: &Value) -> Result<KeySet, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        create_private(&folder.path().join("keys.json"), &keys.to_string()).unwrap();
        KeySet::open(&folder.path().join("keys.json"))
    }

    #[test]
    fn accepts_a_token_whose_header_has_nothing_else() {
        let (key, set) = key_and_set();
        let header = format!(r#"{{"typ":"{TYPE}","alg":"EdDSA","kid":"ann"}}"#);
        let (by, claims): (String, Value) = set.verify(TYPE, &token(&key, &header, r#"{"a":1}"#)).unwrap();
        assert_eq!((by.as_str(), claims), ("ann", json!({ "a": 1 })));
        assert_eq!(set.verify::<Value>(TYPE, &key.sign(TYPE, &json!({ "a": 1 })).unwrap()).unwrap().0, "ann");
    }

    #[test]
    fn refuses_every_other_header() {
        let (key, set) = key_and_set();
        let plain = format!(r#""typ":"{TYPE}","alg":"EdDSA","kid":"ann""#);
        for more in [
            r#""crit":["exp"],"exp":1"#,
            r#""crit":[]"#,
            r#""b64":false"#,
            r#""zip":"DEF""#,
            r#""jwk":{}"#,
            r#""jku":"https://example.org""#,
            r#""x5c":[]"#,
            r#""alg":"EdDSA""#,
            r#""kid":"bob""#,
            r#""unknown":1"#,
        ] {
            let refused = set.verify::<Value>(TYPE, &token(&key, &format!("{{{plain},{more}}}"), "{}"));
            assert!(matches!(refused, Err(TokenError::Malformed { .. })), "{more}: {refused:?}");
        }
        for header in [
            "{}".to_owned(),
            "[]".to_owned(),
            String::new(),
            plain.replace("EdDSA", "none"),
            plain.replace("EdDSA", "HS256"),
            plain.replace(TYPE, "other+jwt"),
            plain.replace("ann", "bob"),
        ] {
            assert!(set.verify::<Value>(TYPE, &token(&key, &format!("{{{header}}}"), "{}")).is_err(), "{header}");
        }
    }

    /// Whatever is changed, nothing panics, and nothing but the token itself is accepted.
    #[test]
    fn refuses_every_change_of_a_token() {
        let (key, set) = key_and_set();
        let token = key.sign(TYPE, &json!({ "a": 1 })).unwrap();
        for at in 0..token.len() {
            for other in ['A', '.', '=', '\0', 'é', '-'] {
                let mut changed: Vec<char> = token.chars().collect();
                if changed[at] == other {
                    continue;
                }
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert!(set.verify::<Value>(TYPE, &changed).is_err(), "{at}: {other:?}");
            }
            assert!(set.verify::<Value>(TYPE, &token[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn refuses_keys_that_are_no_keys_by_name() {
        let (key, _) = key_and_set();
        let jwk = |x: &str| json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ann", "x": x });
        let x = key.jwk().x;
        assert!(read(&json!({ "keys": [jwk(&x)] })).is_ok());
        let short: Vec<String> = (0..40).filter(|n| *n != 32).map(|n| URL_SAFE_NO_PAD.encode(vec![7; n])).collect();
        let weak = URL_SAFE_NO_PAD.encode([0; 32]);
        let padded = format!("{x}=");
        for x in short.iter().map(String::as_str).chain([weak.as_str(), padded.as_str(), "", "é", "!!!!"]) {
            let error = read(&json!({ "keys": [jwk(x)] })).unwrap_err();
            assert!(error.message.contains("the key `ann` is damaged"), "{x}: {error}");
        }
        assert!(read(&json!({ "keys": [jwk(&x), jwk(&x)] })).unwrap_err().message.contains("is duplicated"));
    }
}
