// Bundles dist/main.js and the worker, with the packages that they use, into dist/program/: what is published, and
// what the tests start. One by one, loading nearly three hundred small files would take more than half of the time
// of `uncached status`, which monitors run every minute. The folder is flat and as deep as the folders of dist/, so
// that modules find sql/, page/ and the worker by the same relative paths.
import { rmSync } from 'node:fs';
import { rolldown } from 'rolldown';

const dir = 'dist/program';
rmSync(dir, { recursive: true, force: true });

/**
 * What must be run first, and two files that nearly every command needs; the rest is split by command. A later group
 * has what is left.
 */
const groups = [
  { name: 'early', test: /\/dist\/cli\/(refuse-old-node|early-\w+)\.js$/, priority: 3 },
  { name: 'start', test: /\/dist\/cli\/program\.js$/, priority: 2 },
  { name: 'database', test: /\/dist\/cli\/status\.js$/, priority: 1 },
];
/** pg-format finds a file by its own path. */
const literal = {
  name: 'literal',
  transform: (code) => code.replaceAll("require(__dirname + '/", "require('./"),
};

await bundle({ main: 'dist/main.js' }, { groups });
// By itself: a worker must not load what commands share.
await bundle({ 'worker-child': 'dist/filesystem/workers/worker-child.js' }, { groups: [] });

async function bundle(input, codeSplitting) {
  // Taken only where they are installed, as they are here by chance: by debug, and by pg in Cloudflare's runtime.
  const built = await rolldown({
    input,
    platform: 'node',
    external: ['supports-color', 'pg-cloudflare'],
    plugins: [literal],
  });
  // Without hashes: distributors list the files.
  await built.write({ dir, format: 'esm', chunkFileNames: '[name].js', codeSplitting });
  await built.close();
}
