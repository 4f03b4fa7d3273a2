//! Calls that say exactly what they delete: a list that the gate can vet as it is.

use super::plain;
use super::words::base;
use reprieve_readers::Format;
use serde_json::{Value, json};

/// What a call deletes.
#[derive(Debug)]
pub enum Deletion {
    /// A file of another tool, by its format.
    File { format: &'static Format, bytes: Vec<u8> },
    /// A request with its targets.
    Request(Value),
}

/// Reads what a command deletes. `None`: it does not say so in full, or in a way that can be read word for word.
pub fn of_command(text: &str) -> Option<Deletion> {
    let commands = plain::commands(text)?;
    let [command] = commands.as_slice() else { return None };
    let (program, arguments) = command.split_first()?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match base(program) {
        "psql" => sql(&arguments, &PSQL),
        "mysql" | "mariadb" => sql(&arguments, &MYSQL),
        "sqlite3" => sql(&arguments, &SQLITE),
        "kubectl" => kubernetes(&arguments),
        _ => None,
    }
}

/// Reads what the arguments of a tool delete: a request with inline targets and nothing beside it, or one statement.
pub fn of_tool(input: &Value) -> Option<Deletion> {
    let members = input.as_object()?;
    let only = members.iter().next().filter(|_| members.len() == 1);
    match only {
        Some((key, Value::String(text))) if ["query", "sql", "statement"].contains(&key.as_str()) => {
            statements(text.clone())
        }
        Some((key, request)) if key == "request" => request_of(request),
        _ => request_of(input),
    }
}

fn request_of(value: &Value) -> Option<Deletion> {
    let is_request = value["mode"].is_string() && value["environment"].is_string() && value["targets"].is_array();
    is_request.then(|| Deletion::Request(value.clone()))
}

/// A file of statements. Clients run a last statement that no `;` ends.
fn statements(mut text: String) -> Option<Deletion> {
    if !text.trim_end().ends_with(';') {
        text += "\n;";
    }
    Some(Deletion::File { format: reprieve_readers::find("sql")?, bytes: text.into_bytes() })
}

/// The options of a client that change nothing about what its statements delete.
struct Client {
    /// Options with a statement.
    statements: &'static [&'static str],
    /// Options with a value.
    valued: &'static [&'static str],
    /// Options without one.
    flags: &'static [&'static str],
    /// The number of arguments that are not options.
    names: usize,
    /// Whether the arguments after those are statements.
    then_statements: bool,
}

const PSQL: Client = Client {
    statements: &["-c", "--command"],
    valued: &["-h", "-U", "-d", "-p", "--host", "--username", "--dbname", "--port"],
    flags: &["-X", "-q", "-A", "-t", "-1", "-w", "--no-psqlrc", "--quiet", "--single-transaction", "--no-password"],
    names: 1,
    then_statements: false,
};
const MYSQL: Client = Client {
    statements: &["-e", "--execute"],
    valued: &["-h", "-u", "-D", "-P", "--host", "--user", "--database", "--port"],
    flags: &["-N", "-B", "-s", "-p", "--batch", "--silent", "--skip-column-names"],
    names: 1,
    then_statements: false,
};
const SQLITE: Client =
    Client { statements: &[], valued: &[], flags: &["-batch", "-bail"], names: 1, then_statements: true };

fn sql(arguments: &[&str], client: &Client) -> Option<Deletion> {
    let (mut found, mut names) = (Vec::new(), 0);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if client.flags.contains(argument) {
            continue;
        }
        let (name, value) = match argument.split_once('=').filter(|(name, _)| name.starts_with("--")) {
            Some((name, value)) => (name, Some(value)),
            None => (*argument, None),
        };
        let of_option = |rest: &mut std::slice::Iter<'_, &str>| {
            value.map(str::to_owned).or_else(|| rest.next().map(|value| (*value).to_owned()))
        };
        if client.statements.contains(&name) {
            found.push(of_option(&mut rest)?);
        } else if client.valued.contains(&name) {
            of_option(&mut rest)?;
        } else if argument.starts_with('-') {
            return None;
        } else if names < client.names {
            names += 1;
        } else if client.then_statements {
            found.push((*argument).to_owned());
        } else {
            return None;
        }
    }
    if found.is_empty() { None } else { statements(found.join(";\n")) }
}

/// Resources of Kubernetes by the names that kubectl takes, and whether they are in a namespace.
const RESOURCES: &[(&str, &[&str], bool)] = &[
    ("ConfigMap", &["configmap", "configmaps", "cm"], true),
    ("CronJob", &["cronjob", "cronjobs", "cj"], true),
    ("DaemonSet", &["daemonset", "daemonsets", "ds"], true),
    ("Deployment", &["deployment", "deployments", "deploy"], true),
    ("Ingress", &["ingress", "ingresses", "ing"], true),
    ("Job", &["job", "jobs"], true),
    ("Namespace", &["namespace", "namespaces", "ns"], false),
    ("Node", &["node", "nodes", "no"], false),
    ("PersistentVolume", &["persistentvolume", "persistentvolumes", "pv"], false),
    ("PersistentVolumeClaim", &["persistentvolumeclaim", "persistentvolumeclaims", "pvc"], true),
    ("Pod", &["pod", "pods", "po"], true),
    ("ReplicaSet", &["replicaset", "replicasets", "rs"], true),
    ("Secret", &["secret", "secrets"], true),
    ("Service", &["service", "services", "svc"], true),
    ("ServiceAccount", &["serviceaccount", "serviceaccounts", "sa"], true),
    ("StatefulSet", &["statefulset", "statefulsets", "sts"], true),
];

