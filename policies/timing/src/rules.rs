//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{TimeZone, rules, settings};

settings! {
    /// Settings of the policy `timing`.
    pub struct Settings {
        /// Whether batches run only within the window.
        window: bool = false;
        /// First hour of the window.
        window_from: u64 = 9, 0..=23, "hour of the day";
        /// Hour at which the window ends.
        window_to: u64 = 16, 0..=24, "hour of the day";
        /// The days of the window, from 1 for Monday to 7 for Sunday.
        window_days: Vec<u64> = vec![1, 2, 3, 4];
        /// The time zone whose clock the window goes by.
        window_zone: TimeZone = TimeZone("UTC".to_owned());
        /// Tenants that hard deletes may reach in 24 hours, this one included.
        tenants_a_day: u64 = 60, 0..=1_000_000_000, "tenants";
        /// Tenants that soft deletes may reach in 24 hours, this one included.
        tenants_a_day_soft: u64 = 500, 0..=1_000_000_000, "tenants";
        /// How long a hard delete is left alone for each tenant it reached.
        pause_per_tenant: u64 = 60, 0..=86_400, "seconds";
        /// How long something must not have been used to be deleted for disuse.
        unused_days: u64 = 30, 0..=3650, "days";
        /// How long before a deletion for disuse the owners have to be told.
        notice_days: u64 = 14, 0..=365, "days";
    }
}

rules! {
    /// A freeze is on, or a hard delete does not say whether one is.
    ///
    /// Replit's agent (July 2025) deleted a production database while a freeze had been declared. Absent is not
    /// false: a pipeline that deletes for good has asked.
    FREEZE = "freeze" [];

    /// The batch runs outside the window.
    ///
    /// Deletions run when those who can restore are at work. Off by default, for the window is the operator's; set,
    /// it is Monday to Thursday, 9 to 16 o'clock.
    OUTSIDE_WINDOW = "outside-window" [window, window_from, window_to, window_days, window_zone];

    /// Too many tenants in too short a time.
    ///
    /// Atlassian's script (April 2022) went through 38 sites a minute and was done before anyone noticed; the fix at
    /// Amazon S3 (February 2017) was to remove capacity more slowly. One tenant a minute and 60 a day, which is what
    /// can be restored in one go; 500 a day where it can be undone.
    TOO_FAST = "too-fast" [tenants_a_day, tenants_a_day_soft, pause_per_tenant];

    /// Nobody knows what was deleted before.
    ///
    /// Four hundred small batches are one large one. A history that is not there is not an empty one.
    HISTORY_UNKNOWN = "history-unknown" [];

    /// Targets are to go because nobody uses them, and they were used lately, or nobody knows.
    ///
    /// A cleanup deleted the stable images that builds ran on (Travis CI, August 2016), live servers (Modulus, July
    /// 2015) and the plan that had just gone live (Amazon DynamoDB, October 2025). 30 days see a month's end.
    RECENTLY_USED = "recently-used" [unused_days];

    /// The owners were not told in time, or object.
    ///
    /// Whoever still needs a thing says so when told that it goes. 14 days outlast a holiday.
    NO_NOTICE = "no-notice" [notice_days];
}
