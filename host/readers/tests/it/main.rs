//! Tests of the formats of other tools. They are one program, because each program takes seconds to link.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod aws_nuke;
mod backup;
mod cloud_list;
mod custodian;
mod elasticsearch;
mod formats;
mod kubernetes;
mod opendsr;
mod registry;
mod route53;
mod s3_delete;
mod s3_inventory;
mod sql;
mod support;
mod terraform;
mod terraform_state;
