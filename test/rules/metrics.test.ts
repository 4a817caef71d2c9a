import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { SeenConsumer } from '../../src/core/consumer-contract.ts';
import { usualThresholds } from '../../src/core/daemon-status.ts';
import { toSeconds } from '../../src/core/duration.ts';
import { openMonitor } from '../../src/observe/monitor.ts';
import { emptyLog } from '../observe/empty-log.ts';

/** One of a fleet, so that the gauges of caches have their labels. */
const consumer: SeenConsumer = {
  id: 'a',
  kind: 'files',
  name: 'files',
  node: 'web1',
  place: '/cache',
  state: 'live',
  behind: 0,
  unsettled: 0,
  lagMs: null,
  failing: 0,
  seenMs: 0,
  owner: null,
  connected: false,
  problem: null,
  version: '1',
};

it('every metric stands in doc/metrics.md, with its labels, and no other', async () => {
  const watch = openMonitor('1', { now: () => 0, wait: () => new Promise(() => {}) });
  const stop = new AbortController();
  watch.keepCounting(
    {
      handlers: new Map([['listen_port', { columns: [] }]]),
      queues: new Map(),
      log: { ...emptyLog, consumers: async () => [consumer] },
      disabled: new Map(),
      disabledQueues: new Map(),
      holding: async () => [],
    },
    stop.signal,
  );
  await watch.expose();
  watch.observe({ kind: 'target-asked', target: 'varnish', outcome: 'acknowledged', ms: 1, works: 1 });
  watch.observe({ kind: 'cleared-behind', consumer: 'purge varnish', lagMs: 1 });
  const { text } = await watch.metrics();
  stop.abort();
  const described = [
    ...readFileSync('doc/metrics.md', 'utf8').matchAll(/^\| `(\w+_\w+)` \| ([\w, ]*?) ?\|/gm),
  ];
  const told = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => {
    const labels = new RegExp(`^${name}(?:_bucket)?\\{(.*?)\\} `, 'm').exec(text)?.[1] ?? '';
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((one) => one !== 'le');
    return `${name} ${names.join(', ')}`.trim();
  });
  expect(described.map(([, name, label]) => `${name} ${label}`.trim()).sort()).toEqual(told.sort());
});

it('every kind of problem stands in doc/metrics.md, and the limits of the lag', () => {
  const document = readFileSync('doc/metrics.md', 'utf8');
  const [, union = ''] =
    /type ProblemKind =([^;]+);/.exec(readFileSync('src/core/daemon-status.ts', 'utf8')) ?? [];
  const kinds = [...union.matchAll(/'(\w+)'/g)].map(([, kind]) => kind);
  const [, table = ''] = /\n## Kinds of problems([\s\S]*?)\n## /.exec(document) ?? [];
  expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, kind]) => kind).sort()).toEqual(kinds.sort());
  const { warningMs, criticalMs } = usualThresholds;
  expect(readFileSync('doc/operating.md', 'utf8')).toContain(
    `uncached status -w ${toSeconds(warningMs)}s -c ${toSeconds(criticalMs)}s`,
  );
  expect(document).toContain(
    `warning from ${warningMs / 1_000} s on and critical from ${criticalMs / 1_000} s on`,
  );
});

it('every event of the log, and every field of status.json, stands in doc/metrics.md', () => {
  const [, status = '', events = ''] =
    /## status\.json([\s\S]*)## Log events([\s\S]*)/.exec(readFileSync('doc/metrics.md', 'utf8')) ?? [];
  const documented = [...events.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names = '']) => namesIn(names));
  const source = readFileSync('src/core/events.ts', 'utf8');
  const kinds = [...source.matchAll(/kind: '([\w-]+)'/g)].map(([, kind]) => kind);
  expect(documented.sort()).toEqual([...kinds, 'deleted', 'log-lines-lost'].sort());

  const types = readFileSync('src/core/daemon-status.ts', 'utf8');
  const parts = [
    'Status extends Assessment',
    'Assessment',
    'HandlerStatus',
    'HandlerTotals',
    'Clearing',
    'DaemonIdentity',
  ];
  const fields = parts.flatMap((part) => {
    const [, body = ''] = new RegExp(`interface ${part} \\{([\\s\\S]*?)\\n\\}`).exec(types) ?? [];
    return [...body.matchAll(/readonly (\w+):/g)].map(([, field]) => field);
  });
  expect(fields.length).toBeGreaterThan(30);
  expect(fields.filter((field) => !namesIn(status).includes(field ?? ''))).toEqual([]);
});

function namesIn(text: string): string[] {
  return [...text.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name);
}
