//! Velero: backups as `velero backup get -o json` and `kubectl` write them, and requests to delete backups.

use crate::object::Object;
use crate::{Action, Item, Sink, Summary};
use reprieve_batch::ReadError;
use reprieve_model::Timestamp;
use std::collections::HashSet;

const UNSEEN: &str = "snapshots of volumes, files in object storage and restores, which Velero deletes with a backup";

pub(super) fn read(document: &Object<'_>, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let mut summary = Summary { tool: Some("Velero".to_owned()), unseen: vec![UNSEEN], ..Summary::default() };
    let mut seen = HashSet::new();
    let kind = document.required("kind")?;
    if !matches!(kind, "List" | "BackupList" | "DeleteBackupRequestList") {
        read_resource(document, kind, &mut seen, &mut summary, sink)?;
        return Ok(summary);
    }
    document.only(&["apiVersion", "items", "kind", "metadata"])?;
    let version = document.required("apiVersion")?;
    if !(version == "velero.io/v1" || kind == "List" && version == "v1") {
        return Err(document.error_at("apiVersion", format!("the version `{version}` is not understood")));
    }
    if let Some(metadata) = document.object("metadata")? {
        let next = metadata.text_or_null("continue")?.is_some_and(|next| !next.is_empty());
        if next || metadata.count("remainingItemCount")?.is_some_and(|count| count > 0) {
            return Err(document.error_at("metadata", "this is one page of a longer list"));
        }
    }
    let Some(items) = document.objects("items")? else { return Err(document.error("the list `items` is missing")) };
    for item in &items {
        // The items of a typed list may be written without their own kind.
        let kind = item.text("kind")?.or(kind.strip_suffix("List").filter(|kind| !kind.is_empty()));
        let kind = kind.ok_or_else(|| item.error("the member `kind` is missing"))?;
        read_resource(item, kind, &mut seen, &mut summary, sink)?;
    }
    Ok(summary)
}

fn read_resource<'a>(
    resource: &Object<'a>,
    kind: &str,
    seen: &mut HashSet<(&'a str, &'a str)>,
    summary: &mut Summary,
    sink: &mut Sink<'_>,
) -> Result<(), ReadError> {
    if let Some(version) = resource.text("apiVersion")?
        && version != "velero.io/v1"
    {
        return Err(resource.error_at("apiVersion", format!("the version `{version}` is not understood")));
    }
    let (metadata, spec, status) =
        (resource.object("metadata")?, resource.object("spec")?, resource.object("status")?);
    let Some(metadata) = metadata else { return Err(resource.error("the member `metadata` is missing")) };
    let phase = status.as_ref().map(|status| status.text("phase")).transpose()?.flatten();
    let namespace = metadata.text("namespace")?;
    let (name, action) = match kind {
        "Backup" => (metadata.id("name")?, Action::Listed),
        "DeleteBackupRequest" => {
            let Some(spec) = spec else { return Err(resource.error("the member `spec` is missing")) };
            if !matches!(phase, None | Some("" | "New")) {
                let message = "this request was carried out already, or is being carried out";
                return Err(resource.error_at("status", message));
            }
            summary.verb = Some("delete".to_owned());
            (spec.id("backupName")?, Action::Delete)
        }
        other => {
            let message = format!("the kind `{other}` is not understood; `Backup` and `DeleteBackupRequest` are");
            return Err(resource.error_at("kind", message));
        }
    };
    if !seen.insert((namespace.unwrap_or(""), name)) {
        return Err(resource.error(format!("the backup `{name}` is listed twice")));
    }
    let mut item = Item::new(name, action).kind("backup");
    if kind == "Backup" {
        let created = metadata.text_or_null("creationTimestamp")?;
        item.record.created_at = created.and_then(|time| Timestamp::parse(time).ok()).map(Timestamp::seconds);
        item.details.extend(phase.map(|phase| ("phase", phase.to_owned())));
        let expiration = status.as_ref().map(|status| status.text_or_null("expiration")).transpose()?.flatten();
        item.details.extend(expiration.map(|time| ("expiration", time.to_owned())));
        item.details.extend(metadata.text("uid")?.map(|uid| ("uid", uid.to_owned())));
        if metadata.has("deletionTimestamp") || phase == Some("Deleting") {
            summary.notes.push(format!("the backup `{name}` is being deleted already"));
        }
    }
    item.details.extend(namespace.map(|namespace| ("namespace", namespace.to_owned())));
    sink(item)
}
