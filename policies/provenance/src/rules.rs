//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `provenance`.
    pub struct Settings {
        /// How old the list of a hard delete may be.
        max_age: u64 = 3600, 0..=2_592_000, "seconds";
        /// How old the list of a soft delete may be.
        max_age_soft: u64 = 86_400, 0..=2_592_000, "seconds";
        /// Things that a keep-set must hold.
        min_keep: u64 = 1, 1..=1_000_000_000, "things";
        /// How much smaller a keep-set may be than the last time.
        max_keep_drop: f64 = 10.0, 0..=100, "percent";
        /// How old a keep-set may be.
        max_keep_age: u64 = 3600, 0..=2_592_000, "seconds";
        /// Counts at which a source is likely to have ended a page rather than its answer.
        page_sizes: Vec<u64> = vec![10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000];
    }
}

rules! {
    /// The request does not say where its list came from.
    ///
    /// Atlassian's script (April 2022) took the list as it came; nobody could see that another team had made it,
    /// from what, and for which purpose. Needed are the source, the query or the ticket, the time, the author, the
    /// number of rows and the digest.
    MISSING = "missing" [];

    /// The list is not the whole answer of its source.
    ///
    /// An answer that was cut short is harmless where ids are named and deadly where everything else is deleted:
    /// Travis CI (August 2016) asked for the images to keep, got one page, and deleted the stable ones.
    INCOMPLETE = "incomplete" [];

    /// The list has another number of rows than its source says.
    ///
    /// A list that lost or gained rows on its way is another list.
    COUNT_MISMATCH = "count-mismatch" [];

    /// The list is not the one its source made: the digests differ.
    ///
    /// Whatever was reviewed, rehearsed and approved has to be what runs. The digest is that of the target file, as
    /// `sha256sum` prints it, in lower case.
    DIGEST_MISMATCH = "digest-mismatch" [];

    /// Rows without an id, with an empty one, or with one that stood there before.
    ///
    /// Many interfaces read an empty id as "all", and a doubled row is the mark of a join gone wrong.
    BAD_IDS = "bad-ids" [];

    /// The list is exactly as long as a page.
    ///
    /// Travis CI's catalogue (August 2016) answered in pages of 100, and 100 was what it answered.
    PAGE_SIZED = "page-sized" [page_sizes];

    /// The list is old, or dated in the future.
    ///
    /// What was true when the list was made has to be true when it runs. At Google Music (2012) a deletion pipeline
    /// worked from stale copies; at Amazon DynamoDB (October 2025) a cleanup deleted the plan that a delayed worker
    /// had just made live. One hour for a hard delete, one day for a soft one.
    STALE = "stale" [max_age, max_age_soft];

    /// Everything that is not in a keep-set is to go, and the keep-set cannot be trusted.
    ///
    /// The danger of a complement lies in what is missing from the other set: one page of images at Travis CI
    /// (2016), servers whose project was stored differently at Modulus (2015). A keep-set needs a count, the count
    /// before, and the time; it may not be empty, as long as a page, or more than 10 % smaller than the last time.
    KEEP_SET = "keep-set" [min_keep, max_keep_drop, max_keep_age, page_sizes];

    /// The call or the list has no bound: no condition, a wildcard, a root, an unset variable.
    ///
    /// `rm -rf /usr /lib/…` with a stray space (bumblebee, 2011), a recursive delete from `/` (Steam, 2015), a
    /// truncate without a condition (Travis CI, 2018), a reboot without a host selector (Joyent, 2014).
    UNBOUNDED_SELECTOR = "unbounded-selector" [];
}
