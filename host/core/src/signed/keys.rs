//! Keys: a private one in a file of its own that nobody else can read, the public ones together in a JSON Web Key Set.

use crate::source::{Folder, Place, Unreadable, create_private};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The largest file of keys.
const MOST_BYTES: u64 = 1 << 20;

/// A private key. It signs, and never shows itself.
pub struct Key {
    id: String,
    signing: SigningKey,
}

/// A key as RFC 8037 writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
}

/// The public keys that are trusted, by their names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

/// Why a token is not vouched for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVouched {
    /// It is no token of the wanted kind.
    #[error("it is not of the kind {wanted}: {message}")]
    Malformed {
        /// What it should be.
        wanted: &'static str,
        /// What is wrong.
        message: String,
    },
    /// Its key is not among those trusted.
    #[error("it is signed with the key `{0}`, which is not among those trusted")]
    Foreign(String),
    /// It was not signed with the key it names.
    #[error("its signature is not by the key `{0}`: it was forged or altered")]
    Forged(String),
}

impl Key {
    /// Makes a new key from the random numbers of the system.
    ///
    /// # Errors
    /// Where the system has none.
    pub fn generate(id: &str) -> std::io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        Ok(Self { id: id.to_owned(), signing: SigningKey::from_bytes(&seed) })
    }

    /// Reads a private key, from a file that only its owner can read.
    ///
    /// # Errors
    /// [`Unreadable`] where it is no key, or others can read it.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        Self::read(&folder, &name)
    }

    /// Reads a private key below a folder, from a file that only its owner can read.
    ///
    /// # Errors
    /// [`Unreadable`] where it is no key, or others can read it.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, Unreadable> {
        let shown = folder.shown(name);
        // Nothing of what stands in the file may show up in a message.
        let wrong = |message: &str| Unreadable::new(&shown, Place::Whole, message);
        let jwk: Jwk = serde_json::from_slice(&folder.read_private(name, MOST_BYTES)?)
            .map_err(|_| wrong("this is not a key as `reprieve keys new` writes it"))?;
        let seed = jwk.d.as_deref().ok_or_else(|| wrong("this is a public key, and a private one is needed"))?;
        let seed: Option<[u8; 32]> = URL_SAFE_NO_PAD.decode(seed).ok().and_then(|seed| seed.try_into().ok());
        let signing = SigningKey::from_bytes(&seed.ok_or_else(|| wrong("the key is damaged"))?);
        if URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes()) != jwk.x {
            return Err(wrong("the key is damaged: its two halves do not belong together"));
        }
        Ok(Self { id: jwk.kid, signing })
    }

    /// Writes the key into a new file that only its owner can read.
    ///
    /// # Errors
    /// Where there is such a file already, or it cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let jwk = Jwk { d: Some(URL_SAFE_NO_PAD.encode(self.signing.as_bytes())), ..self.jwk() };
        create_private(path, &(serde_json::to_string_pretty(&jwk)? + "\n"))
    }

    /// Its name, by which others know the public half.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            kid: self.id.clone(),
            x: URL_SAFE_NO_PAD.encode(self.signing.verifying_key().as_bytes()),
            d: None,
        }
    }

    pub(super) fn sign(&self, wanted: &'static str, claims: &impl Serialize) -> Result<String, String> {
        let header =
            Header { typ: Some(wanted.to_owned()), kid: Some(self.id.clone()), ..Header::new(Algorithm::EdDSA) };
        let der = self.signing.to_pkcs8_der().map_err(|error| error.to_string())?;
        let key = EncodingKey::from_ed_der(der.as_bytes());
        jsonwebtoken::encode(&header, claims, &key).map_err(|error| error.to_string())
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
    /// [`Unreadable`] where it is none, or holds a private key.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        Self::read(&folder, &name)
    }

    /// Reads a set of public keys below a folder.
    ///
    /// # Errors
    /// [`Unreadable`] where it is none, or holds a private key.
    pub fn read(folder: &Folder, name: &str) -> Result<Self, Unreadable> {
        let shown = folder.shown(name);
        let wrong = |message: String| Unreadable::new(&shown, Place::Whole, message);
        let set: Self = serde_json::from_slice(&folder.read(name, MOST_BYTES)?)
            .map_err(|error| wrong(format!("this is not a JSON Web Key Set: {error}")))?;
        for key in &set.keys {
            if key.kty != "OKP" || key.crv != "Ed25519" {
                return Err(wrong(format!("the key `{}` is not an Ed25519 key", key.kid)));
            }
            if key.d.is_some() {
                return Err(wrong(format!("the key `{}` is a private one, and this file is public", key.kid))
                    .help("make a new key: this one is no secret any more"));
            }
            if let Some(same) = set.keys.iter().find(|other| other.x == key.x && other.kid != key.kid) {
                let message = format!("the keys `{}` and `{}` are one key under two names", key.kid, same.kid);
                return Err(wrong(message).help("one person, one key: take one of them out"));
            }
        }
        Ok(set)
    }

    /// Adds the public half of a key.
    ///
    /// # Errors
    /// What is wrong, where there is another of that name.
    pub fn add(&mut self, key: &Key) -> Result<(), String> {
        if self.keys.iter().any(|known| known.kid == key.id) {
            return Err(format!("there is a key `{}` already", key.id));
        }
        self.keys.push(key.jwk());
        Ok(())
    }

    /// The set as a JSON Web Key Set.
    pub fn to_json(&self) -> String {
        // Texts alone; writing them does not fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// What a token says, if it is of the wanted kind and signed with one of these keys; and the name of that key.
    /// Times are not looked at.
    pub(super) fn verify<T: DeserializeOwned>(
        &self,
        wanted: &'static str,
        token: &str,
    ) -> Result<(String, T), NotVouched> {
        let malformed = |message: String| NotVouched::Malformed { wanted, message };
        let token = token.trim();
        let header =
            jsonwebtoken::decode_header(token).map_err(|_| malformed("it is no JSON Web Token".to_owned()))?;
        if header.typ.as_deref() != Some(wanted) {
            return Err(malformed(format!("it is of the type `{}`", header.typ.unwrap_or_default())));
        }
        let id = header.kid.ok_or_else(|| malformed("it does not name its key".to_owned()))?;
        let key = self.keys.iter().find(|key| key.kid == id).ok_or_else(|| NotVouched::Foreign(id.clone()))?;
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
                jsonwebtoken::errors::ErrorKind::InvalidSignature => NotVouched::Forged(id),
                _ => malformed("it does not say what one of that kind says".to_owned()),
            }),
        }
    }
}
