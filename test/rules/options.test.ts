import { readFileSync } from 'node:fs';
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

/** The part of the sample that belongs to a section, with options that are commented out. */
function sampleOf(section: string): string {
  const header = section === 'handler' ? /^;?\[handler\.[^\]]+\]$/m : new RegExp(`^\\[${section}\\]$`, 'm');
  const start = sample.search(header);
  const rest = sample.slice(start + 1);
  const next = section === 'handler' ? -1 : rest.search(/^\[/m);
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
    if (option.default !== undefined) expect(line?.[0]).toBe(`${name} = ${option.default}`);
  });

  it('stands in doc/config.md, with its default', () => {
    const row = new RegExp(`^\\| \`${name}\` \\| ([^|]*) \\|`, 'm').exec(manualOf(section));
    expect(row, `doc/config.md has no row for ${name}`).not.toBeNull();
    if (option.default !== undefined) expect(row?.[1]).toBe(`\`${option.default}\``);
  });
});

it('the sample and the manual have no other options', () => {
  const known = all.map(({ name }) => name);
  const inSample = [...sample.matchAll(/^;?([a-z_]+)(?:\[\])? = /gm)].map(([, name]) => name);
  const inManual = [...manual.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
  expect([...inSample, ...inManual].filter((name) => !known.includes(name ?? ''))).toEqual([]);
});

it('both sample files load', () => {
  expect(load('etc/uncached.ini.sample').configuration.handlers.map(({ name }) => name)).toContain(
    'listen_port',
  );
  expect(load('etc/uncached.minimal.ini').configuration.handlers.length).toBe(1);
});
