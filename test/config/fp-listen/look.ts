import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { inspect } from '../../../src/config/load.ts';
import { freshportsDatabase, freshportsDirs } from '../../fp-listen-ini.ts';

/*
 * An fp-listen.ini in a folder of its own for each test file that imports this. Importing registers its
 * hooks.
 */

let folder: string;
export let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-fp-listen-'));
  path = join(folder, 'fp-listen.ini');
});
afterAll(() => rmSync(folder, { recursive: true }));

export const whole = freshportsDatabase + freshportsDirs();

export function write(text: string): string {
  writeFileSync(path, text);
  return path;
}

/** Without the file's name in front. */
export function look(text: string) {
  const { draft: configuration, problems, notices, ...rest } = inspect(write(text));
  const bare = (all: readonly string[]) => all.map((line) => line.replace(`${path}: `, ''));
  return { ...rest, configuration, problems: bare(problems), notices: bare(notices) };
}

export const without = (...keys: string[]) =>
  keys.reduce((text, key) => text.replace(new RegExp(`^${key}\\b.*\n`, 'm'), ''), whole);

export const withLine = (key: string, value: string) =>
  whole.replace(new RegExp(`^${key}\\b.*$`, 'm'), () => `${key} = ${value}`);

export const handlersOf = (text: string) => look(text).configuration?.handlers ?? [];
export const clearOf = (text: string, name: string) =>
  handlersOf(text).find((handler) => handler.name === name)?.clear;
