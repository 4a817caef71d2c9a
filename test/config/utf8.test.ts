import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inspect } from '../../src/config/load.ts';
import { notUtf8 } from '../../src/config/utf8.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-utf8-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('names each line that is not UTF-8, with the other problems of the file', () => {
  const path = join(folder, 'uncached.ini');
  const text =
    '[database]\npassword = caf\xe9\nhots = x\n; \xfc\n[cache]\nroot = /a/b\n[handler.news]\nclear[] = news/*\n';
  writeFileSync(path, Buffer.from(text, 'latin1'));
  expect(inspect(path).problems).toEqual([
    `${path}: line 2: is not UTF-8: save the file in that encoding`,
    `${path}: line 4: is not UTF-8: save the file in that encoding`,
    `${path}: line 3: [database] hots is unknown, did you mean "host"?`,
  ]);
});

it('knows UTF-16 by its mark, and is content with UTF-8', () => {
  expect(notUtf8(Buffer.from('\ufeff[cache]\n', 'utf16le'))).toEqual([
    'line 1: is UTF-16, not UTF-8: save the file in that encoding',
  ]);
  expect(notUtf8(Buffer.from('\ufeff; café\n[cache]\n'))).toEqual([]);
});
