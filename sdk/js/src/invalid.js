import { LOCATIONS, locate } from './locations.js';

/** Invalid settings or reference data. The operator reads its message as written. Any other error is a mistake in the
 * policy, and is shown with its type and its location. */
export class Invalid extends Error {
  name = 'Invalid';
}

/** The text of an error, as the host receives it. */
export function describeError(error) {
  if (error instanceof Invalid) return error.message;
  if (!(error instanceof Error)) return String(error);
  const locations = globalThis[LOCATIONS];
  const location = locations === undefined ? '' : locate(JSON.parse(locations), error.stack);
  return `${error.name}: ${error.message}${location && ` (${location})`}`;
}
