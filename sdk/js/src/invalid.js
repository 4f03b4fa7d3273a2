import { PLACES, placeIn } from './places.js';

/** What is wrong with settings or reference data. Its text is shown as it stands; any other error is shown with its
 * type in front and its place behind, for it is a mistake of the policy. */
export class Invalid extends Error {
  name = 'Invalid';
}

/** An error as the host is told of it. */
export function inWords(error) {
  if (error instanceof Invalid) return error.message;
  if (!(error instanceof Error)) return String(error);
  const places = globalThis[PLACES];
  const place = places === undefined ? '' : placeIn(JSON.parse(places), error.stack);
  return `${error.name}: ${error.message}${place && ` (${place})`}`;
}
