//! Resources of Azure, as `az` and the API of the Resource Manager print them.

use crate::node::Node;
use crate::{Action, Item};
use reprieve_batch::ReadError;

/// Whether this is a resource of the Resource Manager: its id is a path, and its type is in it.
pub(super) fn is_resource(node: &Node<'_>) -> bool {
    let text = |member: &str| node.value().get(member).and_then(|value| value.as_str());
    let id = text("id").unwrap_or("").to_ascii_lowercase();
    (id.starts_with("/subscriptions/") || id.starts_with("/providers/"))
        && text("type").is_some_and(|of| of.contains('/'))
}

pub(super) fn item(node: &Node<'_>, id: String) -> Result<Item, ReadError> {
    let mut item = Item::new(id, Action::Listed).kind(node.required("type")?.id()?);
    item.record.created_at = super::time_of(node, &["timeCreated"]);
    item.record.size_bytes = node.value().get("diskSizeBytes").and_then(|size| size.as_u64());
    let details = [("location", node.text_of("location")?), ("resource_group", node.text_of("resourceGroup")?)];
    item.details = details.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
    Ok(item)
}
