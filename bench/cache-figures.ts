import { atLeast, atMost, type Figure } from './figure.ts';
import type { Measured } from './measure.ts';
import { quantile, ratio } from './statistics.ts';

/** Of caches other than page files, and of the programs around the daemon. */
export function cacheFigures(measured: Measured): Figure[] {
  return [
    ...purgeFigures(measured),
    ...zoneFigures(measured),
    ...memoryCacheFigures(measured),
    ...barrierFigures(measured),
    ...notificationFigures(measured),
    ...otherFigures(measured),
  ];
}

function purgeFigures({ purges }: Measured): Figure[] {
  const { uncached = [], 'raw sockets': raw = [], 'by tags': tags = [] } = purges?.runs ?? {};
  return [
    atLeast(0.5, 'PURGE: requests a second, of raw sockets', ratio(raw, uncached)),
    atLeast(20, 'pages by tags: faster than by PURGE', ratio(uncached, tags)),
  ];
}

function zoneFigures({ zones }: Measured): Figure[] {
  const { uncached = [], 'unlink by path': bare = [] } = zones?.keyUs ?? {};
  return [atMost(2, "a key of nginx's cache, of an unlink by its path", ratio(uncached, bare))];
}

function memoryCacheFigures({ memoryCache }: Measured): Figure[] {
  const { gone, rates, bytes = Number.NaN } = memoryCache ?? {};
  const { rendered = [], memory = [], unchanged = [] } = rates ?? {};
  const of = (part: number) => quantile(gone?.entry ?? [], part) / quantile(gone?.bare ?? [], part);
  return [
    atMost(1.1, 'memory-cache: entry gone p50, of a bare notification', of(0.5)),
    atMost(1.1, 'memory-cache: entry gone p99, of a bare notification', of(0.99)),
    atLeast(15, 'memory-cache: a page from memory, of rendering it', ratio(memory, rendered)),
    atLeast(25, 'memory-cache: 304, of rendering', ratio(unchanged, rendered)),
    atMost(600, 'memory-cache: memory of an entry', bytes, 'bytes'),
  ];
}

function barrierFigures({ barrier }: Measured): Figure[] {
  const at = (name: 'announced' | 'gone') => quantile(barrier?.[name] ?? [], 0.5);
  return [atMost(3, 'barrier: announced p50, of the clearing', at('announced') / at('gone'))];
}

const notificationGoals: Readonly<Record<number, number>> = { 1: 1.2, 5000: 1.1 };

function notificationFigures({ notifications = [] }: Measured): Figure[] {
  return notifications.flatMap(({ rows, level, runs }) => {
    const goal = notificationGoals[rows];
    if (goal === undefined) return [];
    const what = rows === 1 ? 'an update' : `${rows} rows in a transaction`;
    return [
      atMost(
        goal,
        `a trigger with keys, ${what}, ${level}: CPU, of an empty payload`,
        ratio(runs['with keys'] ?? [], runs.empty ?? []),
      ),
    ];
  });
}

function otherFigures({ expand, starts }: Measured): Figure[] {
  const { 'one key': one = [], 'as many keys': many = [] } = expand ?? {};
  const { 'bare node': node = [], '--version': version = [], status = [] } = starts ?? {};
  return [
    atMost(1.5, 'a key with 2,000 dependents, of 2,000 keys', ratio(one, many)),
    atMost(2, 'uncached --version, of a bare node', ratio(version, node)),
    atMost(2, 'uncached status, of a bare node', ratio(status, node)),
  ];
}
