import { SourceMap } from 'node:module';
import { resolve } from 'node:path';

/** The places of a bundle, in the form that `src/places.js` reads: from its source map, whose sources are relative to
 * the folder. What lies below `sdk` is not the author's. */
export function placesOf(text, map, folder, sdk) {
  const entries = new SourceMap(map);
  const authors = new Set(map.sources.filter((source) => !resolve(folder, source).startsWith(sdk)));
  const files = [...authors].sort();
  const pieces = [];
  let last = '0 0';
  for (const [line, code] of text.split('\n').entries()) {
    for (let column = 0; column < code.length; column++) {
      const { generatedLine, originalSource, originalLine } = entries.findEntry(line, column);
      const file = generatedLine === line && authors.has(originalSource) ? files.indexOf(originalSource) + 1 : 0;
      const was = file === 0 ? [0, 0] : [file, originalLine + 1];
      if (was.join(' ') !== last) pieces.push(line + 1, column + 1, ...was);
      last = was.join(' ');
    }
  }
  return { files, pieces };
}
