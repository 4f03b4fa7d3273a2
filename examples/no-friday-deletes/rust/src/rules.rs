//! The rules of the policy and its settings.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `no-friday-deletes`.
    pub struct Settings {
        /// Minimum age of a target that is deleted on the eve of a closed day.
        min_age_days: u64 = 7, min = 0, max = 3650, unit = "days";
        /// Whether to warn of a batch on the eve of a closed day.
        warn_eve: bool = true;
    }
}

rules! {
    /// The batch runs on a day without staff to restore data.
    ///
    /// A wrong list is noticed by the people who miss the deleted data and undone by the people who can restore it. On
    /// a closed day neither group is at work, and the outage lasts until they return. Closed weekdays and dates come
    /// from the calendar, because public holidays move and no library knows a company's days off.
    CLOSED_DAY = "closed-day": wrong [];

    /// The next day is closed.
    ///
    /// If a batch goes wrong in the afternoon, the repair continues on the closed day. The rule only warns, because
    /// staff may be on call then, and the operator knows whether they are.
    EVE_OF_CLOSED_DAY = "eve-of-closed-day": wrong [warn_eve];

    /// Targets are too young to be deleted on the eve of a closed day.
    ///
    /// Data created this week is the most likely to be on the list by mistake and the least likely to be in a backup.
    /// Seven days include one weekly backup. Targets of unknown age are not counted; other policies report unknown ids.
    TOO_YOUNG = "too-young": wrong, targets [min_age_days];

    /// The calendar does not cover this day.
    ///
    /// Clocks change twice a year on dates that are set by law and cannot be computed, so the calendar lists them, and
    /// the list ends. Beyond its end the local day is unknown: a hard delete is denied, and a soft delete gets a
    /// warning.
    NO_CALENDAR = "no-calendar": missing [];
}
