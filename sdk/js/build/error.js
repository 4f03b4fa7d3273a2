import { fileURLToPath } from 'node:url';

/** Why a policy could not be built, and what to do about it. */
export class BuildError extends Error {
  constructor(message, help = '') {
    super(message);
    this.help = help;
  }
}

/** Imports a package that the build requires. */
export async function importTool(name) {
  try {
    return await import(name);
  } catch (error) {
    const sdk = fileURLToPath(new URL('..', import.meta.url));
    throw new BuildError(`cannot load \`${name}\`: ${error.message}`, `npm install --prefix ${sdk}`);
  }
}
