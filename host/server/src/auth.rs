//! Who calls, and what for. A caller is what it authenticated as, never what its request says.

use crate::error::ServeError;
use crate::problem::Problem;
use axum::http::{HeaderMap, StatusCode, header};
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use reprieve::Folder;
use reprieve::policy::{CallerSettings, Role, ServeSettings};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use subtle::ConstantTimeEq;

/// The maximum size of a key set in bytes.
const MAX_KEYS_BYTES: u64 = 1 << 20;

/// The cookie with the token of a person who uses the console.
pub(crate) const COOKIE: &str = "reprieve_token";

/// Somebody who calls the service.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Its name. None: the service has no authentication.
    pub name: Option<String>,
    roles: Vec<Role>,
    /// Whether a browser sent its credential by itself, so a page of another site may have caused the call.
    pub by_cookie: bool,
}

impl Caller {
    /// Whether it has a role.
    pub fn may(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Its name for a record.
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or("anonymous (loopback)")
    }
}

/// Everyone who may call.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    callers: Vec<CallerSettings>,
    tokens: Option<Tokens>,
}

/// How JSON Web Tokens are verified.
#[derive(Debug)]
struct Tokens {
    keys: JwkSet,
    issuer: String,
    audience: String,
}

/// What is read from a JSON Web Token. Its times, issuer and audience are checked by the library.
#[derive(Deserialize)]
struct TokenClaims {
    sub: String,
}

impl Callers {
    /// Checks the callers of the settings and reads the keys that verify their tokens.
    pub fn of(settings: &ServeSettings, folder: &Folder) -> Result<Self, ServeError> {
        let mut seen = HashSet::new();
        for (i, caller) in settings.callers.iter().enumerate() {
            let invalid = |message: String, help: &str| ServeError::setting(format!("callers[{i}]"), message, help);
            check(caller, settings).map_err(|(message, help)| invalid(message, help))?;
            if !seen.insert(identity(caller)) {
                return Err(invalid(
                    format!("`{}` has the credential of another caller", caller.name),
                    "use each once",
                ));
            }
        }
        let read = |settings: &reprieve::policy::TokenSettings| -> Result<Tokens, ServeError> {
            let bytes = folder.read(&settings.keys, MAX_KEYS_BYTES)?;
            let keys = serde_json::from_slice(&bytes).map_err(|error| {
                let message = format!("{} is not a JSON Web Key Set: {error}", folder.display_name(&settings.keys));
                ServeError::setting(
                    "tokens.keys",
                    message,
                    "save the keys of the issuer, its `jwks_uri`, to this file",
                )
            })?;
            Ok(Tokens { keys, issuer: settings.issuer.clone(), audience: settings.audience.clone() })
        };
        let tokens = settings.tokens.as_ref().map(read).transpose()?;
        Ok(Self { callers: settings.callers.clone(), tokens })
    }

    /// Whether anybody has to authenticate.
    pub fn are_set(&self) -> bool {
        !self.callers.is_empty()
    }

    /// Returns who calls. `certificate` is the common name in the certificate of the client, if it has one.
    pub fn authenticate(&self, headers: &HeaderMap, certificate: Option<&str>) -> Result<Caller, Problem> {
        if self.callers.is_empty() {
            return Ok(Caller { name: None, roles: Role::ALL.to_vec(), by_cookie: false });
        }
        let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
        let bearer = match authorization {
            Some(value) => {
                Some(value.strip_prefix("Bearer ").ok_or_else(|| unknown("the header is not `Bearer …`"))?)
            }
            None => None,
        };
        let cookie = cookie(headers);
        let by_cookie = bearer.is_none() && cookie.is_some();
        let found = match (bearer.or(cookie), certificate) {
            (Some(token), _) => self.of_token(token.trim())?,
            (None, Some(name)) => self
                .callers
                .iter()
                .find(|caller| caller.certificate.as_deref() == Some(name))
                .ok_or_else(|| unknown("no caller has the name in this certificate"))?,
            (None, None) => return Err(unknown("there is no credential")),
        };
        Ok(Caller { name: Some(found.name.clone()), roles: found.roles.clone(), by_cookie })
    }

