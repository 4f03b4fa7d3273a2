//! The table of formats: what `read FORMAT` and `check --from FORMAT` know.

use crate::{
    Input, Options, Sink, Summary, aws_nuke, backup, cloud_list, custodian, elasticsearch, kubernetes, opendsr,
    registry, route53, s3_delete, s3_inventory, sql, terraform,
};
use reprieve_batch::ReadError;
use std::fmt;

/// A format of another tool.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What such a file is, and how to make one.
    pub summary: &'static str,
    /// Reads a file of this format.
    pub read: Read,
}

/// Reads a file: passes every item to the sink, and returns what the file says beside them. After an error, the items that
/// were passed are worthless.
pub type Read = fn(&Input<'_>, &Options, &mut Sink<'_>) -> Result<Summary, ReadError>;

/// Every format, in alphabetical order.
pub const FORMATS: &[Format] = &[
    Format {
        name: "aws-nuke",
        summary: "the whole output of a dry run of aws-nuke, as text or with JSON lines of its log",
        read: aws_nuke::read,
    },
    Format {
        name: "backup",
        summary: "dry runs and lists of restic, Borg and Velero, for example of `restic forget --dry-run --json`",
        read: backup::read,
    },
    Format {
        name: "cloud-list",
        summary: "resources that `aws`, `az` or `gcloud` lists as JSON",
        read: cloud_list::read,
    },
    Format {
        name: "custodian",
        summary: "`resources.json` of Cloud Custodian, with its `metadata.json`: `custodian run --dryrun`",
        read: custodian::read,
    },
    Format {
        name: "elasticsearch",
        summary: "bodies of `_bulk` and `_delete_by_query`; answers of `_cat/indices`, `_snapshot` and `_search`",
        read: elasticsearch::read,
    },
    Format {
        name: "kubernetes",
        summary: "an AdmissionReview or its request, or objects and lists: `kubectl get -o json`",
        read: kubernetes::read,
    },
    Format {
        name: "opendsr",
        summary: "an erasure request of OpenDSR or OpenGDPR, as the controller sends it",
        read: opendsr::read,
    },
    Format {
        name: "registry",
        summary: "images, tags and packages that Docker, GitLab, Harbor or GitHub lists",
        read: registry::read,
    },
    Format {
        name: "route53",
        summary: "a change batch of Route 53, or a list: `aws route53 list-resource-record-sets`",
        read: route53::read,
    },
    Format {
        name: "s3-delete",
        summary: "a DeleteObjects request, a list of objects or versions as XML or JSON, or a manifest of S3 Batch Operations",
        read: s3_delete::read,
    },
    Format {
        name: "s3-inventory",
        summary: "`manifest.json` of an S3 inventory, with its data files (CSV or Parquet) beside it",
        read: s3_inventory::read,
    },
    Format {
        name: "sql",
        summary: "a file of SQL statements, or a CSV or TSV export of a query (psql `\\copy`, `mysql -B`)",
        read: sql::read,
    },
    Format {
        name: "terraform",
        summary: "a plan of Terraform or OpenTofu: `terraform show -json PLAN`",
        read: terraform::read,
    },
    Format {
        name: "terraform-state",
        summary: "a state of Terraform or OpenTofu, for an inventory only: `terraform state pull`",
        read: terraform::read_state,
    },
];

/// Returns the format of a name.
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
