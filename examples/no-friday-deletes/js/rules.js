// What the policy objects to, and what an operator may change about it.

export const settings = {
  min_age_days: {
    type: 'u64',
    doc: 'How old a target has to be to go on the eve of a closed day.',
    default: 7,
    min: 0,
    max: 3650,
    unit: 'days',
  },
  warn_eve: {
    type: 'bool',
    doc: 'Whether a batch on the eve of a closed day is warned of.',
    default: true,
  },
};

export const CLOSED_DAY = {
  code: 'closed-day',
  summary: 'The batch runs on a day on which nobody restores anything.',
  explanation: `
    A wrong list is noticed by the people who miss what it took, and undone by the people who can restore it. On a
    closed day neither is at work, and the outage lasts until they are. Weekdays and single dates come from the
    calendar, for a public holiday moves and a company's day off is in no library.`,
};

export const EVE_OF_CLOSED_DAY = {
  code: 'eve-of-closed-day',
  summary: 'The next day is closed.',
  explanation: `
    A batch that goes wrong in the afternoon is worked on tomorrow. It only warns: somebody may be at hand tomorrow
    after all, and the operator knows.`,
  settings: ['warn_eve'],
};

export const TOO_YOUNG = {
  code: 'too-young',
  summary: 'Targets are too young to go on the eve of a closed day.',
  explanation: `
    What was made this week is the likeliest to be on the list by mistake and the least likely to be in a backup.
    Seven days see one weekly backup. An age that nobody knows does not count here; that an id is unknown is for
    other policies to object to.`,
  settings: ['min_age_days'],
};

export const NO_CALENDAR = {
  code: 'no-calendar',
  summary: 'The calendar does not reach this day.',
  explanation: `
    Clocks change twice a year on dates that are laws and not arithmetic, so the calendar lists them, and a list
    ends. Beyond its end nobody knows which day it is in that zone: a hard delete is denied, a soft one warned of.`,
};
