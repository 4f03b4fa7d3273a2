//! Resources of AWS, as its API and command line print them.

use super::List;
use super::aws_shapes::SHAPES;
use super::aws_types::{TYPES, Type};
use crate::node::Node;
use crate::{Action, Item, Options};
use reprieve_batch::ReadError;

/// Types whose elements may be text: the id itself.
const TEXT_LISTS: [(&str, &str); 15] = [
    ("athena-named-query", "NamedQueryIds"),
    ("dynamodb-table", "TableNames"),
    ("ecs", "clusterArns"),
    ("ecs-container-instance", "containerInstanceArns"),
    ("ecs-service", "serviceArns"),
    ("ecs-task", "taskArns"),
    ("ecs-task-definition", "taskDefinitionArns"),
    ("eks", "clusters"),
    ("eks-nodegroup", "nodegroups"),
    ("emr-serverless-app", "applicationIds"),
    ("firehose", "DeliveryStreamNames"),
    ("gamelift-fleet", "FleetIds"),
    ("kinesis", "StreamNames"),
    ("simpledb", "DomainNames"),
    ("sqs", "QueueUrls"),
];

/// Other names of types.
const ALIASES: [(&str, &str); 2] =
    [("appmesh-virtualgateway", "appmesh-virtual-gateway"), ("elastic-ip", "network-addr")];

/// Returns the type of a name, with or without `aws.` before it.
pub(crate) fn find_type(name: &str) -> Option<&'static Type> {
    let name = name.strip_prefix("aws.").unwrap_or(name);
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    TYPES.iter().find(|found| found.name == name)
}

fn has(node: &Node<'_>, path: &str) -> bool {
    path.split('.').try_fold(node.value(), |value, name| value.get(name)).is_some()
}

