//! Kubernetes: what an admission webhook receives about a deletion, and what `kubectl get -o json` lists.

mod object;
mod review;

use crate::node::Node;
use crate::{Input, Options, Sink, Summary};
use reprieve_batch::ReadError;

const HELP: &str = "pass an AdmissionReview, its request, or what `kubectl get -o json` prints";

/// Members of the request in an AdmissionReview. No object of Kubernetes has them at its top.
const OF_A_REQUEST: [&str; 4] = ["operation", "oldObject", "userInfo", "request"];

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let document = input.json().map_err(|error| if error.help.is_some() { error } else { error.with_help(HELP) })?;
    let root = Node::root(input, &document);
    let mut summary = Summary { tool: Some("Kubernetes".to_owned()), ..Summary::default() };
    let kind = root.object()?.get("kind");
    match kind {
        Some(kind) if kind == "AdmissionReview" => review::read_review(&root, sink, &mut summary)?,
        Some(kind) if kind.is_string() => {
            if let Some(member) = OF_A_REQUEST.iter().find(|member| document.get(member).is_some()) {
                let message =
                    format!("the member `{member}` belongs to an admission request, and the kind to an object");
                return Err(root.error(message).with_help(HELP));
            }
            object::read(&root, sink, &mut summary)?;
        }
        // The request alone: its kind is an object with group, version and kind.
        _ if document.get("operation").is_some() => review::read_request(&root, sink, &mut summary)?,
        None if document.get("request").is_some() => review::read_review(&root, sink, &mut summary)?,
        _ => return Err(root.error("neither an admission request nor an object of Kubernetes").with_help(HELP)),
    }
    Ok(summary)
}
