// Bundles dist/main.js and the worker, with the packages they use, into build/program/. The tests start the
// program a thousand times, and loading so many files one by one takes a third of the time of a start. Files
// that dist reads from its own folder are read from there, but for the worker.
import { rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const folder = resolve('build/program');
const worker = 'dist/filesystem/workers/worker-child.js';
const folderOf = (file) => (file.endsWith('/start-worker.js') ? folder : dirname(file));

const paths = {
  name: 'paths',
  transform: (code, file) =>
    code
      .replaceAll(/\bimport\.meta\.dirname\b|\b__dirname\b/g, JSON.stringify(folderOf(file)))
      .replaceAll(/\b__filename\b/g, JSON.stringify(file))
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file).href)),
};

const input = { main: 'dist/main.js', 'worker-child': worker };
const bundle = await rolldown({ input, platform: 'node', plugins: [paths] });
rmSync(folder, { recursive: true, force: true });
await bundle.write({ dir: folder, format: 'esm' });