fn has_shape(items: &[Node<'_>], name: &str) -> bool {
    let mut shapes = SHAPES.iter().filter(|(of, _)| *of == name).map(|(_, members)| *members);
    shapes.any(|members| items.iter().all(|item| members.iter().all(|member| has(item, member))))
}

/// Returns the one type whose members all the items have.
pub(crate) fn recognize(items: &[Node<'_>]) -> Result<Option<&'static Type>, String> {
    let mut names = Vec::new();
    let mut found = TYPES.iter().filter(|of| items.iter().all(|item| has(item, of.id)) && has_shape(items, of.name));
    let first = found.next();
    names.extend(first.iter().map(|of| of.name));
    names.extend(found.map(|of| of.name).filter(|name| first.is_none_or(|first| first.name != *name)));
    one(first, &names)
}

fn one(found: Option<&'static Type>, names: &[&str]) -> Result<Option<&'static Type>, String> {
    if names.len() > 1 { Err(format!("the items may be {}", names.join(" or "))) } else { Ok(found) }
}

/// Returns the type of the elements of a list, by its path, its elements, and what a person says.
pub(super) fn type_of(path: &str, items: &[Node<'_>], options: &Options) -> Result<Option<&'static Type>, String> {
    let is_text = items.iter().all(|item| item.value().is_string());
    let fits = |of: &&'static Type| {
        if is_text {
            return TEXT_LISTS.contains(&(of.name, path));
        }
        of.list == path && (!options.id.is_empty() || items.iter().all(|item| has(item, of.id)))
    };
    let said = options.kind.as_deref().and_then(find_type);
    if let Some(said) = said
        && TYPES.iter().filter(fits).any(|of| of.name == said.name)
    {
        return Ok(Some(said));
    }
    let mut candidates: Vec<&'static Type> = TYPES.iter().filter(fits).collect();
    candidates.dedup_by_key(|of| of.name);
    if candidates.len() > 1 && candidates.iter().any(|of| has_shape(items, of.name)) {
        candidates.retain(|of| has_shape(items, of.name));
    }
    let names: Vec<&str> = candidates.iter().map(|of| of.name).collect();
    one(candidates.first().copied(), &names)
}

/// Returns the list that a member of an answer is or holds, if the table of types has its path.
pub(super) fn list<'a>(name: &str, member: &Node<'a>) -> Result<Option<List<'a>>, ReadError> {
    let of_nested = |separator: &str| {
        let prefix = format!("{name}{separator}");
        TYPES.iter().find_map(|of| Some((of.list, of.list.strip_prefix(&prefix)?)))
    };
    if let Some((path, inner)) = of_nested("[].") {
        let mut items = Vec::new();
        for outer in member.list()? {
            items.extend(outer.required(inner)?.list()?);
        }
        return Ok(Some(List { name: path.to_owned(), items }));
    }
    if let Some((path, inner)) = of_nested(".") {
        super::check_complete(member)?;
        let items: Vec<Node<'a>> =
            member.get(inner)?.map(|list| list.list().map(Iterator::collect)).transpose()?.unwrap_or_default();
        if let Some(quantity) = member.given("Quantity")?
            && quantity.value().as_u64() != Some(items.len() as u64)
        {
            return Err(quantity.error(format!(
                "the quantity is {}, and {} are listed",
                quantity.value(),
                items.len()
            )));
        }
        return Ok(Some(List { name: path.to_owned(), items }));
    }
    Ok(None)
}

/// Creates the item of a resource, with the values that the resource states.
pub(super) fn item(node: &Node<'_>, kind: &str, id: &str) -> Result<Item, ReadError> {
    node.object()?;
    let mut item = Item::new(id, Action::Listed);
    let created: &[&str] = match kind {
        "ebs-snapshot" => &["StartTime"],
        "rds" => &["InstanceCreateTime"],
        "rds-snapshot" | "rds-cluster-snapshot" => &["OriginalSnapshotCreateTime", "SnapshotCreateTime"],
        "redshift" => &["ClusterCreateTime"],
        "redshift-snapshot" => &["SnapshotCreateTime"],
        "cache-cluster" => &["CacheClusterCreateTime"],
        // An instance says only when it was started last.
        "ec2" => &[],
        _ => &[
            "CreateTime",
            "CreationTime",
            "CreateDate",
            "CreationDate",
            "CreatedTime",
            "CreationDateTime",
            "createdAt",
        ],
    };
    item.record.created_at = super::time_of(node, created);
    let state = |member: &str| {
        let value = node.value().get(member)?;
        value.as_str().or_else(|| value.get("Name")?.as_str()).map(str::to_owned)
    };
    item.record.state = ["State", "Status", "status", "DBInstanceStatus", "TableStatus"].into_iter().find_map(state);
    item.record.size_bytes = match kind {
        "ebs" => super::gibibytes(node, "Size"),
        "rds" => super::gibibytes(node, "AllocatedStorage"),
        _ => None,
    };
    if kind == "ec2" {
        item.record.dependents = dependents(node)?;
    }
    let zone = node.value().pointer("/Placement/AvailabilityZone").or(node.value().get("AvailabilityZone"));
    let zone = zone.and_then(|zone| zone.as_str()).map(str::to_owned);
    item.details = zone.into_iter().map(|zone| ("zone", zone)).collect();
    Ok(item)
}

/// The volumes and network interfaces that an instance deletes with itself.
fn dependents(instance: &Node<'_>) -> Result<Option<Vec<String>>, ReadError> {
    let mut ids = Vec::new();
    let parts = [
        ("BlockDeviceMappings", "Ebs", "Ebs", "VolumeId"),
        ("NetworkInterfaces", "Attachment", "", "NetworkInterfaceId"),
    ];
    for (list, attachment, holder, id) in parts {
        let Some(list) = instance.given(list)? else { return Ok(None) };
        for part in list.list()? {
            let Some(attachment) = part.given(attachment)? else { continue };
            if !attachment.required("DeleteOnTermination")?.flag()? {
                continue;
            }
            let holder = if holder.is_empty() { part } else { attachment };
            ids.push(holder.required(id)?.id()?.to_owned());
        }
    }
    Ok(Some(ids))
}

/// Whether this is a snapshot that the service made itself. No call deletes it.
pub(super) fn is_automated(node: &Node<'_>, kind: &str) -> bool {
    matches!(kind, "rds-snapshot" | "rds-cluster-snapshot" | "redshift-snapshot")
        && node.value().get("SnapshotType").is_some_and(|of| of == "automated")
}