    fn of_token(&self, token: &str) -> Result<&CallerSettings, Problem> {
        if let Some(tokens) = self.tokens.as_ref().filter(|_| token.split('.').count() == 3) {
            let subject = tokens.subject(token).map_err(|why| unknown(&why))?;
            let found = self.callers.iter().find(|caller| caller.subject.as_deref() == Some(&subject));
            return found.ok_or_else(|| unknown("no caller has the subject of this token"));
        }
        let digest = hex::encode(Sha256::digest(token));
        // Every digest is compared, so the time does not tell which one is close.
        let mut found = None;
        for caller in &self.callers {
            let expected = caller.token_sha256.as_deref().unwrap_or_default();
            if bool::from(expected.as_bytes().ct_eq(digest.as_bytes())) {
                found = Some(caller);
            }
        }
        found.ok_or_else(|| unknown("no caller has this token"))
    }
}

impl Tokens {
    /// Verifies a JSON Web Token and returns its subject.
    fn subject(&self, token: &str) -> Result<String, String> {
        let refuse = |error: jsonwebtoken::errors::Error| format!("the token is not accepted: {error}");
        let header = decode_header(token).map_err(refuse)?;
        let kid = header.kid.ok_or("the token does not name its key (`kid`)")?;
        let key = self.keys.find(&kid).ok_or("the token is signed by a key that the service does not know")?;
        if matches!(key.algorithm, AlgorithmParameters::OctetKey(_)) {
            return Err("the key of the token is not a public key".to_owned());
        }
        let decoding = DecodingKey::from_jwk(key).map_err(refuse)?;
        // The library refuses an algorithm of another family than that of the key.
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        let TokenClaims { sub } = decode(token, &decoding, &validation).map_err(refuse)?.claims;
        Ok(sub)
    }
}

/// The token in the console's cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// What tells a caller from others.
fn identity(caller: &CallerSettings) -> (&str, &str) {
    match (&caller.token_sha256, &caller.subject, &caller.certificate) {
        (Some(digest), ..) => ("token", digest),
        (_, Some(subject), _) => ("subject", subject),
        (.., certificate) => ("certificate", certificate.as_deref().unwrap_or_default()),
    }
}

/// Returns what is wrong with a caller, and what to do.
fn check(caller: &CallerSettings, settings: &ServeSettings) -> Result<(), (String, &'static str)> {
    let CallerSettings { name, roles, token_sha256, subject, certificate } = caller;
    let credentials = [token_sha256, subject, certificate].into_iter().flatten().count();
    if name.trim().is_empty() {
        return Err(("it has no name".to_owned(), "set `name` to the account that deletes"));
    }
    if credentials != 1 {
        let message = format!("`{name}` has {credentials} credentials");
        return Err((message, "set one of `token_sha256`, `subject` and `certificate`"));
    }
    if roles.is_empty() {
        return Err((format!("`{name}` has no role"), "set `roles`, for example `[\"submit\", \"execute\"]`"));
    }
    if token_sha256.as_ref().is_some_and(|digest| {
        digest.len() != 64 || !digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }) {
        let message = format!("`token_sha256` of `{name}` is not a SHA-256 digest in lower-case hex");
        return Err((message, "use the digest that `reprieve token` prints"));
    }
    if subject.is_some() && settings.tokens.is_none() {
        return Err((format!("`{name}` uses JSON Web Tokens"), "add `[serve.tokens]` with the keys of their issuer"));
    }
    if certificate.is_some() && settings.tls.as_ref().is_none_or(|tls| tls.clients.is_none()) {
        return Err((format!("`{name}` uses a certificate"), "set `clients` in `[serve.tls]`"));
    }
    Ok(())
}

