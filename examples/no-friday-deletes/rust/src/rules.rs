//! What the policy objects to, and what an operator may change about it.

use reprieve_sdk::{rules, settings};

settings! {
    /// Settings of the policy `no-friday-deletes`.
    pub struct Settings {
        /// How old a target has to be to go on the eve of a closed day.
        min_age_days: u64 = 7, 0..=3650, "days";
        /// Whether a batch on the eve of a closed day is warned of.
        warn_eve: bool = true;
    }
}

rules! {
    /// The batch runs on a day on which nobody restores anything.
    ///
    /// A wrong list is noticed by the people who miss what it took, and undone by the people who can restore it. On a
    /// closed day neither is at work, and the outage lasts until they are. Weekdays and single dates come from the
    /// calendar, for a public holiday moves and a company's day off is in no library.
    CLOSED_DAY = "closed-day" [];

    /// The next day is closed.
    ///
    /// A batch that goes wrong in the afternoon is worked on tomorrow. It only warns: somebody may be at hand tomorrow
    /// after all, and the operator knows.
    EVE_OF_CLOSED_DAY = "eve-of-closed-day" [warn_eve];

    /// Targets are too young to go on the eve of a closed day.
    ///
    /// What was made this week is the likeliest to be on the list by mistake and the least likely to be in a backup.
    /// Seven days see one weekly backup. An age that nobody knows does not count here; that an id is unknown is for
    /// other policies to object to.
    TOO_YOUNG = "too-young" [min_age_days];

    /// The calendar does not reach this day.
    ///
    /// Clocks change twice a year on dates that are laws and not arithmetic, so the calendar lists them, and a list
    /// ends. Beyond its end nobody knows which day it is in that zone: a hard delete is denied, a soft one warned of.
    NO_CALENDAR = "no-calendar" [];
}
