//! Reads what other tools write: plans, exports, reports and API answers. Bytes go in; the items that a deletion request
//! lists come out.
//!
//! ```text
//! file of another tool ─ FORMATS[name].read ─┬─ Item, Item, …   each thing that goes or is listed, in the order of the file
//!                                            └─ Summary         what the file says of the call, and what it cannot say
//! ```
//!
//! A [`draft`] is a request for a list: what the list, the file and the environment say is filled in.
//!
//! # Invariants of readers
//!
//! - A file is read whole or refused. Nothing is skipped silently: what may delete and is not understood is an error that
//!   names it, and what does not delete but deserves attention is a note.
//! - A report of what was deleted already is refused: it is not a request.
//! - A reader sees bytes. It opens no file but those that its file names, and only through [`Input::companion`].
//! - A reader never guesses. What the file does not say stays unknown, and the policies treat it as unknown.
//!
//! # Modules
//!
//! Every format is a module of one shape: a `read` function, preceded by the types it parses. `input`, `item`, `json`,
//! `lines`, `node`, `object` and `xml` come before them, and no format imports another; `cloud` is what the lists of clouds
//! share, and `s3` what the formats of S3 share.

mod aws_nuke;
mod backup;
mod cloud;
mod cloud_list;
mod custodian;
pub mod draft;
mod elasticsearch;
mod format;
mod input;
mod item;
mod json;
mod kubernetes;
mod lines;
mod node;
mod object;
mod opendsr;
mod registry;
mod route53;
mod s3;
mod s3_delete;
mod s3_inventory;
pub mod sql;
mod terraform;
mod xml;

pub use format::{FORMATS, Format, find};
pub use input::{Input, Options};
pub use item::{Action, Item, Part, Sink, Summary};
pub use json::{Members, Value};
