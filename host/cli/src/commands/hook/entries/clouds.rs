//! Reprieve itself, infrastructure as code, clusters, clouds, and what is called by HTTP.

use super::{entry, far, verb};
use crate::commands::hook::entry::Word::{Has, Is, Part, Starts};
use crate::commands::hook::entry::{Entry, Next};

/// The entries.
pub const ENTRIES: &[Entry] = &[
    // Reprieve itself: what only people do.
    verb(
        &["reprieve"],
        &[
            &[Is("approve")],
            &[Is("attest")],
            &[Is("override")],
            &[Is("resume")],
            &[Is("keys")],
            &[Is("commit")],
            &[Is("abort")],
            &[Is("hook")],
        ],
        Next::People,
    ),
    // Infrastructure as code.
    verb(
        &["terraform", "tofu", "terragrunt"],
        &[&[Is("apply")], &[Is("destroy")], &[Is("rm")], &[Is("delete")], &[Is("run-all")]],
        Next::Terraform,
    ),
    verb(
        &["pulumi", "cdk", "cdktf", "sam", "sls", "serverless", "vagrant", "sst", "copilot", "eb"],
        &[&[Is("destroy")], &[Is("up")], &[Is("rm")], &[Is("remove")], &[Has("delete")], &[Is("terminate")]],
        Next::List,
    ),
    verb(&["ansible", "ansible-playbook"], &[&[Has("absent")], &[Part("delete")], &[Part("destroy")]], Next::List),
    // Clusters.
    verb(
        &["kubectl", "oc", "kubectl-*", "k3s", "microk8s"],
        &[&[Is("delete")], &[Is("drain")], &[Is("--prune")], &[Is("replace"), Is("--force")]],
        Next::Kubernetes,
    ),
    verb(
        &[
            "helm", "helmfile", "flux", "argocd", "eksctl", "kops", "kind", "minikube", "k3d", "istioctl", "nomad",
            "consul", "vault",
        ],
        &[
            &[Is("uninstall")],
            &[Is("un")],
            &[Is("del")],
            &[Has("delete")],
            &[Has("destroy")],
            &[Has("purge")],
            &[Is("stop")],
            &[Is("disable")],
        ],
        Next::List,
    ),
    far(&["etcdctl", "zkcli*"], &[&[Is("del")], &[Is("delete")], &[Is("deleteall")], &[Is("rmr")]], Next::List),
    // Clouds.
    verb(
        &["aws", "awslocal"],
        &[
            &[Is("rm")],
            &[Is("rb")],
            &[Has("delete")],
            &[Starts("terminate")],
            &[Starts("purge")],
            &[Starts("deregister")],
            &[Starts("remove-")],
            &[Starts("destroy")],
            &[Starts("release-")],
            &[Starts("schedule-key")],
            &[Starts("disable-key")],
            &[Starts("empty")],
            &[Starts("put-bucket-lifecycle")],
            &[Starts("cancel-")],
        ],
        Next::Aws,
    ),
    verb(
        &["gcloud", "gsutil"],
        &[&[Has("delete")], &[Has("destroy")], &[Is("rm")], &[Is("rb")], &[Has("purge")], &[Is("rsync"), Is("-d")]],
        Next::Cloud,
    ),
    verb(
        &[
            "az",
            "azcopy",
            "doctl",
            "hcloud",
            "linode-cli",
            "fly",
            "flyctl",
            "heroku",
            "vercel",
            "netlify",
            "wrangler",
            "supabase",
            "oci",
            "ibmcloud",
            "scw",
            "exo",
            "openstack",
            "neonctl",
            "pscale",
            "railway",
            "render",
            "firebase",
            "gh",
            "glab",
            "hub",
        ],
        &[
            &[Has("delete")],
            &[Has("destroy")],
            &[Has("purge")],
            &[Is("rm")],
            &[Is("remove")],
            &[Part("reset")],
            &[Is("--prune")],
        ],
        Next::Cloud,
    ),
    verb(
        &["s3cmd", "s5cmd", "s4cmd", "mc", "mcli", "b2", "rclone"],
        &[
            &[Is("rm")],
            &[Is("rb")],
            &[Is("del")],
            &[Has("delete")],
            &[Is("purge")],
            &[Is("rmdir")],
            &[Is("rmdirs")],
            &[Is("sync")],
            &[Is("cleanup")],
            &[Is("dedupe")],
            &[Is("move")],
            &[Is("mirror")],
        ],
        Next::S3,
    ),
    entry(&["rsync"], &[&[Starts("--del")], &[Is("--remove-source-files")]], Next::List),
    far(
        &["curl", "wget", "http", "https", "httpie", "xh", "grpcurl"],
        &[
            &[Is("delete")],
            &[Is("-xdelete")],
            &[Has("_delete_by_query")],
            &[Has("purge")],
            &[Has("terminate")],
            &[Part("drop")],
        ],
        Next::List,
    ),
];
