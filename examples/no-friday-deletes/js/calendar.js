import { Invalid, seconds, timestamp, utf8 } from '@reprieve/sdk';

export const DAY = 86_400;

// 1970-01-01 was a Thursday.
const WEEKDAYS = ['thursday', 'friday', 'saturday', 'sunday', 'monday', 'tuesday', 'wednesday'];

/** The closed days of a time zone, and its local dates. */
export class Calendar {
  #offsets;
  #until;
  #weekdays;
  #dates;

  /** Reads the operator's file. */
  static read(bytes) {
    return new Calendar(parse(bytes));
  }

  constructor(file) {
    checkTypes(file);
    this.zone = file.zone;
    const from = file.offsets.map((entry) => time(entry.from));
    this.#until = time(file.until);
    this.#offsets = file.offsets.map(({ utc }, i) => ({ from: from[i], seconds: offset(utc) }));
    this.#weekdays = file.closed_weekdays;
    this.#dates = file.closed_days;
    require(from.length > 0, 'offsets must not be empty');
    require(from.every((at, i) => i === 0 || at > from[i - 1]), 'offsets are not in ascending order');
    require(this.#until > from.at(-1), 'until must be later than the last offset');
    const weekday = this.#weekdays.find((name) => !WEEKDAYS.includes(name));
    require(weekday === undefined, `"${weekday}" is not a weekday`);
    const date = Object.keys(this.#dates).find((name) => !isDate(name));
    require(date === undefined, `"${date}" is not a date like 2026-12-24`);
  }

  /** The local day at a time, counted from 1970-01-01; null if the calendar does not cover that time. */
  dayAt(at) {
    const last = this.#offsets.findLast(({ from }) => from <= at);
    return last === undefined || at >= this.#until ? null : Math.floor((at + last.seconds) / DAY);
  }

  isClosed(day) {
    return dateOf(day) in this.#dates || this.#weekdays.includes(weekdayOf(day));
  }

  /** The reason why a date is closed; empty if the calendar gives none. */
  reason(day) {
    return this.#dates[dateOf(day)] ?? '';
  }

  /** The first open day in the `maxDays` days after `day`; null if there is none. */
  nextOpen(day, maxDays) {
    for (let next = day + 1; next <= day + maxDays; next++) {
      if (!this.isClosed(next)) return next;
    }
    return null;
  }
}

export function dateOf(day) {
  return timestamp(day * DAY).slice(0, 10);
}

/** A day in the form that messages use: `friday 2026-03-06`. */
export function formatDay(day) {
  return `${weekdayOf(day)} ${dateOf(day)}`;
}

function weekdayOf(day) {
  return WEEKDAYS[((day % 7) + 7) % 7];
}

function require(holds, otherwise) {
  if (!holds) throw new Invalid(`calendar: ${otherwise}`);
}

function parse(bytes) {
  try {
    return JSON.parse(utf8(bytes));
  } catch {
    return null;
  }
}

function checkTypes(file) {
  const isText = (value) => typeof value === 'string';
  const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const isOffset = (value) => isObject(value) && isText(value.from) && isText(value.utc);
  require(isObject(file), 'not a JSON object');
  const types = {
    zone: isText,
    offsets: (value) => Array.isArray(value) && value.every(isOffset),
    until: isText,
    closed_weekdays: (value) => Array.isArray(value) && value.every(isText),
    closed_days: (value) => isObject(value) && Object.values(value).every(isText),
  };
  for (const [field, fits] of Object.entries(types)) {
    require(fits(file[field]), `"${field}" is missing or has the wrong type`);
  }
}

function time(text) {
  try {
    return seconds(text);
  } catch {
    throw new Invalid(`calendar: "${text}" is not a time like 2026-03-29T01:00:00Z`);
  }
}

function offset(text) {
  const [, sign, hours, minutes] = /^([+-])(\d\d):([0-5]\d)$/.exec(text) ?? [];
  require(sign !== undefined, `"${text}" is not an offset like +01:00`);
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3_600 + Number(minutes) * 60);
}

function isDate(text) {
  try {
    return seconds(`${text}T00:00:00Z`) !== null;
  } catch {
    return false;
  }
}
