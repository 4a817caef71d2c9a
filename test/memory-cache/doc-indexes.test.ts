import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { blocksIn, environmentFor, programs, schemaWith } from './doc-blocks.ts';
import { ensureNotify } from './notify.ts';

const database = testDatabase();

/** What a visitor does with the example's pages, and what is printed of it. */
const visit = `
import { register } from 'prom-client';
import { db, pages, projectPage } from './index-pages.mjs';
import './metrics.mjs';

await pages.current();
const show = async (what) => {
  await pages.current();
  const shown = [];
  for (const index of ['root/pypi', 'anna/dev', 'anna/prod', 'other'])
    for (const project of ['pip', 'six']) {
      const { value, outcome } = await projectPage(index, project);
      if (outcome !== 'hit') shown.push(index + ' ' + value.split('\\n').join(', '));
    }
  console.log(what + ': ' + shown.join(' | '));
};
await show('at first');
await show('again');
await db.query("INSERT INTO releases VALUES ('root/pypi', 'pip', '2')");
await show('released in the base of the base');
await db.query("INSERT INTO releases VALUES ('anna/prod', 'six', '1')");
await show('released in the index');
await db.query("UPDATE indexes SET bases = '{other}' WHERE name = 'anna/dev'");
await show('other bases');
await db.query("INSERT INTO releases VALUES ('root/pypi', 'pip', '3')");
await show('released in what was a base');
console.log((await register.getSingleMetricAsString('site_cache_calls_total')).split('\\n').slice(2, 4).join(' '));
await pages.close();
await db.end();
`;

it('the index pages of doc/memory-cache.md: a change drops those of all inheriting indexes and no others', async () => {
  await withClient(database.config, async (client) => {
    await ensureNotify(client);
    await client.query(schemaWith('indexes'));
    await client.query(`
      INSERT INTO indexes VALUES ('root/pypi', '{}'), ('other', '{}'), ('anna/dev', '{root/pypi}'), ('anna/prod', '{anna/dev}');
      INSERT INTO releases VALUES ('root/pypi', 'pip', '1'), ('other', 'pip', '9')`);
  });
  const { folder, remove } = programs();
  onTestFinished(remove);
  const metrics = blocksIn('js').find((text) => text.includes("from 'prom-client'"));
  writeFileSync(join(folder, 'metrics.mjs'), `import { pages } from './index-pages.mjs';\n${metrics}`);
  writeFileSync(join(folder, 'visit.mjs'), visit);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['visit.mjs'], {
    cwd: folder,
    env: environmentFor(database.config),
  });
  expect(stderr).toBe('');
  expect(stdout.split('\n').slice(0, -1)).toEqual([
    'at first: root/pypi pip 1 (root/pypi) | root/pypi  | anna/dev pip 1 (root/pypi) | anna/dev  | anna/prod pip 1 (root/pypi) | anna/prod  | other pip 9 (other) | other ',
    'again: ',
    'released in the base of the base: root/pypi pip 1 (root/pypi), pip 2 (root/pypi) | anna/dev pip 1 (root/pypi), pip 2 (root/pypi) | anna/prod pip 1 (root/pypi), pip 2 (root/pypi)',
    'released in the index: anna/prod six 1 (anna/prod)',
    'other bases: anna/dev pip 9 (other) | anna/dev  | anna/prod pip 9 (other) | anna/prod six 1 (anna/prod)',
    'released in what was a base: root/pypi pip 1 (root/pypi), pip 2 (root/pypi), pip 3 (root/pypi)',
    'site_cache_calls_total{outcome="hit"} 31 site_cache_calls_total{outcome="stored"} 17',
  ]);
});