/// `kubectl delete TYPE NAME… -n NAMESPACE`, or with `TYPE/NAME`. A selector, a file or another cluster is not read.
fn kubernetes(arguments: &[&str]) -> Option<Deletion> {
    let (mut names, mut namespace) = (Vec::new(), None);
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        match argument {
            "-n" | "--namespace" => namespace = Some(rest.next()?),
            "--wait=true" | "--wait=false" | "--ignore-not-found" | "--ignore-not-found=true" => {}
            _ if argument.starts_with("--namespace=") => namespace = argument.strip_prefix("--namespace="),
            _ if argument.starts_with('-') => return None,
            _ => names.push(argument),
        }
    }
    let (verb, names) = names.split_first()?;
    if *verb != "delete" {
        return None;
    }
    let resource = |name: &str| RESOURCES.iter().find(|(_, names, _)| names.contains(&name));
    let targets: Vec<(&str, &str)> = if names.iter().all(|name| name.contains('/')) {
        names.iter().map(|name| name.split_once('/')).collect::<Option<_>>()?
    } else {
        let (kind, names) = names.split_first()?;
        names.iter().map(|name| (*kind, *name)).collect()
    };
    let item = |(kind, name): &(&str, &str)| {
        let (kind, _, is_in_namespace) = resource(kind)?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
        let metadata =
            if *is_in_namespace { json!({ "name": name, "namespace": namespace? }) } else { json!({ "name": name }) };
        is_name.then(|| json!({ "kind": kind, "metadata": metadata }))
    };
    let items = targets.iter().map(item).collect::<Option<Vec<_>>>().filter(|items| !items.is_empty())?;
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    Some(Deletion::File { format: reprieve_readers::find("kubernetes")?, bytes: list.to_string().into_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(command: &str) -> Option<String> {
        match of_command(command)? {
            Deletion::File { bytes, .. } => String::from_utf8(bytes).ok(),
            Deletion::Request(request) => Some(request.to_string()),
        }
    }

    #[test]
    fn reads_statements_only_of_plain_commands() {
        let statement = "DELETE FROM t WHERE id = 1\n;";
        for command in [
            "psql -h db -U app shop -c 'DELETE FROM t WHERE id = 1'",
            "/usr/bin/psql --command='DELETE FROM t WHERE id = 1' --dbname=shop",
            "mysql -u root --execute=\"DELETE FROM t WHERE id = 1\" shop",
            "sqlite3 -batch shop.db 'DELETE FROM t WHERE id = 1'",
        ] {
            assert_eq!(text(command).as_deref(), Some(statement), "{command}");
        }
        assert_eq!(text("psql -c 'a' -c 'b'").as_deref(), Some("a;\nb\n;"));
        for command in [
            "psql -f x.sql",
            "psql -c 'a' -f x.sql",
            "psql -v x=1 -c 'a'",
            "psql -c \"$X\"",
            "psql -c 'a' | cat",
            "psql a b -c 'c'",
            "sqlite3 -init x db 'a'",
            "X=1 psql -c 'a'",
            "psql",
            "psql -c",
        ] {
            assert_eq!(text(command), None, "{command}");
        }
    }

    #[test]
    fn reads_objects_that_kubectl_names() {
        let list = text("kubectl delete pod a b -n shop").unwrap();
        let list: Value = serde_json::from_str(&list).unwrap();
        assert_eq!(list["items"][1], json!({ "kind": "Pod", "metadata": { "name": "b", "namespace": "shop" } }));
        assert!(text("kubectl -n shop delete svc/a deploy/b --wait=false").is_some());
        assert!(text("kubectl delete namespace old").is_some(), "a namespace is in none");
        for command in [
            "kubectl delete pod a",
            "kubectl delete pod -l x=y -n shop",
            "kubectl delete pod --all -n shop",
            "kubectl delete -f x.yaml",
            "kubectl delete pod a -n shop --context prod",
            "kubectl delete widget a -n shop",
            "kubectl delete pod -n shop",
            "kubectl delete pod a* -n shop",
            "kubectl delete pod,svc a -n shop",
            "kubectl get pod a -n shop",
        ] {
            assert_eq!(text(command), None, "{command}");
        }
    }

    #[test]
    fn a_request_is_read_only_if_there_is_nothing_beside_it() {
        let request = json!({ "id": "x", "mode": "soft", "environment": "qa", "target_kind": "app", "targets": [{ "id": "a" }] });
        assert!(of_tool(&request).is_some() && of_tool(&json!({ "request": request })).is_some());
        assert!(of_tool(&json!({ "request": request, "force": true })).is_none());
        let mut by_path = request;
        by_path["targets"] = json!({ "path": "targets.csv" });
        assert!(of_tool(&by_path).is_none(), "the file may be another one when the tool reads it");
    }
}
