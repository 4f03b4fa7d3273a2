//! The files in `deploy/`: their names match each other, the program takes their policy sets, and the service of the cluster
//! starts with the certificates that the script makes.

use crate::support::fixture::{says, write};
use crate::support::service::{Service, agent};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use ureq::tls::{Certificate, ClientCert, PrivateKey, TlsConfig};
use yaml_rust2::{Yaml, YamlLoader};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").canonicalize().unwrap()
}

fn text(name: &str) -> String {
    std::fs::read_to_string(deploy().join(name)).unwrap()
}

/// The documents of a file, by their kind.
fn documents(name: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The document of a kind in a file.
fn of_kind(name: &str, kind: &str) -> Yaml {
    let mut found = documents(name).into_iter().filter(|document| document["kind"].as_str() == Some(kind));
    let one = found.next().unwrap_or_else(|| panic!("{name} has no {kind}"));
    assert!(found.next().is_none(), "{name} has several of the kind {kind}");
    one
}

/// The value at keys and positions with slashes between.
fn at<'a>(yaml: &'a Yaml, path: &str) -> &'a Yaml {
    path.split('/').fold(yaml, |yaml, part| match part.parse::<usize>() {
        Ok(index) => &yaml[index],
        Err(_) => &yaml[part],
    })
}

fn word<'a>(yaml: &'a Yaml, path: &str) -> &'a str {
    at(yaml, path).as_str().unwrap_or_else(|| panic!("no text at {path}: {yaml:?}"))
}

fn words<'a>(yaml: &'a Yaml, path: &str) -> Vec<&'a str> {
    at(yaml, path).as_vec().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

const CLUSTER: &str = "kubernetes/reprieve.yaml";
const WEBHOOK: &str = "kubernetes/webhook.yaml";

#[test]
fn the_api_server_is_led_to_the_service() {
    let webhook = of_kind(WEBHOOK, "ValidatingWebhookConfiguration");
    let one = at(&webhook, "webhooks/0");
    assert_eq!(at(&webhook, "webhooks").as_vec().unwrap().len(), 1);
    let (service, deployment) = (of_kind(CLUSTER, "Service"), of_kind(CLUSTER, "Deployment"));
    for (path, of_service) in
        [("clientConfig/service/namespace", "metadata/namespace"), ("clientConfig/service/name", "metadata/name")]
    {
        assert_eq!(word(one, path), word(&service, of_service), "{path}");
    }
    assert_eq!(word(one, "clientConfig/service/path"), "/kubernetes/admission");
    assert_eq!(at(one, "clientConfig/service/port"), at(&service, "spec/ports/0/port"));
    // From the port of the service to that of the container, and to the address of the program.
    let container = at(&deployment, "spec/template/spec/containers/0");
    assert_eq!(word(&service, "spec/ports/0/targetPort"), word(container, "ports/0/name"));
    let port = at(container, "ports/0/containerPort").as_i64().unwrap();
    let config = of_kind(CLUSTER, "ConfigMap");
    let set = word(&config, "data/reprieve.toml");
    assert!(set.contains(&format!("listen = \"0.0.0.0:{port}\"")), "{set}");
    let labels = at(&deployment, "spec/template/metadata/labels");
    assert_eq!(at(&service, "spec/selector"), labels);
    assert_eq!(at(&deployment, "spec/selector/matchLabels"), labels);
    // What is not asked is refused, and nothing that repairs the cluster is asked about.
    for (path, expected) in [("failurePolicy", "Fail"), ("sideEffects", "NoneOnDryRun")] {
        assert_eq!(word(one, path), expected);
    }
    assert_eq!(words(one, "admissionReviewVersions"), ["v1"]);
    let seconds = at(one, "timeoutSeconds").as_i64().unwrap();
    assert!((1..=30).contains(&seconds));
    let left_out = at(one, "namespaceSelector/matchExpressions/0");
    assert_eq!((word(left_out, "key"), word(left_out, "operator")), ("kubernetes.io/metadata.name", "NotIn"));
    let own = word(&of_kind(CLUSTER, "Namespace"), "metadata/name").to_owned();
    assert_eq!(words(left_out, "values"), ["kube-system", "kube-node-lease", "kube-public", &own]);
    assert!(at(one, "matchConditions").as_vec().is_some_and(|conditions| !conditions.is_empty()));
    for rule in at(one, "rules").as_vec().unwrap() {
        assert_eq!(words(rule, "operations"), ["DELETE"]);
        assert!(!words(rule, "resources").contains(&"*"));
    }
    // The API server identifies itself to the name of the service.
    let users = of_kind("kubernetes/apiserver/kubeconfig.yaml", "Config");
    assert_eq!(word(&users, "users/0/name"), format!("{}.{own}.svc", word(&service, "metadata/name")));
    let admission = of_kind("kubernetes/apiserver/admission.yaml", "AdmissionConfiguration");
    assert_eq!(word(&admission, "plugins/0/name"), "ValidatingAdmissionWebhook");
    assert!(word(&admission, "plugins/0/configuration/kubeConfigFile").ends_with("/kubeconfig.yaml"));
}

