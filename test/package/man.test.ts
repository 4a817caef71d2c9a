import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { options } from '../../src/config/options.ts';

const directory = mkdtempSync(join(tmpdir(), 'uncached-man-'));
execFileSync(process.execPath, ['scripts/man.js', directory]);
afterAll(() => rmSync(directory, { recursive: true }));

/** Tests are skipped with a message where the program is missing. */
function has(program: string, debianPackage: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!found) console.warn(`SKIPPED: there is no ${program}: apt-get install ${debianPackage}`);
  return found;
}

const withMan = it.skipIf(!has('man', 'man-db groff'));
const withMandoc = it.skipIf(!has('mandoc', 'mandoc'));

function read(page: string): { text: string; warnings: string } {
  const { stdout, stderr } = spawnSync('man', ['--warnings', '-l', join(directory, page)], {
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '80', MANPAGER: 'cat', LC_ALL: 'C.UTF-8' },
  });
  return { text: stdout.replace(/.\x08/g, ''), warnings: stderr };
}

describe.each(['uncached.8', 'uncached.ini.5'])('man/%s', (page) => {
  withMan('is shown without a warning, within eighty columns but for what is printed word for word', () => {
    const { text, warnings } = read(page);
    expect(warnings).toBe('');
    const [title = ''] = text.trimStart().split('\n');
    const name = page.replace(/\.(\d)$/, '($1)').toUpperCase();
    expect(title).toMatch(
      new RegExp(`^${name.replace(/[.()]/g, '\\$&')} +uncached +${name.replace(/[.()]/g, '\\$&')}$`),
    );
    expect(text).not.toMatch(/[`|]{2}|\*\*|\]\(|^ *\|/m);
  });

  withMandoc('is without fault in the eyes of mandoc', () => {
    const { stdout } = spawnSync('mandoc', ['-Tlint', '-Wwarning', join(directory, page)], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
  });
});

withMan('names documents as they lie in the package', () => {
  expect(read('uncached.8').text.replace(/\s+/g, ' ')).toContain(
    '. doc/config.md has the configuration, doc/operating.md the',
  );
});

withMan('uncached.8 has every section of doc/usage.md', () => {
  const { text } = read('uncached.8');
  for (const heading of [
    'NAME',
    'SYNOPSIS',
    'DESCRIPTION',
    'COMMANDS',
    'EXIT CODES',
    'SIGNALS',
    'ENVIRONMENT',
    'FILES',
  ])
    expect(text).toMatch(new RegExp(`^${heading}$`, 'm'));
  expect(text).toMatch(/^ {3}explain$/m);
  expect(text).toMatch(/^ {7}-c, --critical <time>\n {14}Critical from this lag on\. Default: 60s\.$/m);
});

withMan('uncached.ini.5 has every option', () => {
  const { text } = read('uncached.ini.5');
  for (const [section, table] of Object.entries(options)) {
    const start = text.search(new RegExp(`^\\[${section}`, 'm'));
    expect(start, section).toBeGreaterThan(0);
    for (const option of Object.keys(table))
      expect(text.slice(start)).toMatch(new RegExp(`^ {7}${option}\\b`, 'm'));
  }
});
