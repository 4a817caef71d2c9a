import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../postgres/project-root.ts';

const doc = readFileSync(join(projectRoot, 'doc/freshports.md'), 'utf8');
const folder = join(projectRoot, 'test/freshports');

/** The rows of the table of faults. */
const told = [...doc.matchAll(/^\| (.*?) \|.*\|.*\| `(\w+)` \|$/gm)].map(([, title = '', file = '']) => ({
  file: `${file}.test.ts`,
  title,
}));

/** Every describe that has a test for either daemon. */
const tested = readdirSync(folder)
  .filter((file) => file.endsWith('.test.ts'))
  .flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split(/^describe\(/m)
      .slice(1)
      .filter(
        (text) =>
          /^ {2}it\(\s*'uncached: /m.test(text) &&
          /^ {2}it\.skipIf\(missing\)\(\s*'the predecessor: /m.test(text),
      )
      .map((text) => ({ file, title: /^'(.*?)', \(\) =>/.exec(text)?.[1] ?? '' })),
  );

it('every fault in the table of doc/freshports.md is a test of both daemons, and the other way round', () => {
  const inOrder = (all: typeof told) => all.map(({ file, title }) => `${file}: ${title}`).sort();
  expect(told.length).toBeGreaterThan(10);
  expect(inOrder(told)).toEqual(inOrder(tested));
});

it('doc/freshports.md names files that exist', () => {
  for (const [, path = ''] of doc.matchAll(/`((?:test|service|doc)\/[\w./]+\.(?:ts|py|md))`/g)) {
    expect(() => readFileSync(join(projectRoot, path))).not.toThrow();
  }
});

it('the move has ten lines, and the page is short enough for the night', () => {
  expect([...doc.matchAll(/^\d+\. /gm)].length).toBe(10);
  expect(doc.split('\n').length).toBeLessThanOrEqual(151);
});
