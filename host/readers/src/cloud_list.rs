//! Lists of cloud resources, as `aws`, `az` and `gcloud` print them. A list deletes nothing by itself.

use crate::cloud::{Collector, UNSEEN, add_answer, add_pages, answers};
use crate::node::Node;
use crate::{Input, Options, Sink, Summary};
use reprieve_batch::ReadError;

pub(crate) fn read(input: &Input<'_>, options: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let document = input.json()?;
    let root = Node::root(input, &document);
    let mut collector = Collector::new(options, sink);
    match if document.is_object() { answers(&root)? } else { None } {
        Some(pages) => add_pages(&pages, &mut collector)?,
        None => add_answer(&root, &mut collector)?,
    }
    Ok(Summary { notes: collector.notes(), unseen: UNSEEN.to_vec(), ..Summary::default() })
}
