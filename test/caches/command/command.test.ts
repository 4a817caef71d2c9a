import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { commandRunner } from '../../../src/caches/command/command.ts';
import { eventually } from '../../faults/eventually.ts';
import { projectRoot } from '../../postgres/project-root.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-command-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program for the test. `$1` and so on are its arguments, `$HERE` is its folder. */
function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nHERE=${folder}\n${script}\n`, { mode: 0o755 });
  return path;
}

/** What a program has written to this file of its folder, as soon as there is anything. */
function written(name: string): Promise<string> {
  const file = join(folder, name);
  return eventually(
    `written: ${name}`,
    async () => (existsSync(file) && readFileSync(file, 'utf8').trim()) || undefined,
    async () => 'nothing',
  );
}

/** Runs it with a time-out of 1 s that is over once it has written these files: it may be slow to start. */
async function runUntilTimeOut(command: string, ...files: string[]): Promise<void> {
  let end = () => {};
  const timer = vi.spyOn(globalThis, 'setTimeout').mockImplementationOnce((callback) => {
    end = callback;
    return undefined as never;
  });
  const running = commandRunner(1_000)([command]);
  running.catch(() => {});
  try {
    for (const file of files) await written(file);
    expect(timer).toHaveBeenNthCalledWith(1, end, 1_000);
  } finally {
    timer.mockRestore();
    end();
  }
  await running;
}

describe('standard input', () => {
  it('is what the program is given, whatever its size, and empty without any', async () => {
    const copy = program('copy', 'cat > $HERE/read');
    const input = '{"id":"1"}\n'.repeat(200_000);
    await commandRunner()([copy], { input });
    expect(readFileSync(join(folder, 'read'), 'utf8')).toBe(input);
    await commandRunner()([copy]);
    expect(readFileSync(join(folder, 'read'), 'utf8')).toBe('');
  });

  it('need not be read', async () => {
    await commandRunner()([program('deaf', 'exec 0<&-; exit 0')], { input: 'x'.repeat(2_000_000) });
    await expect(
      commandRunner()([program('bad', 'exit 4')], { input: 'x'.repeat(2_000_000) }),
    ).rejects.toThrow('it ended with 4');
  });
});

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
    await expect(run([folder])).rejects.toThrow(/Permission denied|Is a directory/i);
  });

  it('is killed after its time-out with everything that it started', async () => {
    const slow = program('slow', 'echo waiting >&2; sleep 1000 & echo $! > $HERE/child; wait');
    await expect(runUntilTimeOut(slow, 'child')).rejects.toThrow(
      'it did not end within 1 s and was killed: waiting',
    );
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
    await eventually(
      'killed',
      async () => (isRunning(child) ? undefined : true),
      async () => `${child} runs`,
    );
  });

  it.runIf(existsSync('/proc/self/environ'))(
    'is killed with what it started in a session of its own, and what has no parent any more',
    async () => {
      const slow = program(
        'sessions',
        `setsid sh -c 'echo $$ > ${folder}/child; sleep 1000' & (setsid sh -c 'echo $$ > ${folder}/orphan; sleep 1000' &); wait`,
      );
      await expect(runUntilTimeOut(slow, 'child', 'orphan')).rejects.toThrow('was killed');
      for (const name of ['child', 'orphan']) {
        const pid = Number(readFileSync(join(folder, name), 'utf8'));
        await eventually(
          'killed',
          async () => (isRunning(pid) ? undefined : true),
          async () => `${name} ${pid} runs`,
        );
      }
    },
  );

  /** Runs a Node.js program that has the built runner as `commandRunner`. */
  const other = (script: string, before = '') => {
    const built = join(projectRoot, 'dist/caches/command/command.js');
    const text = `import { commandRunner } from ${JSON.stringify(built)};${script}`;
    return spawn(
      '/bin/sh',
      ['-c', `${before} exec "$@"`, 'sh', process.execPath, '--input-type=module', '-e', text],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
  };

  it('ends with the daemon, even by kill -9: it would meet the one that a successor starts', async () => {
    const slow = program('lasting', 'echo $$ > $HERE/pid; sleep 1000');
    const daemon = other(`await commandRunner()([${JSON.stringify(slow)}]);`);
    const pid = Number(await written('pid'));
    expect(isRunning(pid)).toBe(true);
    daemon.kill('SIGKILL');
    await eventually(
      'ended',
      async () => (isRunning(pid) ? undefined : true),
      async () => `${pid} runs`,
    );
  });

  it('fails, and nothing else does, when there are no more descriptors', async () => {
    const script = `
      import { openSync, closeSync } from 'node:fs';
      const run = commandRunner();
      const open = [];
      try { for (;;) open.push(openSync('/dev/null')); } catch {}
      const failure = await run(['true']).catch((error) => error.message);
      for (const fd of open) closeSync(fd);
      await run(['true']);
      console.log(failure);`;
    const child = other(script, 'ulimit -n 64;');
    let said = '';
    child.stdout?.on('data', (data) => {
      said += data;
    });
    const [code] = await once(child, 'close');
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/^cannot run "true": .*EMFILE/) });
  });

  it('fails in words when its arguments are too long', async () => {
    await expect(commandRunner()(['true', 'x'.repeat(3_000_000)])).rejects.toThrow(/E2BIG/);
  });

  it('has ended when it has ended, whatever it leaves running', async () => {
    await commandRunner()([program('leaves', 'sleep 1000 & echo $! > $HERE/child')]);
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
    expect(isRunning(child)).toBe(true);
    process.kill(child, 'SIGKILL');
  });

  it('never runs twice at the same time, but may run together with another one', async () => {
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
