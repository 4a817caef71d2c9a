import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite } from '../site.ts';
import { startUncached } from '../uncached.ts';

const database = testDatabase();

/** Loaded into the daemon: for each SIGWINCH it writes how many signals are left after a collection of garbage. */
const countSignals = `
  process.on('SIGWINCH', () => {
    const count = require('node:v8').queryObjects(AbortSignal, { format: 'count' });
    require('node:fs').writeFileSync(process.env.COUNTED, String(count));
  });`;

it('a reload keeps nothing of the configuration before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'uncached-leak-'));
  const [script, counted] = [join(folder, 'count.cjs'), join(folder, 'counted')];
  writeFileSync(script, countSignals);
  const site = makeSite();
  const daemon = startUncached(site.configure(iniFor(site, database.config)), {
    NODE_OPTIONS: `--require ${script}`,
    COUNTED: counted,
  });
  const listens = async (nth: number) => {
    const listening = () => daemon.log.filter(({ event }) => event === 'listening').length;
    await daemon.until('LISTEN', () => listening() >= nth);
  };
  const count = async () => {
    rmSync(counted, { force: true });
    process.kill(daemon.pid, 'SIGWINCH');
    const read = async () => {
      try {
        return Number(readFileSync(counted, 'utf8')) || undefined;
      } catch {
        return undefined;
      }
    };
    return await eventually('counted', read, async () => '');
  };
  try {
    const reload = async (from: number, to: number) => {
      for (let nth = from; nth < to; nth++) {
        process.kill(daemon.pid, 'SIGHUP');
        await listens(nth + 1);
      }
    };
    await listens(1);
    await reload(1, 4);
    const before = await count();
    await reload(4, 24);
    // One of each would be 20 more. What is under way has a few.
    expect((await count()) - before).toBeLessThan(10);
  } finally {
    await daemon.stop();
    site.remove();
    rmSync(folder, { recursive: true });
  }
});
