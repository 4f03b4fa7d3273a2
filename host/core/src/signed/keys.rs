//! Keys. A private key is in its own file, which only its owner can read. Public keys are together in a JSON Web Key Set.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
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
        let shown = folder.display_name(name);
        let wrong = |message: String| ReadError::of_file(&shown, message);
        let set: Self = serde_json::from_slice(&folder.read(name, MAX_FILE_BYTES)?)
            .map_err(|error| wrong(format!("not a JSON Web Key Set: {error}")))?;
        for key in &set.keys {
            if key.kty != "OKP" || key.crv != "Ed25519" {
                return Err(wrong(format!("the key `{}` is not an Ed25519 key", key.kid)));
            }
            if key.d.is_some() {
                return Err(wrong(format!("the key `{}` is a private key, but this file is public", key.kid))
                    .with_help("create a new key, because this one is no longer secret"));
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
        let header =
            jsonwebtoken::decode_header(token).map_err(|_| malformed("it is not a JSON Web Token".to_owned()))?;
        if header.typ.as_deref() != Some(expected) {
            return Err(malformed(format!("it is of the type `{}`", header.typ.unwrap_or_default())));
        }
        let id = header.kid.ok_or_else(|| malformed("it does not name its key".to_owned()))?;
        let key = self.keys.iter().find(|key| key.kid == id).ok_or_else(|| TokenError::Foreign(id.clone()))?;
        let key =
            DecodingKey::from_ed_components(&key.x).map_err(|_| malformed(format!("its key `{id}` is damaged")))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The ledger's clock decides, not this machine's.
        validation.validate_exp = false;
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