fn unknown(why: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", why)
        .with_help("send `Authorization: Bearer TOKEN`, or use a client certificate")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ed25519_dalek::SigningKey;
    use ed25519_dalek::pkcs8::EncodePrivateKey;
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use reprieve::policy::TokenSettings;
    use serde_json::{Value, json};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    /// Callers whose issuer has the key `k`.
    fn callers() -> Callers {
        let folder = tempfile::tempdir().unwrap();
        let x = URL_SAFE_NO_PAD.encode(key(1).verifying_key().as_bytes());
        let keys = json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x, "alg": "EdDSA" },
            { "kty": "oct", "kid": "shared", "k": "c2VjcmV0" }
        ] });
        std::fs::write(folder.path().join("jwks.json"), keys.to_string()).unwrap();
        let caller = |name: &str, subject: &str| CallerSettings {
            name: name.to_owned(),
            roles: vec![Role::Submit],
            token_sha256: None,
            subject: Some(subject.to_owned()),
            certificate: None,
        };
        let tokens = TokenSettings {
            keys: "jwks.json".to_owned(),
            issuer: "https://issuer.example".to_owned(),
            audience: "reprieve".to_owned(),
        };
        let settings = ServeSettings {
            tokens: Some(tokens),
            callers: vec![caller("ann", "ann@example.com"), caller("bob", "bob@example.com")],
            ..ServeSettings::default()
        };
        Callers::of(&settings, &Folder::open(folder.path()).unwrap()).unwrap()
    }

    fn claims() -> Value {
        let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs();
        json!({ "sub": "ann@example.com", "iss": "https://issuer.example", "aud": "reprieve", "exp": now + 600 })
    }

    fn token(claims: &Value, kid: Option<&str>, seed: u8) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::EdDSA) };
        let der = key(seed).to_pkcs8_der().unwrap();
        encode(&header, claims, &EncodingKey::from_ed_der(der.as_bytes())).unwrap()
    }

    fn who(token: &str) -> Option<String> {
        let value = format!("Bearer {token}").parse().unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        callers().authenticate(&headers, None).ok()?.name
    }

    #[test]
    fn a_json_web_token_of_the_issuer_names_its_caller() {
        assert_eq!(who(&token(&claims(), Some("k"), 1)).as_deref(), Some("ann"));
        let mut several = claims();
        several["aud"] = json!(["another", "reprieve"]);
        assert_eq!(who(&token(&several, Some("k"), 1)).as_deref(), Some("ann"));
    }

    #[test]
    fn any_other_json_web_token_is_refused() {
        let changed = |field: &str, value: Value| {
            let mut claims = claims();
            claims[field] = value;
            token(&claims, Some("k"), 1)
        };
        let without = |field: &str| {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(field);
            token(&claims, Some("k"), 1)
        };
        for (what, token) in [
            ("signed by another key", token(&claims(), Some("k"), 2)),
            ("of an unknown key", token(&claims(), Some("other"), 1)),
            ("without the id of its key", token(&claims(), None, 1)),
            ("of an unknown subject", changed("sub", json!("eve@example.com"))),
            ("of another issuer", changed("iss", json!("https://evil.example"))),
            ("for another audience", changed("aud", json!("another"))),
            ("expired", changed("exp", json!(1_000_000))),
            ("not valid yet", changed("nbf", json!(4_000_000_000_u64))),
            ("without an end", without("exp")),
            ("without a subject", without("sub")),
            ("without an audience", without("aud")),
            ("without an issuer", without("iss")),
        ] {
            assert_eq!(who(&token), None, "{what}");
        }
        // What a public key is used as a secret for, and what a shared secret signs.
        for (kid, secret) in [("k", key(1).verifying_key().to_bytes().to_vec()), ("shared", b"secret".to_vec())] {
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
            let token = encode(&header, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
            assert_eq!(who(&token), None, "{kid}");
        }
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let unsigned = format!("{}.{}.", part(json!({ "alg": "none", "typ": "JWT", "kid": "k" })), part(claims()));
        assert_eq!(who(&unsigned), None);
        for text in ["", "..", "a.b.c", "rpv_0"] {
            assert_eq!(who(text), None, "{text}");
        }
    }
}