#[test]
fn what_is_mounted_exists_and_the_service_may_do_little() {
    let (deployment, job) = (of_kind(CLUSTER, "Deployment"), of_kind("kubernetes/ledger.yaml", "Job"));
    let names = |kind| word(&of_kind(CLUSTER, kind), "metadata/name").to_owned();
    for workload in [&deployment, &job] {
        assert_eq!(word(workload, "metadata/namespace"), names("Namespace"));
        let pod = at(workload, "spec/template/spec");
        let container = at(pod, "containers/0");
        let volumes = at(pod, "volumes").as_vec().unwrap();
        let volume = |name: &str| volumes.iter().find(|volume| volume["name"].as_str() == Some(name));
        for mount in at(container, "volumeMounts").as_vec().unwrap() {
            assert!(volume(word(mount, "name")).is_some(), "{mount:?}");
        }
        assert_eq!(word(volume("work").unwrap(), "persistentVolumeClaim/claimName"), names("PersistentVolumeClaim"));
        assert_eq!(word(volume("set").unwrap(), "configMap/name"), names("ConfigMap"));
        assert!(words(container, "args").contains(&"/work/reprieve.toml"));
        assert_eq!(at(pod, "automountServiceAccountToken"), &Yaml::Boolean(false));
        assert_eq!(at(pod, "securityContext/runAsNonRoot"), &Yaml::Boolean(true));
        assert_eq!(at(container, "securityContext/readOnlyRootFilesystem"), &Yaml::Boolean(true));
        assert_eq!(words(container, "securityContext/capabilities/drop"), ["ALL"]);
        assert_eq!(word(container, "image"), word(&deployment, "spec/template/spec/containers/0/image"));
    }
    let volumes = at(&deployment, "spec/template/spec/volumes").as_vec().unwrap();
    let secret = volumes.iter().find(|volume| volume["name"].as_str() == Some("tls")).unwrap();
    let secret = word(secret, "secret/secretName");
    assert!(text("kubernetes/certificates").contains(&format!("create secret generic {secret} ")));
    // The version is that of the program.
    assert!(word(&job, "spec/template/spec/containers/0/image").ends_with(concat!(":", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_composition_is_a_sidecar() {
    let composition = documents("compose/compose.yaml").remove(0);
    let service = at(&composition, "services/reprieve");
    assert!(text("compose/compose.yaml").contains(concat!("image: reprieve:", env!("CARGO_PKG_VERSION"))));
    let beside = word(service, "network_mode").strip_prefix("service:").unwrap();
    assert!(!at(&composition, "services")[beside].is_badvalue());
    // No port is published: the sidecar has no authentication.
    assert!(at(service, "ports").is_badvalue() && at(&composition, "services")[beside]["ports"].is_badvalue());
    let mounts: Vec<Vec<&str>> =
        words(service, "volumes").into_iter().map(|volume| volume.split(':').collect()).collect();
    assert!(at(&composition, "volumes").as_hash().unwrap().contains_key(&Yaml::String(mounts[0][0].to_owned())));
    assert!(deploy().join("compose").join(mounts[1][0]).is_file());
    assert!(words(service, "command").contains(&mounts[1][1]));
    assert_eq!(at(service, "read_only"), &Yaml::Boolean(true));
}

#[test]
fn the_program_takes_every_policy_set() {
    let config = of_kind(CLUSTER, "ConfigMap");
    let sets = [
        text("systemd/reprieve.toml"),
        text("compose/reprieve.toml"),
        word(&config, "data/reprieve.toml").to_owned(),
    ];
    for set in sets {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "reprieve.toml", &set);
        says(&folder, "policies --config reprieve.toml", 0, &["blast-radius"]);
        says(&folder, "ledger new", 0, &["created reprieve.db"]);
        if !set.contains("[serve.tls]") {
            let line = "serve --listen 127.0.0.1:0";
            let service = Service::start_with(&folder, line, agent(ureq::Agent::config_builder()));
            assert_eq!(service.get("/readyz").status, 200);
        }
    }
}

/// The service of the cluster, with what the script makes, asked as the API server asks.
#[test]
fn the_service_of_the_cluster_answers_the_certificate_of_the_api_server_alone() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("tls");
    let output = Command::new(deploy().join("kubernetes/certificates")).arg(&made).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(made.join(name)).unwrap();
    // The webhook trusts the CA.
    let webhook = YamlLoader::load_from_str(&read("webhook.yaml")).unwrap().remove(0);
    let bundle = word(&webhook, "webhooks/0/clientConfig/caBundle").to_owned();
    let decoded = Command::new("sh").args(["-c", "printf %s \"$1\" | base64 -d", "sh", &bundle]).output().unwrap();
    assert_eq!(String::from_utf8(decoded.stdout).unwrap(), read("ca.crt"));
    let config = of_kind(CLUSTER, "ConfigMap");
    write(&folder, "reprieve.toml", word(&config, "data/reprieve.toml"));
    says(&folder, "ledger new", 0, &[]);
    let client = |certificate: Option<(&str, &str)>| {
        let certificate = certificate.map(|(certificate, key)| {
            let chain = [Certificate::from_pem(read(certificate).as_bytes()).unwrap().to_owned()];
            ClientCert::new_with_certs(&chain, PrivateKey::from_pem(read(key).as_bytes()).unwrap())
        });
        // The service is called by its address here, and its certificate has its name in the cluster.
        let tls = TlsConfig::builder().client_cert(certificate).disable_verification(true).build();
        agent(ureq::Agent::config_builder().tls_config(tls))
    };
    let line = "serve --listen 127.0.0.1:0";
    let service = Service::start_with(&folder, line, client(Some(("client.crt", "client.key"))));
    let claim = |name: &str| {
        json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": format!("r-{name}"), "kind": { "group": "", "version": "v1", "kind": "PersistentVolumeClaim" },
            "resource": { "group": "", "version": "v1", "resource": "persistentvolumeclaims" }, "name": name,
            "namespace": "shop", "operation": "DELETE", "userInfo": { "username": "ann" }, "object": null,
            "oldObject": { "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": { "name": name, "namespace": "shop", "uid": format!("p-{name}") } },
            "dryRun": false, "options": { "kind": "DeleteOptions" } } })
        .to_string()
    };
    let answer = service.post("/kubernetes/admission", &claim("a"));
    assert_eq!((answer.status, &answer.json()["response"]["allowed"]), (200, &json!(true)), "{}", answer.text);
    let call = |agent: ureq::Agent| {
        let post = agent.post(format!("{}/kubernetes/admission", service.url));
        post.header("Content-Type", "application/json").send(claim("b")).unwrap().status().as_u16()
    };
    assert_eq!(call(client(None)), 401);
    assert_eq!(call(client(Some(("client.crt", "client.key")))), 200);
}

#[test]
fn systemd_takes_the_unit() {
    let unit = text("systemd/reprieve.service");
    assert!(unit.contains("--config /var/lib/reprieve/reprieve.toml") && unit.contains("StateDirectory=reprieve"));
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("systemd-analyze is not installed: the unit is not verified");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "reprieve.service", &unit.replace("/usr/local/bin/reprieve", env!("CARGO_BIN_EXE_reprieve")));
    let mut command = Command::new("systemd-analyze");
    let output = command.args(["verify", "--man=no"]).arg(folder.path().join("reprieve.service")).output().unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    // Other units of the machine may have flaws of their own.
    let ours: Vec<&str> = printed.lines().filter(|line| line.contains("reprieve.service")).collect();
    assert!(output.status.success() && ours.is_empty(), "{printed}");
}
