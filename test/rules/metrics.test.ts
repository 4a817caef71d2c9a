import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openWatch } from '../../src/observe/watch.ts';

it('every metric stands in doc/metrics.md, with its labels, and no other', async () => {
  const watch = openWatch('1', { now: () => 0, wait: async () => {} });
  for (const handler of ['listen_port']) {
    const journal = { counts: async () => [] } as never;
    await watch.keepCounting(
      { handlers: new Map([[handler, { columns: [] }]]), queues: new Map(), journal },
      // Once is enough.
      AbortSignal.abort(),
    );
  }
  const { text } = await watch.metrics();
  const described = [...readFileSync('doc/metrics.md', 'utf8').matchAll(/^\| `(\w+)` \| (\w*) ?\|/gm)];
  const told = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => {
    const labels = new RegExp(`^${name}(?:_bucket)?\\{(?:le="[^"]*",)?(\\w+)=`, 'm').exec(text)?.[1] ?? '';
    return `${name} ${labels}`.trim();
  });
  const counted = ['backlog_entries', 'lag_seconds', 'claimed_rows', 'settling_rows', 'failing_rows'];
  const withHandler = told.map((one) =>
    counted.some((name) => one === `uncached_${name}`) ? `${one} handler` : one,
  );
  expect(described.map(([, name, label]) => `${name} ${label}`.trim()).sort()).toEqual(withHandler.sort());
});
