import { Invalid, Rows, policy, seconds } from '@reprieve/sdk';
import { Calendar, DAY, dateOf, inWords } from './calendar.js';
import { CLOSED_DAY, EVE_OF_CLOSED_DAY, NO_CALENDAR, TOO_YOUNG, settings } from './rules.js';

/** How far to look for an open day. */
const HORIZON = 30;

export default policy({
  name: 'no-friday-deletes',
  version: '0.1.0',
  summary: 'Keeps deletions away from the days on which nobody restores anything.',
  settings,
  rules: { CLOSED_DAY, EVE_OF_CLOSED_DAY, TOO_YOUNG, NO_CALENDAR },
  columns: ['created_at', 'resolved_created_at'],
  // Targets that are too young.
  state: () => new Rows(),

  validate(settings, data) {
    readCalendar(data);
  },

  observe(batch, young, chunk) {
    if (!isEve(batch)) return;
    const latest = seconds(batch.facts.evaluated_at) - batch.settings.min_age_days * DAY;
    const [claimed, resolved] = [chunk.column('created_at').i64s(), chunk.column('resolved_created_at').i64s()];
    for (let i = 0; i < chunk.rows; i++) {
      // Where a time is unknown it is null, and what stands in its place is not later.
      if ((claimed[i] ?? latest) > latest || (resolved[i] ?? latest) > latest) young.add(chunk.row(i));
    }
  },

  merge(young, other) {
    young.merge(other);
  },

  check(batch, young, findings) {
    const { calendar, today } = calendarAndDay(batch);
    if (today === null) {
      checkReach(batch, calendar, findings);
    } else if (calendar.isClosed(today)) {
      checkClosed(calendar, today, findings);
    } else if (calendar.isClosed(today + 1)) {
      checkEve(batch, calendar, today + 1, findings);
      checkAge(batch, young, findings);
    }
  },
});

function checkReach(batch, calendar, findings) {
  const message = `the calendar of ${calendar.zone} does not reach ${batch.facts.evaluated_at}`;
  findings.denyIf(batch.isHard(), NO_CALENDAR, message).help('add the offsets of that time to the calendar');
}

function checkClosed(calendar, today, findings) {
  const [reason, open] = [calendar.reason(today), calendar.nextOpen(today, HORIZON)];
  const message = `it is ${inWords(today)} in ${calendar.zone}, and that day is closed`;
  findings
    .deny(CLOSED_DAY, reason === '' ? message : `${message}: ${reason}`)
    .help(
      open === null
        ? `no day of the next ${HORIZON} is open; look at the calendar`
        : `run it on ${dateOf(open)}, the next open day`,
    );
}

function checkEve(batch, calendar, tomorrow, findings) {
  if (!batch.settings.warn_eve) return;
  findings
    .warn(EVE_OF_CLOSED_DAY, `tomorrow, ${inWords(tomorrow)}, is closed in ${calendar.zone}`)
    .setting('warn_eve')
    .help('run it earlier in the week, or see that somebody is at hand tomorrow');
}

function checkAge(batch, young, findings) {
  if (!young.any()) return;
  const days = batch.settings.min_age_days;
  findings
    .deny(TOO_YOUNG, `${young.count} of ${batch.facts.targets} targets are younger than ${days} days`)
    .field('/targets')
    .setting('min_age_days')
    .rows(young)
    .help(`leave them out until they are ${days} days old`);
}

function isEve(batch) {
  const { calendar, today } = calendarAndDay(batch);
  return today !== null && !calendar.isClosed(today) && calendar.isClosed(today + 1);
}

function calendarAndDay(batch) {
  const calendar = readCalendar(batch.data);
  return { calendar, today: calendar.dayAt(seconds(batch.facts.evaluated_at)) };
}

function readCalendar(data) {
  const bytes = data('calendar');
  if (bytes === null) {
    throw new Invalid(
      'there is no reference data "calendar"; name a file under data: data = { calendar = "calendar.json" }',
    );
  }
  return Calendar.read(bytes);
}
