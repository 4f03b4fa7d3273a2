//! `reprieve serve` with TLS: a caller may be the name in a client certificate that a root of the set signed.

use crate::support::fixture::{CONFIG, fixture, says, write};
use crate::support::service::{Service, agent};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use ureq::tls::{ClientCert, PrivateKey, RootCerts, TlsConfig};

/// A root, and what it signs.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// A certificate with these common names, and its key.
    fn sign(&self, names: &[&str]) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        for name in names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// A client that trusts the root, with a certificate if there is one.
fn client(root: &Authority, certificate: Option<&(Certificate, KeyPair)>) -> ureq::Agent {
    let roots = vec![ureq::tls::Certificate::from_der(root.certificate.der()).to_owned()];
    let client = certificate.map(|(certificate, key)| {
        let chain = [ureq::tls::Certificate::from_der(certificate.der()).to_owned()];
        let key = PrivateKey::from_pem(key.serialize_pem().as_bytes()).unwrap();
        ClientCert::new_with_certs(&chain, key)
    });
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).client_cert(client).build();
    agent(ureq::Agent::config_builder().tls_config(tls))
}

const BODY: &str = r#"{ "id": "one", "mode": "soft", "environment": "production", "target_kind": "app",
    "targets": [{ "id": "a-1", "kind": "app", "tenant": "t-1" }] }"#;

fn configured(root: &Authority) -> TempDir {
    let fixture = fixture();
    let (certificate, key) = root.sign(&["the service"]);
    write(&fixture, "service.pem", &certificate.pem());
    write(&fixture, "service.key", &key.serialize_pem());
    write(&fixture, "clients.pem", &root.certificate.pem());
    std::fs::set_permissions(fixture.path().join("service.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let serve = "[serve.tls]\ncertificate = \"service.pem\"\nkey = \"service.key\"\nclients = \"clients.pem\"\n\
                 [[serve.callers]]\nname = \"svc-app\"\nroles = [\"submit\"]\ncertificate = \"app.example\"\n";
    write(&fixture, "reprieve.toml", &format!("{CONFIG}\n{serve}"));
    fixture
}

#[test]
fn a_certificate_names_its_caller() {
    let (root, other) = (Authority::new("root"), Authority::new("another root"));
    let fixture = configured(&root);
    let (known, unknown) = (root.sign(&["app.example"]), root.sign(&["other.example"]));
    let service = Service::start_with(&fixture, "serve --listen 127.0.0.1:0", client(&root, Some(&known)));
    let url = service.url.replace("127.0.0.1", "localhost");
    assert!(url.starts_with("https://"));
    let status = |agent: &ureq::Agent| {
        let call = agent.post(format!("{url}/v1/decisions")).header("Content-Type", "application/json").send(BODY);
        call.map(|answer| answer.status().as_u16()).map_err(|error| error.to_string())
    };
    assert_eq!(status(&client(&root, Some(&known))), Ok(200));
    assert_eq!(status(&client(&root, Some(&unknown))), Ok(401));
    assert_eq!(status(&client(&root, None)), Ok(401));
    // Nobody but the root of the set signs clients.
    assert!(status(&client(&root, Some(&other.sign(&["app.example"])))).is_err());
    says(&fixture, "ledger verify", 0, &["1 entry verified: 1 decision"]);
}

#[test]
fn certificates_that_cannot_be_used_are_named() {
    let fixture = configured(&Authority::new("root"));
    for (file, text, message) in [
        ("service.pem", "", "there is no certificate in it"),
        ("service.key", "", "service.key cannot be used"),
        ("clients.pem", "nothing", "clients.pem cannot be used: there is no certificate in it"),
    ] {
        let kept = std::fs::read_to_string(fixture.path().join(file)).unwrap();
        write(&fixture, file, text);
        says(&fixture, "serve --listen 127.0.0.1:0", 2, &[message]);
        write(&fixture, file, &kept);
    }
    // A key of another certificate.
    let (_, key) = Authority::new("root").sign(&["x"]);
    write(&fixture, "service.key", &key.serialize_pem());
    says(&fixture, "serve --listen 127.0.0.1:0", 2, &["service.key cannot be used"]);
}
