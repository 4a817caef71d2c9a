import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { dawdle, hold, peakMemory, pipeline, pipelineOnce, readEvents } from './flood.ts';
import { get } from './get.ts';
import { clear, daemon, port, site, start } from './serving.ts';

const measurable = existsSync('/proc/self/status');
const bearable = 100 * 2 ** 20;

/** How long a monitor had to wait each time, in this many rounds of requests. */
async function monitor(rounds: number): Promise<number[]> {
  const waits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const asked = performance.now();
      expect([path, (await get(port, path)).status]).toEqual([path, 200]);
      waits.push(performance.now() - asked);
    }
    await wait(100);
  }
  return waits;
}

it('a monitor is answered though 300 read events, 200 dawdle and 5 ask without reading', {
  timeout: 600_000,
}, async () => {
  await start();
  const before = measurable ? peakMemory(daemon.pid) : 0;
  const ends = [
    hold(300, port, readEvents),
    hold(200, port, dawdle),
    hold(5, port, pipeline('/status.json')),
  ];
  try {
    const waits = await monitor(10);
    // The usual time-out of a monitor. Measured: two to six seconds on two processors with fourteen busy
    // processes. When no room is made for it: 76 s, or never. A machine that stands still for seconds holds
    // up one request, or two.
    expect(waits.filter((ms) => ms >= 10_000).length).toBeLessThanOrEqual(2);
    await clear('a');
    expect(site.pages()).toEqual([]);
    if (measurable) expect(peakMemory(daemon.pid) - before).toBeLessThan(bearable);
  } finally {
    for (const end of ends) end();
  }
  expect((await get(port, '/healthz')).status).toBe(200);
});

it.runIf(measurable).each(['/status.json', '/metrics', '/', '/events', '/nothing'])(
  '100,000 requests for %s on one connection, of which no answer is read, cost little',
  async (path) => {
    await start();
    const before = peakMemory(daemon.pid);
    await pipelineOnce(port, path, 100_000);
    expect((await get(port, '/healthz')).status).toBe(200);
    const grown = peakMemory(daemon.pid) - before;
    expect(grown).toBeLessThan(bearable);
  },
);
