import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandRunner } from '../../src/clearing/command.ts';
import { eventually } from '../faults/eventually.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-command-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program of our own; `$1` and so on are its arguments, `$HERE` the folder. */
function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nHERE=${folder}\n${script}\n`, { mode: 0o755 });
  return path;
}

const isRunning = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(
      existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : '',
    );
  } catch {
    return false;
  }
};

describe('a command', () => {
  it('has its arguments as they are, and no shell', async () => {
    const echo = program('echo', 'printf "%s|" "$@" > $HERE/said');
    await commandRunner()([echo, 'a;b', '$HOME', '*', "o'brien"]);
    expect(readFileSync(join(folder, 'said'), 'utf8')).toBe("a;b|$HOME|*|o'brien|");
  });

  it('fails in words: by its exit code and what it said, by a signal, and if there is none', async () => {
    const run = commandRunner();
    await expect(
      run([program('bad', 'echo "cannot open: dataset is busy" >&2; exit 3'), 'x']),
    ).rejects.toThrow(/^cannot run ".*\/bad x": it ended with 3: cannot open: dataset is busy$/);
    await expect(run([program('hurt', 'kill -9 $$')])).rejects.toThrow('it ended by SIGKILL');
    await expect(run([join(folder, 'none')])).rejects.toThrow('there is no such program');
    await expect(run([folder])).rejects.toThrow('EACCES');
  });

  it('is killed after its time-out with everything that it started', async () => {
    const slow = program('slow', 'sleep 1000 & echo $! > $HERE/child; echo waiting >&2; wait');
    await expect(commandRunner(1_000)([slow])).rejects.toThrow(
      'it did not end within 1 s and was killed: waiting',
    );
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
    await eventually(
      'killed',
      async () => (isRunning(child) ? undefined : true),
      async () => `${child} runs`,
    );
  });

  it('has ended when it has ended, whatever it leaves running', async () => {
    await commandRunner()([program('leaves', 'sleep 1000 & echo $! > $HERE/child')]);
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
    expect(isRunning(child)).toBe(true);
    process.kill(child, 'SIGKILL');
  });

  it('never runs twice at once, and beside another one at once', async () => {
    const alone = program(
      'alone',
      'mkdir $HERE/lock || exit 1; until [ -e $HERE/$1 ]; do sleep 0.01; done; rmdir $HERE/lock',
    );
    const run = commandRunner();
    const all = [run([alone, 'go']), run([alone, 'go']), run([alone, 'go'])];
    await run([program('other', 'touch $HERE/go')]);
    await Promise.all(all);
  });
});
