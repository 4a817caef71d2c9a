import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLogWriter } from '../../src/observe/log-writer.ts';
import { eventually } from '../faults/eventually.ts';

let folder: string;
let pipe: string;
let reader: number;
let writer: number;
let complaints: string[];
let log: { write(line: string): void };

/** Both ends of a pipe. Writes to it block unless the log writer prevents that. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-lines-'));
  pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  reader = openReader();
  writer = openSync(pipe, 'w');
  complaints = [];
  log = openLogWriter(
    writer,
    (lines) => `${lines} lost\n`,
    (why) => complaints.push(why),
  );
});
afterEach(() => {
  closeSync(reader);
  closeSync(writer);
  rmSync(folder, { recursive: true });
});

function openReader(): number {
  return openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** The current content of the pipe. */
function read(): string {
  const bytes = Buffer.alloc(1 << 20);
  try {
    return bytes.toString('utf8', 0, readSync(reader, bytes));
  } catch {
    return '';
  }
}

/** Reads until the pattern matches. Resolves with everything read. */
async function readUntil(pattern: RegExp): Promise<string> {
  let text = '';
  return eventually(
    String(pattern),
    async () => {
      text += read();
      return pattern.test(text) ? text : undefined;
    },
    async () => text.slice(-200),
  );
}

const lineOf = (n: number) => `${n} ${'x'.repeat(90)}\n`;
const numbersIn = (text: string) => [...text.matchAll(/^(\d+) x{90}$/gm)].map(([, n]) => Number(n));

it('a line is there when write returns', () => {
  for (let n = 0; n < 100; n++) {
    log.write(lineOf(n));
    expect(read()).toBe(lineOf(n));
  }
});

it('lines wait for a reader that is slow, in their order', async () => {
  for (let n = 0; n < 5_000; n++) log.write(lineOf(n));
  const text = await readUntil(/^4999 x+\n/m);
  expect(numbersIn(text)).toEqual(Array.from({ length: 5_000 }, (_, n) => n));
  expect(complaints).toEqual([]);
});

it('what does not fit is counted, where it would have been', async () => {
  for (let n = 0; n < 50_000; n++) log.write(lineOf(n));
  expect(complaints).toEqual(['its reader does not read']);
  const text = await readUntil(/ lost\n/);
  const kept = numbersIn(text);
  expect(kept).toEqual(kept.map((_, n) => n));
  // A megabyte, and the content of the pipe.
  expect(kept.length).toBeGreaterThan(10_000);
  expect(kept.length).toBeLessThan(13_000);
  expect(text).toContain(`\n${50_000 - kept.length} lost\n`);
  log.write(lineOf(50_000));
  expect(read()).toBe(lineOf(50_000));
});

it('a reader that left loses lines until another one comes, which sees a line cut off, and none mixed up', async () => {
  for (let n = 0; n < 1_000; n++) log.write(lineOf(n));
  closeSync(reader);
  for (let n = 0; n < 1_000; n++) log.write(lineOf(n));
  await eventually(
    'a complaint',
    async () => complaints[0],
    async () => '',
  );
  expect(complaints).toEqual(['EPIPE: broken pipe, write']);
  reader = openReader();
  log.write('on\n');
  log.write('and on\n');
  const text = await readUntil(/and on\n/);
  const kept = numbersIn(text);
  expect(kept).toEqual(kept.map((_, n) => n));
  // The truncated line is lost.
  expect(text).toMatch(new RegExp(`\n(\\d+ x*\n)?${2_000 - kept.length} lost\non\nand on\n$`));
});
