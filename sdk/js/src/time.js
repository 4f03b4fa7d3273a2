/** Seconds since 1970-01-01T00:00:00Z of a time in the form of the documents: `2022-04-05T07:38:00Z`. */
export function seconds(time) {
  const milliseconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time) ? Date.parse(time) : NaN;
  // Some engines read 30 February as 2 March. Writing the time back detects that.
  if (Number.isNaN(milliseconds) || timestamp(milliseconds / 1000) !== time) {
    throw new RangeError(`\`${time}\` is not a time like 2022-04-05T07:38:00Z`);
  }
  return milliseconds / 1000;
}

/** The time in the form of the documents, from seconds since 1970-01-01T00:00:00Z. */
export function timestamp(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** Seconds of a duration in the form of the documents: `P5DT12H`. */
export function durationSeconds(duration) {
  const parts = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(duration);
  if (parts === null) throw new RangeError(`\`${duration}\` is not a duration like P5DT12H`);
  const [days, hours, minutes, rest] = parts.slice(1).map((part) => Number(part ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + rest;
}
