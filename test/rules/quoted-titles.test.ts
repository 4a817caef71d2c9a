import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const documents = ['README.md', ...readdirSync('doc').map((name) => `doc/${name}`)].filter((path) =>
  path.endsWith('.md'),
);

/** Documents name a test as: test/folder/file, "a part of its title". */
const quoted = documents.flatMap((path) =>
  [...readFileSync(path, 'utf8').matchAll(/\b(test\/[\w/-]+), "([^"\n]+)"/g)].map(([, file, title]) => ({
    path,
    file: `${file}.test.ts`,
    title: String(title),
  })),
);

/** A title in the source, in which `%s` and `$name` stand for the values of a case. */
function fits(title: string, source: string): boolean {
  if (source.includes(title)) return true;
  const starts = [...source.matchAll(/'([^'\n]*(?:%\w|\$\w+)[^'\n]*)'/g)].map(([, written]) =>
    String(written),
  );
  return starts.some((written) => {
    const [start = ''] = written.split(/%\w|\$\w+/);
    return start.length > 5 && title.startsWith(start);
  });
}

it('documents quote titles of tests', () => {
  expect(quoted.length).toBeGreaterThan(10);
});

it.each(quoted)('$path quotes $file, "$title"', ({ file, title }) => {
  expect(existsSync(file)).toBe(true);
  expect(fits(title, readFileSync(file, 'utf8'))).toBe(true);
});
