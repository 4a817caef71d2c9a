import { expect, it, vi } from 'vitest';
import { Quarantine } from '../../src/filesystem/workers/quarantine.ts';
import { Stalled, type Worker } from '../../src/filesystem/workers/worker.ts';
import type { Request } from '../../src/filesystem/workers/worker-request.ts';

/** The rounds of probes that are waited for: a directory has its turn in each. */
const rounds = 10;

it('does not spend a worker on each probe where not even SIGKILL ends them, and goes on when they are gone', async () => {
  let waiting = true;
  const probed: string[] = [];
  const answering = new Set<string>();
  const worker = {
    async ask(request: Request) {
      if (request.kind !== 'probe') throw new Error('unexpected');
      probed.push(request.path);
      if (!answering.has(request.path))
        throw new Stalled(request.path, 10_000, () => request.path !== 'frozen' || !waiting);
      return null;
    },
    async close() {},
  } as unknown as Worker;
  const quarantine = new Quarantine(worker, { probeMs: 1, longestProbeMs: 1 }, {});
  const count = (path: string) => probed.filter((one) => one === path).length;
  quarantine.suspend('frozen', new Stalled('frozen', 10_000, () => !waiting));
  quarantine.suspend('gone', new Stalled('gone', 10_000));
  await vi.waitFor(() => expect(count('gone')).toBeGreaterThanOrEqual(rounds), { timeout: 100_000 });
  expect(count('frozen')).toBe(1);
  waiting = false;
  answering.add('frozen');
  await vi.waitFor(() => expect(quarantine.suspended).toEqual(['gone']), { timeout: 100_000 });
  expect(count('frozen')).toBe(2);
  quarantine.end();
});
