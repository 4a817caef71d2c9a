import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(`src/${path}`, 'utf8'))
  .join('\n');

const playbook =
  readFileSync('doc/operating.md', 'utf8').split('## Pages are stale')[1]?.split('### A large')[0] ?? '';
const said = [...playbook.matchAll(/^\| `([^`]+)` \|/gm)].map(([, text = '']) => text);

it.each(said)('doc/operating.md: "%s" is what the program says', (text) => {
  // Levels are printed in upper case.
  if (text === 'OK') return;
  for (const part of text.split('…').map((one) => one.trim())) expect(source).toContain(part);
});

it('doc/operating.md has an answer to each verdict and to each reason of status', () => {
  expect(said.length).toBeGreaterThanOrEqual(11);
});

it('doc/operating.md names files that are there', () => {
  const files = readFileSync('doc/operating.md', 'utf8').matchAll(
    /(?:(?<![\w/])|(?<=\/uncached\/))((?:etc|service|doc)\/[\w./-]+\w)/g,
  );
  const missing = [...files]
    .map(([, file = '']) => file)
    .filter(
      (file) =>
        !readdirSync(file.slice(0, file.lastIndexOf('/'))).includes(file.slice(file.lastIndexOf('/') + 1)),
    );
  expect(missing).toEqual([]);
});

it('no document says that the package is on a registry, where it is not', () => {
  const documents = ['README.md', ...readdirSync('doc').map((name) => `doc/${name}`)].filter((name) =>
    name.endsWith('.md'),
  );
  const claims = documents.filter((name) =>
    /npm (install|i)( -g| --global)? uncached\b|npx uncached\b/.test(readFileSync(name, 'utf8')),
  );
  expect(claims).toEqual([]);
});
