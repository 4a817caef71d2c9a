import { expect, it, vi } from 'vitest';
import type { RunningDaemon } from '../uncached.ts';
import { changes } from './changes.ts';
import { tell } from './tell.ts';

const at = new Date('2020-01-30T12:00:00.000Z');
const daemon = {
  until: async () => ({ event: 'cleared', level: 30, msg: '', time: '2020-01-30T12:00:00.002Z' }),
} as unknown as RunningDaemon;
const [change] = changes.map((make) => make(0));
const stale = change?.stale ?? [];
const own = { own: true, sessions: 1, at };
const visitor = { own: false, sessions: 1, at };
const extra = 'searchlog.txt';

it.each([
  { what: 'just its own pages', committed: [own], gone: stale, right: true },
  { what: 'one of them stayed', committed: [own], gone: stale.slice(1), right: false },
  { what: 'one too many went', committed: [own], gone: [...stale, extra], right: false },
  {
    what: 'a visitor changed something, too',
    committed: [own, visitor],
    gone: [...stale, extra],
    right: true,
  },
  {
    what: 'a visitor did, and one of its own stayed',
    committed: [own, visitor],
    gone: stale.slice(1),
    right: false,
  },
])("of the demo's own change, when $what, tells $right", async ({ committed, gone, right }) => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const told = await tell({ committed, gone, failing: false }, change, daemon);
  const said = write.mock.calls.join('');
  write.mockRestore();
  expect(told).toBe(right);
  expect(said.includes('WRONG')).toBe(!right);
});
