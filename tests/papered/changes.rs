//! The changes of one field that allow a papered incident: those that are right, and those that a rule should deny.

/// Changes of one field that turn the denial of a papered incident into an allow.
pub(super) struct Change {
    pub incident: &'static str,
    pub field: &'static str,
    /// The values that do, in JSON, or `-` for leaving the field out.
    pub values: &'static [&'static str],
    pub why: &'static str,
}

/// What is right: the claim that the cause is about, corrected.
pub(super) const CORRECTIONS: &[Change] = &[
    Change {
        incident: "i14-travis-images",
        field: "/provenance/keep_set/count",
        values: &["99", "101"],
        why: "the keep-set no longer ends where a page ends",
    },
    Change {
        incident: "i14-travis-images",
        field: "/provenance/page_size",
        values: &["101", "200", "400", "1000"],
        why: "the keep-set is shorter than a page, so it is whole",
    },
    Change {
        incident: "i17-google-music",
        field: "/provenance/extracted_at",
        values: &[
            r#""2012-02-07T17:50:00Z""#,
            r#""2012-02-07T17:59:59Z""#,
            r#""2012-02-07T18:00:00Z""#,
            r#""2012-02-07T18:00:01Z""#,
        ],
        why: "the list is new; a clock may be a second ahead",
    },
    Change {
        incident: "i21-modulus",
        field: "/provenance/keep_set/count",
        values: &["824", "4120"],
        why: "the keep-set is not smaller than before",
    },
    Change {
        incident: "i21-modulus",
        field: "/provenance/keep_set/previous_count",
        values: &["1", "2", "10", "60", "400"],
        why: "the keep-set was not larger before",
    },
    Change {
        incident: "i25-joyent",
        field: "/operation/selector",
        values: &[
            r#""hostname = 'RA10700'""#,
            r#""/usr/lib/nvidia-current/xorg/xorg""#,
            r#""toy-story-2/renders/tests""#,
            r#""x""#,
            r#""P0D""#,
            r#""PT1S""#,
        ],
        why: "the call has a condition, and a reboot, which can be undone, only warns that it expands one",
    },
    Change {
        incident: "i29-dallas",
        field: "/migration/verified_fraction",
        values: &["1", "1.0"],
        why: "all of the data was compared with its copy",
    },
    Change {
        incident: "i31-myspace",
        field: "/migration/verified_fraction",
        values: &["1", "1.0"],
        why: "all of the data was compared with its copy",
    },
    Change {
        incident: "i32-sidekick",
        field: "/recovery/checkpoints/completed_at",
        values: &[
            r#""2009-10-01T06:00:00Z""#,
            r#""2009-10-02T04:00:00Z""#,
            r#""2009-10-02T05:50:00Z""#,
            r#""2009-10-02T05:59:59Z""#,
            r#""2009-10-02T06:00:00Z""#,
            r#""2009-10-02T06:00:01Z""#,
        ],
        why: "the backup is at most a day old; a clock may be a second ahead",
    },
    Change {
        incident: "i34-code-spaces",
        field: "/recovery/checkpoints/location",
        values: &[
            r#""automated snapshots of rds-course-platform""#,
            r#""managed database service""#,
            r#""offsite storage""#,
            r#""offsite tape library""#,
            r#""offsite-backup-account/vault-2""#,
            r#""s3""#,
            r#""staging host""#,
            r#""tape library""#,
        ],
        why: "the backup is in another place than the snapshots that are deleted",
    },
    Change {
        incident: "i35-cisco-webex",
        field: "/actor/type",
        values: &[r#""automation""#, r#""human""#, r#""system""#],
        why: "the submitter is known",
    },
    Change {
        incident: "i38-kiro",
        field: "/actor/type",
        values: &[r#""automation""#, r#""human""#, r#""system""#],
        why: "the submitter is not an agent; the type of an actor is a claim, which the caller's credential has to support",
    },
    Change {
        incident: "i43-argo-cd-generator",
        field: "/provenance/keep_set/count",
        values: &["60"],
        why: "the keep-set is neither empty nor smaller than before",
    },
    Change {
        incident: "i45-directory-empty",
        field: "/provenance/keep_set/count",
        values: &["60"],
        why: "the keep-set is neither empty nor smaller than before",
    },
    Change {
        incident: "i50-session-files",
        field: "/reason/trigger_source",
        values: &[r#""explicit""#],
        why: "a person chose the value that triggered the deletion",
    },
    Change {
        incident: "i25-joyent",
        field: "/operation",
        values: &["-", "null", "{}"],
        why: "a soft delete that says nothing of its call goes by the listed ids, and is warned that its verb is unknown",
    },
    Change {
        incident: "i55-never-pulled",
        field: "/reason/trigger",
        values: &[r#""request""#],
        why: "the owner asks for the deletion, so it does not matter when the targets were last used",
    },
];

const MAX: &str = "18446744073709551615";

/// What is wrong, and allowed nevertheless: a rule should deny it and does not yet.
pub(super) const HOLES: &[Change] = &[
    Change {
        incident: "i14-travis-images",
        field: "/provenance/keep_set/count",
        values: &[MAX],
        why: "no rule compares the count of a keep-set with the resources that the inventory has",
    },
    Change {
        incident: "i14-travis-images",
        field: "/provenance/page_size",
        values: &[MAX],
        why: "no source has pages of that size, and no rule has an upper limit",
    },
    Change {
        incident: "i21-modulus",
        field: "/provenance/keep_set/count",
        values: &[MAX],
        why: "as for i14-travis-images",
    },
    Change {
        incident: "i43-argo-cd-generator",
        field: "/provenance/keep_set/count",
        values: &[MAX],
        why: "as for i14-travis-images",
    },
    Change {
        incident: "i45-directory-empty",
        field: "/provenance/keep_set/count",
        values: &[MAX],
        why: "as for i14-travis-images",
    },
    Change {
        incident: "i34-code-spaces",
        field: "/recovery/checkpoints/location",
        values: &[
            r#""*""#,
            r#""P0D""#,
            r#""PT1S""#,
            r#""x""#,
            r#""the same account""#,
            r#""the same storage network""#,
        ],
        why: "a location is free text; no rule compares it with the place that the inventory states",
    },
    Change {
        incident: "i51-erasure-address",
        field: "/reason/basis",
        values: &[r#""contract-end""#, r#""court-order""#, r#""leaked-secret""#, r#""retention-expired""#],
        why: "identifiers are compared for erasure bases only, although the list still states them",
    },
    Change {
        incident: "i60-erasure-letters",
        field: "/reason/basis",
        values: &[r#""contract-end""#, r#""court-order""#, r#""leaked-secret""#, r#""retention-expired""#],
        why: "as for i51-erasure-address",
    },
];
