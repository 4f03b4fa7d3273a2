// The rules of the policy, and the settings that an operator may change.

export const settings = {
  min_age_days: {
    type: 'u64',
    doc: 'Minimum age of a target that is deleted on the eve of a closed day.',
    default: 7,
    min: 0,
    max: 3650,
    unit: 'days',
  },
  warn_eve: {
    type: 'bool',
    doc: 'Whether to warn of a batch on the eve of a closed day.',
    default: true,
  },
};

export const CLOSED_DAY = {
  code: 'closed-day',
  summary: 'The batch runs on a day without staff to restore data.',
  explanation: `
    A wrong list is noticed by the people who miss the deleted data and undone by the people who can restore it. On a
    closed day neither group is at work, and the outage lasts until they return. Closed weekdays and dates come from
    the calendar, because public holidays move and no library knows a company's days off.`,
  nature: 'wrong',
};

export const EVE_OF_CLOSED_DAY = {
  code: 'eve-of-closed-day',
  summary: 'The next day is closed.',
  explanation: `
    If a batch goes wrong in the afternoon, the repair continues on the closed day. The rule only warns, because staff
    may be on call then, and the operator knows whether they are.`,
  settings: ['warn_eve'],
  nature: 'wrong',
};

export const TOO_YOUNG = {
  code: 'too-young',
  summary: 'Targets are too young to be deleted on the eve of a closed day.',
  explanation: `
    Data created this week is the most likely to be on the list by mistake and the least likely to be in a backup.
    Seven days include one weekly backup. Targets of unknown age are not counted; other policies report unknown ids.`,
  settings: ['min_age_days'],
  nature: 'wrong',
  subject: 'targets',
};

export const NO_CALENDAR = {
  code: 'no-calendar',
  summary: 'The calendar does not cover this day.',
  explanation: `
    Clocks change twice a year on dates that are set by law and cannot be computed, so the calendar lists them, and
    the list ends. Beyond its end the local day is unknown: a hard delete is denied, and a soft delete gets a warning.`,
  nature: 'missing',
};
