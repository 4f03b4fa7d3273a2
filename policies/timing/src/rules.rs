//! The rules of the policy, and its settings.

use reprieve_sdk::{TimeZone, rules, settings};

settings! {
    /// Settings of the policy `timing`.
    pub struct Settings {
        /// Whether batches may run only within the change window.
        window: bool = false;
        /// Hour at which the window opens.
        window_from: u64 = 9, min = 0, max = 23, unit = "hour of the day";
        /// Hour at which the window closes.
        window_to: u64 = 16, min = 0, max = 24, unit = "hour of the day";
        /// Days of the week on which the window opens, from 1 (Monday) to 7 (Sunday).
        window_days: Vec<u64> = vec![1, 2, 3, 4];
        /// Time zone of the window.
        window_zone: TimeZone = TimeZone("UTC".to_owned());
        /// Maximum number of tenants that hard deletes may reach in 24 hours, including this batch.
        tenants_a_day: u64 = 60, min = 0, max = 1_000_000_000, unit = "tenants";
        /// Maximum number of tenants that soft deletes may reach in 24 hours, including this batch.
        tenants_a_day_soft: u64 = 500, min = 0, max = 1_000_000_000, unit = "tenants";
        /// Pause before a hard delete, for each tenant that the previous hard delete reached.
        pause_per_tenant: u64 = 60, min = 0, max = 86_400, unit = "seconds";
        /// How long a target must have been unused before it may be deleted without its owner's request.
        unused_days: u64 = 30, min = 0, max = 3650, unit = "days";
        /// How long before a deletion that they did not request the owners must be notified.
        notice_days: u64 = 14, min = 0, max = 365, unit = "days";
    }
}

rules! {
    /// A change freeze is in effect, or the request does not say whether one is.
    ///
    /// Replit's agent (July 2025) deleted a production database during a declared freeze. An absent field does not mean
    /// "no freeze": a pipeline that hard-deletes has to check first, and a soft delete that does not say is warned of.
    FREEZE = "freeze": wrong [];

    /// The batch runs outside the change window.
    ///
    /// Deletions run while the people who can restore data are at work. The window is off by default because working
    /// hours differ between operators. If it is on, its defaults are Monday to Thursday, 9:00 to 16:00 UTC.
    OUTSIDE_WINDOW = "outside-window": wrong [window, window_from, window_to, window_days, window_zone];

    /// The batch would delete too many tenants in too short a time.
    ///
    /// Atlassian's script (April 2022) deleted 38 sites a minute and was done before anyone noticed. Amazon S3
    /// (February 2017) changed its tool to remove capacity more slowly. Hard deletes may reach one tenant a minute and 60 a day,
    /// which is the number that can be restored in one go. Soft deletes, which can be undone, may reach 500 a day.
    /// All of production counts together, whatever its parts are called; any other environment counts by itself.
    TOO_FAST = "too-fast": wrong [tenants_a_day, tenants_a_day_soft, pause_per_tenant];

    /// It is unknown what was deleted in the last 24 hours.
    ///
    /// Four hundred small batches add up to a large one, and an unknown history is not an empty history. The rule
    /// denies a hard delete and warns about a soft delete.
    HISTORY_UNKNOWN = "history-unknown": missing [];

    /// The owners did not request the deletion, and targets were used recently, or their last use is unknown.
    ///
    /// A deletion for disuse, after an expiry or at the end of a retention period is not the owner's request, and a target
    /// that is still used shows that its owner does not expect it. A target counts as used when it was created. For a
    /// deletion for disuse an unknown last use denies; for the others, and if the request does not say what triggered the
    /// deletion, it denies a hard delete and is a warning about a soft one. The data of a migration is compared with its
    /// copy instead (`recovery/copy-unverified`).
    ///
    /// Cleanups deleted the stable images that builds ran on (Travis CI, August 2016), live servers (Modulus, July
    /// 2015) and the plan that had just been activated (Amazon DynamoDB, October 2025). The default of 30 days includes
    /// the end of a month.
    RECENTLY_USED = "recently-used": wrong, targets [unused_days];

    /// The owners were not notified in time of a deletion that they did not request, or object to it.
    ///
    /// An owner who still needs a resource can object once notified. An objection counts whatever the trigger. A hard
    /// delete has to say how many owners object. If the request does not say what triggered the deletion, the rule denies
    /// a hard delete without a notice and warns about a soft one. The default of 14 days is longer than most holidays.
    NO_NOTICE = "no-notice": missing [notice_days];
}
