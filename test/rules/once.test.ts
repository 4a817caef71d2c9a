import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** Code that several files need, a pattern that recognises a copy of it, and the one file that has it. */
const once = [
  {
    what: 'the name of a session',
    copy: /'\^?uncached [%'(]|' listener'|`uncached \$\{owner/,
    file: 'postgres/session-name.ts',
  },
  {
    what: 'the limits of the lag',
    copy: /\b(warning|critical)Ms: \d|default: \d+s/,
    file: 'core/daemon-status.ts',
  },
  { what: 'the units of durations', copy: /\(ms\|s|'min'|' days'/, file: 'core/duration.ts' },
  // Python's globs have a different grammar (config/fp-listen/path.ts).
  { what: 'the grammar of patterns', copy: /\[!\^\]/, file: 'core/pattern.ts' },
];

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

it.each(once)('only $file writes $what', ({ copy, file }) => {
  const copies = files.filter(
    (other) => other !== file && copy.test(readFileSync(join('src', other), 'utf8')),
  );
  expect(copies).toEqual([]);
});

it('loads the library of metrics only where these are exposed', () => {
  const loading = files.filter((file) =>
    /^import (?!type ).*metrics\.ts'/m.test(readFileSync(join('src', file), 'utf8')),
  );
  expect(loading).toEqual([]);
});
