import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** FreshPorts has doc/freshports.md and files with its name. Files for every site must not mention it. */
const ofFreshPorts = /freshports|listen_port|cache_clearing_(ports|dates|commits|files)|\/var\/db\b/i;

const files = ['etc', 'service', 'sql']
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  .filter((file) => !file.includes('freshports'));

it.each(files)('%s is for any site', (file) => {
  // Comments in SQL may mention it.
  const text = readFileSync(file, 'utf8').replaceAll(file.endsWith('.sql') ? /--.*/g : /$^/g, '');
  expect(text).not.toMatch(ofFreshPorts);
});

it('the commands that an administrator copies are for any site, too', () => {
  for (const file of ['README.md', 'doc/operating.md', 'doc/usage.md']) {
    const blocks = [...readFileSync(file, 'utf8').matchAll(/```\w*\n[\s\S]*?```/g)].map(([block]) => block);
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(block).not.toMatch(ofFreshPorts);
  }
});
