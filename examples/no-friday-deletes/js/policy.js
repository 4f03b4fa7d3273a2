import { Invalid, Rows, policy, seconds } from '@reprieve/sdk';
import { Calendar, DAY, dateOf, formatDay } from './calendar.js';
import { CLOSED_DAY, EVE_OF_CLOSED_DAY, NO_CALENDAR, TOO_YOUNG, settings } from './rules.js';

/** How many days ahead to search for an open day. */
const HORIZON = 30;

export default policy({
  name: 'no-friday-deletes',
  version: '0.1.0',
  summary: 'Denies deletions on days without staff to restore data.',
  settings,
  rules: { CLOSED_DAY, EVE_OF_CLOSED_DAY, TOO_YOUNG, NO_CALENDAR },
  columns: ['created_at', 'resolved_created_at'],
  // The targets that are too young.
  state: () => new Rows(),

  validate(settings, data) {
    readCalendar(data);
  },

  observe(context, young, chunk) {
    if (!isEve(context)) return;
    const latest = seconds(context.facts.evaluated_at) - context.settings.min_age_days * DAY;
    const [claimed, resolved] = [chunk.column('created_at').i64s(), chunk.column('resolved_created_at').i64s()];
    for (let i = 0; i < chunk.rows; i++) {
      // An unknown time is null. It is replaced by `latest`, which is not too young.
      if ((claimed[i] ?? latest) > latest || (resolved[i] ?? latest) > latest) young.add(chunk.row(i));
    }
  },

  merge(young, other) {
    young.merge(other);
  },

  check(context, young, findings) {
    const { calendar, today } = calendarAndDay(context);
    if (today === null) {
      checkCoverage(context, calendar, findings);
    } else if (calendar.isClosed(today)) {
      checkClosed(calendar, today, findings);
    } else if (calendar.isClosed(today + 1)) {
      checkEve(context, calendar, today + 1, findings);
      checkAge(context, young, findings);
    }
  },
});

function checkCoverage(context, calendar, findings) {
  const message = `the calendar of ${calendar.zone} does not cover ${context.facts.evaluated_at}`;
  findings.denyIf(!context.isSoft(), NO_CALENDAR, message).help('add the UTC offsets for that time to the calendar');
}

function checkClosed(calendar, today, findings) {
  const [reason, open] = [calendar.reason(today), calendar.nextOpen(today, HORIZON)];
  const message = `${formatDay(today)} is a closed day in ${calendar.zone}`;
  findings
    .deny(CLOSED_DAY, reason === '' ? message : `${message}: ${reason}`)
    .help(
      open === null
        ? `none of the next ${HORIZON} days is open; check the calendar`
        : `run it on ${dateOf(open)}, the next open day`,
    );
}

function checkEve(context, calendar, tomorrow, findings) {
  if (!context.settings.warn_eve) return;
  findings
    .warn(EVE_OF_CLOSED_DAY, `tomorrow, ${formatDay(tomorrow)}, is a closed day in ${calendar.zone}`)
    .setting('warn_eve')
    .help('run it earlier in the week, or make sure that staff are on call tomorrow');
}

function checkAge(context, young, findings) {
  if (!young.any()) return;
  const days = context.settings.min_age_days;
  findings
    .deny(TOO_YOUNG, `${young.count} of ${context.facts.targets} targets are younger than ${days} days`)
    .field('/targets')
    .setting('min_age_days')
    .rows(young)
    .help(`remove them from the list until they are ${days} days old`);
}

function isEve(context) {
  const { calendar, today } = calendarAndDay(context);
  return today !== null && !calendar.isClosed(today) && calendar.isClosed(today + 1);
}

function calendarAndDay(context) {
  const calendar = readCalendar(context.data);
  return { calendar, today: calendar.dayAt(seconds(context.facts.evaluated_at)) };
}

function readCalendar(data) {
  const bytes = data('calendar');
  if (bytes === null) {
    throw new Invalid(
      'the reference data "calendar" is missing; add to the policy: data = { calendar = "calendar.json" }',
    );
  }
  return Calendar.read(bytes);
}
