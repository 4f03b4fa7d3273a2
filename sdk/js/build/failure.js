import { fileURLToPath } from 'node:url';

/** Why a policy could not be built, and what to do about it. */
export class Failure extends Error {
  constructor(message, help = '') {
    super(message);
    this.help = help;
  }
}

/** One of the packages that the build needs. */
export async function tool(name) {
  try {
    return await import(name);
  } catch (error) {
    const sdk = fileURLToPath(new URL('..', import.meta.url));
    throw new Failure(`${name} cannot be loaded: ${error.message}`, `npm install --prefix ${sdk}`);
  }
}
