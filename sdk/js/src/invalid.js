/** What is wrong with settings or reference data. Its text is shown as it stands; any other error is shown with its
 * type in front, for it is a mistake of the policy. */
export class Invalid extends Error {
  name = 'Invalid';
}

/** An error as the host is told of it. */
export function inWords(error) {
  if (error instanceof Invalid) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
