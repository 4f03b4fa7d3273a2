//! The rules of the policy, and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `provenance`.
    pub struct Settings {
        /// Maximum age of the list of a hard delete.
        max_age: u64 = 3600, min = 0, max = 2_592_000, unit = "seconds";
        /// Maximum age of the list of a soft delete.
        max_age_soft: u64 = 86_400, min = 0, max = 2_592_000, unit = "seconds";
        /// Maximum number of ids with a control character, such as a line break.
        max_control_ids: u64 = 0, min = 0, max = 1_000_000_000, unit = "targets";
        /// Minimum number of resources in a keep-set.
        min_keep: u64 = 1, min = 1, max = 1_000_000_000, unit = "resources";
        /// How much smaller a keep-set may be than its previous version.
        max_keep_drop: f64 = 10.0, min = 0, max = 100, unit = "percent";
        /// Maximum age of a keep-set.
        max_keep_age: u64 = 3600, min = 0, max = 2_592_000, unit = "seconds";
        /// Row counts that suggest that the source returned one page instead of its whole result.
        page_sizes: Vec<u64> = vec![10, 20, 25, 30, 50, 100, 200, 250, 300, 500, 512, 999, 1000, 1500, 2000, 5000, 10_000, 50_000, 100_000];
    }
}

rules! {
    /// The request does not say where its list came from.
    ///
    /// Atlassian's script (April 2022) accepted any list. It was not visible that another team had made this one, from
    /// which source, and for which purpose. A request names the source, the query or the ticket, the time, the author,
    /// the number of rows and the digest. It also says how the list was chosen; without that, the rule denies a hard
    /// delete and warns about a soft one.
    MISSING = "missing": missing [];

    /// The list is not the complete result of its source, or the request does not say whether it is.
    ///
    /// A truncated result is harmless if it names what to delete, and disastrous if it names what to keep. Travis CI
    /// (August 2016) queried the images to keep, received one page, and deleted the stable images that were not on it. If
    /// the request does not say whether the list is complete, or how many rows its source has, the rule denies a hard
    /// delete and warns about a soft one.
    INCOMPLETE = "incomplete": wrong [];

    /// The list has a different number of rows than its source reported.
    ///
    /// A list that lost or gained rows on the way is not the list that was reviewed.
    COUNT_MISMATCH = "count-mismatch": wrong [];

    /// The digest of the list differs from the one that its source reported.
    ///
    /// The list that runs must be the list that was reviewed, rehearsed and approved. The digest is the SHA-256 of the
    /// target file in lower-case hex, as `sha256sum` prints it.
    DIGEST_MISMATCH = "digest-mismatch": wrong [];

    /// Rows have no id, a blank id, the id of an earlier row, or an id with a control character.
    ///
    /// Many interfaces read an empty id as "all", and a duplicated row is the sign of a faulty join. A program that reads
    /// a list line by line takes an id with a line break for several ids. Object keys and file names may have such
    /// characters; if `max_control_ids` allows them, the list is handed on in NDJSON, Parquet or Arrow only.
    BAD_IDS = "bad-ids": wrong, ids [max_control_ids];

    /// The list has exactly as many rows as a page of results.
    ///
    /// The catalogue of Travis CI (August 2016) returned pages of 100, and the list had 100 rows. The rule only warns.
    PAGE_SIZED = "page-sized": wrong [page_sizes];

    /// The list is too old, or dated in the future.
    ///
    /// The targets may have changed since the list was made. At Google Music (2012), a deletion pipeline used stale
    /// copies. At Amazon DynamoDB (October 2025), a cleanup deleted the plan that a delayed worker had just activated.
    /// The list of a hard delete may be one hour old, the list of a soft delete one day.
    STALE = "stale": wrong [max_age, max_age_soft];

    /// The batch deletes everything outside a keep-set, and the keep-set is not reliable.
    ///
    /// Such a batch deletes whatever the keep-set is missing: images outside the first page at Travis CI (2016),
    /// servers whose project was stored differently at Modulus (2015). A keep-set requires its count, its previous
    /// count, and the time of the count. It must not be empty or more than 10 % smaller than its previous version, and
    /// it must not end where a page ends: at a multiple of `page_size`, at a usual limit over several pages, or, if the
    /// request does not state the size of a page, at a usual size of 30 or more. A keep-set that is shorter than a page is
    /// whole. Keeping the last ten of something is common, so fewer than 30 are no sign of a page. A hard delete has to
    /// state `page_size`; a soft one is warned.
    KEEP_SET = "keep-set": wrong [min_keep, max_keep_drop, max_keep_age, page_sizes];

    /// The list is what was not found, and look-ups failed, or the request does not say how many did.
    ///
    /// A time-out or an error is not an absence. A list of things that a source does not have names how many were asked
    /// for, how many answers came, and how many look-ups failed; every thing on the list must have been asked for, and
    /// none may have failed. The rule applies if the request has look-ups, or if its query or its text says that things
    /// were not found. Where they are missing it denies a hard delete and warns about a soft one.
    FAILED_LOOKUPS = "failed-lookups": wrong [];

    /// The call or the list is unbounded: it has no condition, a wildcard, a root path, or an unset variable.
    ///
    /// Examples are `rm -rf /usr /lib/…` with a stray space (bumblebee, 2011), a recursive delete that started at `/`
    /// (Steam, 2015), a truncate without a condition (Travis CI, 2018), and a reboot without a host selector (Joyent,
    /// 2014).
    UNBOUNDED_SELECTOR = "unbounded-selector": wrong, targets [];

    /// The call expands a selector by itself, and the request does not say that it goes by the listed ids.
    ///
    /// The list was counted, rehearsed and approved; what a selector matches when the call runs was not. The rule denies a
    /// hard delete and warns about a soft one. `operation.by` says that the call goes by the ids of the list. A call by a
    /// selector that is not named, and a hard delete that says nothing of its call, are denied. A selector
    /// that selects everything, or whose bound cannot be seen, is `unbounded-selector` instead.
    EXPANDED_SELECTOR = "expanded-selector": wrong [];
}
