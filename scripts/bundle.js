// Bundles dist/main.js and the packages it uses into build/program/main.js. The tests start the program two
// thousand times, and loading so many files one by one takes a third of the time of a start. Files that dist
// reads from its own folder are read from there.
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const paths = {
  name: 'paths',
  transform: (code, file) =>
    code
      .replaceAll(/\bimport\.meta\.dirname\b|\b__dirname\b/g, JSON.stringify(dirname(file)))
      .replaceAll(/\b__filename\b/g, JSON.stringify(file))
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href)),
};

const bundle = await rolldown({ input: { main: 'dist/main.js' }, platform: 'node', plugins: [paths] });
rmSync('build/program', { recursive: true, force: true });
await bundle.write({ dir: 'build/program', format: 'esm' });
