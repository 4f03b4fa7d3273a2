//! TLS: the certificate of the service, and the names in those of its clients.

use crate::error::ServeError;
use reprieve::Folder;
use reprieve::policy::TlsSettings;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;

/// The maximum size of a file of certificates in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The object identifier of the common name.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The configuration of TLS.
#[derive(Clone, Debug)]
pub(crate) struct Tls(pub Arc<ServerConfig>);

impl Tls {
    /// Reads the certificates and the key.
    pub fn read(settings: &TlsSettings, folder: &Folder) -> Result<Self, ServeError> {
        let invalid = |name: &str, file: &str, error: &dyn std::fmt::Display| {
            let message = format!("{} cannot be used: {error}", folder.display_name(file));
            ServeError::setting(format!("tls.{name}"), message, "use PEM files, the certificate of the service first")
        };
        let certificates = |name: &str, file: &str| -> Result<Vec<CertificateDer<'static>>, ServeError> {
            let bytes = folder.read(file, MAX_BYTES)?;
            let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
                .collect::<Result<_, _>>()
                .map_err(|error| invalid(name, file, &error))?;
            if found.is_empty() { Err(invalid(name, file, &"there is no certificate in it")) } else { Ok(found) }
        };
        let chain = certificates("certificate", &settings.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&folder.read_private(&settings.key, MAX_BYTES)?)
            .map_err(|error| invalid("key", &settings.key, &error))?;
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid("certificate", &settings.certificate, &error))?;
        let builder = match &settings.clients {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let mut roots = RootCertStore::empty();
                for root in certificates("clients", file)? {
                    roots.add(root).map_err(|error| invalid("clients", file, &error))?;
                }
                // A client may have a token instead, so a certificate is not required here.
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| invalid("clients", file, &error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config =
            builder.with_single_cert(chain, key).map_err(|error| invalid("key", &settings.key, &error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// The common name in a certificate that was verified.
pub(crate) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let names = certificate.tbs_certificate.subject.0.iter().flat_map(|names| names.0.iter());
    let mut values = names.filter(|name| name.oid == COMMON_NAME).map(|name| &name.value);
    // Two names could be read in two ways.
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let utf8 = Utf8StringRef::try_from(value).ok().map(|text| text.as_str().to_owned());
    utf8.or_else(|| PrintableStringRef::try_from(value).ok().map(|text| text.as_str().to_owned()))
}
