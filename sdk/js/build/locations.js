import { SourceMap } from 'node:module';
import { resolve } from 'node:path';

/** The source locations of a bundle, in the form that `src/locations.js` reads. The sources in the map are relative to
 * `folder`. Files below `sdk` are not the author's. */
export function locationsOf(text, map, folder, sdk) {
  const entries = new SourceMap(map);
  const authors = new Set(map.sources.filter((source) => !resolve(folder, source).startsWith(sdk)));
  const files = [...authors].sort();
  const segments = [];
  let last = '0 0';
  for (const [line, code] of text.split('\n').entries()) {
    for (let column = 0; column < code.length; column++) {
      const { generatedLine, originalSource, originalLine } = entries.findEntry(line, column);
      const file = generatedLine === line && authors.has(originalSource) ? files.indexOf(originalSource) + 1 : 0;
      const source = file === 0 ? [0, 0] : [file, originalLine + 1];
      if (source.join(' ') !== last) segments.push(line + 1, column + 1, ...source);
      last = source.join(' ');
    }
  }
  return { files, segments };
}
