//! What a policy of Cloud Custodian found: its `resources.json`, with the `metadata.json` beside it, or a recorded answer of
//! an API.

use crate::cloud::{Collector, UNSEEN, add_pages, add_unnamed, answers, find_type};
use crate::json::Value;
use crate::node::Node;
use crate::{Input, Options, Sink, Summary};
use reprieve_batch::ReadError;

/// The members that are the id in Google Cloud, where it is not `name`.
const GCP_IDS: [(&str, &str); 14] = [
    ("gcp.app-engine", "id"),
    ("gcp.artifact-repository", "name"),
    ("gcp.bq-dataset", "id"),
    ("gcp.bq-job", "id"),
    ("gcp.bq-table", "id"),
    ("gcp.build", "id"),
    ("gcp.cloud-run-job", "metadata.name"),
    ("gcp.cloud-run-revision", "metadata.name"),
    ("gcp.cloud-run-service", "metadata.name"),
    ("gcp.dataproc-clusters", "clusterName"),
    ("gcp.ml-job", "jobId"),
    ("gcp.project", "projectId"),
    ("gcp.sql-backup-run", "id"),
    ("gcp.sql-ssl-cert", "sha1Fingerprint"),
];

/// Types of Google Cloud whose id is unique only within another resource.
const GCP_NESTED: [&str; 3] = ["gcp.sql-user", "gcp.dns-record-set", "gcp.app-engine-firewall-ingress-rule"];

pub(crate) fn read(input: &Input<'_>, options: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let document = input.json()?;
    let root = Node::root(input, &document);
    let mut summary =
        Summary { tool: Some("Cloud Custodian".to_owned()), unseen: UNSEEN.to_vec(), ..Summary::default() };
    let mut collector = Collector::new(options, sink);
    if document.is_array() {
        let items: Vec<Node<'_>> = root.list()?.collect();
        match policy(input, items.len(), &mut summary)? {
            Some(resource) => add_of_type(&root, &items, &resource, &mut collector)?,
            None => add_unnamed(&root, &items, &mut collector)?,
        }
    } else {
        let Some(pages) = answers(&root)? else {
            let message = "neither a `resources.json`, which is a list, nor a recorded answer of an API";
            return Err(root.error(message));
        };
        add_pages(&pages, &mut collector)?;
    }
    summary.notes.extend(collector.notes());
    Ok(summary)
}

/// Reads the `metadata.json` beside the file, and returns the type of the resources.
fn policy(input: &Input<'_>, listed: usize, summary: &mut Summary) -> Result<Option<String>, ReadError> {
    let Ok(bytes) = (input.companion)("metadata.json") else { return Ok(None) };
    let metadata = Input { name: "metadata.json", bytes: &bytes, companion: input.companion };
    let document = metadata.json()?;
    let root = Node::root(&metadata, &document);
    let policy = root.required("policy")?;
    let resource = policy.required("resource")?.id()?;
    if let Some(version) = root.text_of("version")? {
        summary.tool = Some(format!("Cloud Custodian {version}"));
    }
    if let Some(name) = policy.text_of("name")? {
        summary.notes.push(format!("the policy `{name}` found these resources"));
    }
    let start = root.value().pointer("/execution/start").and_then(Value::as_f64).filter(|start| *start > 0.0);
    summary.extracted_at = start.map(|start| start as i64);
    check_count(&root, listed)?;
    check_dry_run(&root, &policy)?;
    Ok(Some(resource.to_owned()))
}

/// Checks that as many resources are listed as were counted.
fn check_count(metadata: &Node<'_>, listed: usize) -> Result<(), ReadError> {
    let Some(metrics) = metadata.given("metrics")? else { return Ok(()) };
    for metric in metrics.list()? {
        if metric.text_of("MetricName")? == Some("ResourceCount") {
            let value = metric.required("Value")?;
            if value.value().as_f64() != Some(listed as f64) {
                return Err(
                    value.error(format!("the policy found {} resources, and {listed} are listed", value.value()))
                );
            }
        }
    }
    Ok(())
}

/// Checks that the policy has not acted already. A real run writes the same list as a dry run.
fn check_dry_run(metadata: &Node<'_>, policy: &Node<'_>) -> Result<(), ReadError> {
    let Some(dry_run) = metadata.given("config")?.map(|config| config.given("dryrun")).transpose()?.flatten() else {
        return Ok(());
    };
    let acts = policy.given("actions")?.map(|actions| Ok::<_, ReadError>(actions.list()?.count())).transpose()?;
    if !dry_run.flag()? && acts.unwrap_or(0) > 0 {
        let message = "the policy ran with its actions: what it found may be gone already";
        return Err(dry_run.error(message).with_help("run it with --dryrun"));
    }
    Ok(())
}

/// Passes on resources of the type that the policy names.
fn add_of_type(
    root: &Node<'_>,
    items: &[Node<'_>],
    resource: &str,
    collector: &mut Collector<'_, '_>,
) -> Result<(), ReadError> {
    if let Some(found) = find_type(resource) {
        return collector.add_typed(items, found.name, found.id);
    }
    if resource.starts_with("azure.") {
        return collector.add_typed(items, resource, "id");
    }
    if resource.starts_with("gcp.") && !GCP_NESTED.contains(&resource) {
        let id = GCP_IDS.iter().find(|(of, _)| *of == resource).map_or("name", |(_, id)| id);
        return collector.add_typed(items, resource, id);
    }
    if !collector.options.id.is_empty() {
        return collector.add_typed(items, resource, "");
    }
    let message = format!("the id of the type `{resource}` is not known");
    Err(root.error(message).with_help("name the members that make up the id"))
}
