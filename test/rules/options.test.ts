import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { load } from '../../src/config/load.ts';
import { type Option, options } from '../../src/config/options.ts';

const sample = readFileSync('etc/uncached.ini.sample', 'utf8');
const manual = readFileSync('doc/config.md', 'utf8');

const all = Object.entries(options).flatMap(([section, table]) =>
  Object.entries(table as Readonly<Record<string, Option<unknown>>>).map(([name, option]) => ({
    section,
    name,
    option,
  })),
);

/** The lines of the sample for a section, including options that are commented out. */
function sampleOf(section: string): string {
  const isNamed = ['handler', 'purge', 'nginx'].includes(section);
  const header = new RegExp(isNamed ? `^;?\\[${section}\\.[^\\]]+\\]$` : `^\\[${section}\\]$`, 'm');
  const start = sample.search(header);
  const rest = sample.slice(start + 2);
  const next = section === 'handler' ? -1 : rest.search(/^;?\[/m);
  return next === -1 ? rest : rest.slice(0, next);
}

function manualOf(section: string): string {
  const parts = manual.split(/^## /m);
  return parts.find((part) => part.startsWith(`[${section}`)) ?? '';
}

describe.each(all)('[$section] $name', ({ section, name, option }) => {
  it('stands in the sample, at its default', () => {
    const line = new RegExp(`^;?${name}(\\[\\])? = (.*)$`, 'm').exec(sampleOf(section));
    expect(line, `etc/uncached.ini.sample has no "${name} = …"`).not.toBeNull();
    // A site without such a cache has no section for it.
    const text = ['purge', 'nginx'].includes(section) ? line?.[0].replace(/^;/, '') : line?.[0];
    if (option.default !== undefined) expect(text).toBe(`${name} = ${option.default}`);
  });

  it('stands in doc/config.md, with its default', () => {
    const row = new RegExp(`^\\| \`${name}\` \\| ([^|]*) \\|`, 'm').exec(manualOf(section));
    expect(row, `doc/config.md has no row for ${name}`).not.toBeNull();
    if (option.default !== undefined) expect(row?.[1]).toBe(`\`${option.default}\``);
  });
});

it('the manual has each environment variable that sets an option, and no others', () => {
  const rows = [...manual.matchAll(/^\| `(UNCACHED_[A-Z_]+)` \| `(.*)` \|$/gm)].map(([, name, context]) => [
    name,
    context,
  ]);
  expect(rows).toEqual(
    all.flatMap(({ section, name, option }) =>
      option.variable === undefined ? [] : [[option.variable, `[${section}] ${name}`]],
    ),
  );
});

it('an option has a variable unless an fp-listen.ini has words for it', () => {
  const without = all.filter(({ option }) => option.variable === undefined);
  const sections = new Set(without.map(({ section }) => section));
  expect([...sections]).toEqual(['database', 'cache', 'handler', 'purge', 'nginx']);
  expect(without.filter(({ section }) => section === 'cache').map(({ name }) => name)).toEqual(['root']);
});

it('the sample and the manual have no other options', () => {
  const known = all.map(({ name }) => name);
  const inSample = [...sample.matchAll(/^;?([a-z_]+)(?:\[\])? = /gm)].map(([, name]) => name);
  const inManual = [...manual.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
  expect([...inSample, ...inManual].filter((name) => !known.includes(name ?? ''))).toEqual([]);
});

it('of config/ only the table names an option of [daemon]', () => {
  const names = Object.entries(options.daemon).map(([name, option]) =>
    'property' in option ? option.property : name,
  );
  const naming = readdirSync('src/config').filter(
    (file) =>
      file.endsWith('.ts') &&
      new RegExp(`\\b(${names.join('|')})\\b`).test(readFileSync(join('src/config', file), 'utf8')),
  );
  expect(naming).toEqual(['options.ts']);
});

it('the sample files load', () => {
  const handlers = (file: string) => load(file).configuration.handlers.map(({ name }) => name);
  expect(handlers('etc/uncached.ini.sample')).toEqual(['articles', 'front']);
  expect(handlers('etc/uncached.minimal.ini')).toEqual(['articles']);
  // The handlers that "uncached schema --freshports" wakes (test/sql/install), and the one that follows them.
  expect(handlers('etc/freshports.ini')).toEqual([
    'listen_port',
    'listen_date_updated',
    'listen_commit',
    'listen_file_updated',
    'news',
  ]);
});
