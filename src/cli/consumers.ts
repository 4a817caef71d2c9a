import { type App, openApp } from '../app.ts';
import type { SeenConsumer } from '../core/consumer-contract.ts';
import { UsageError } from '../core/errors.ts';
import { printableLines } from '../core/printable-text.ts';
import { silentMs } from '../core/timings.ts';
import { loadAll } from '../load-all.ts';
import { consumerLine } from './consumer-line.ts';
import { print, say, sayAll } from './output.ts';

/** Lists the caches that follow the log, of every node; or forgets one that is gone for good. */
export async function consumers(
  file: string,
  action: 'list' | 'forget',
  name: string,
  { json = false }: { json?: boolean },
): Promise<number> {
  const app = openApp(loadAll(file), { most: 1 });
  try {
    await app.findPrimary();
    const all = await app.log.consumers();
    return action === 'list' ? list(all, json) : await forget(app, all, name);
  } finally {
    await app.close();
  }
}

function list(all: readonly SeenConsumer[], json: boolean): number {
  if (json) print(printableLines(`${JSON.stringify(all, null, 2)}\n`));
  else if (all.length === 0) say('no cache follows this database: no daemon has cleared for it yet');
  else sayAll(all.map((one) => `${one.id}  ${consumerLine(one)}`));
  return 0;
}

/** By its id, or by its node or place if only one has that; what stands behind it is forgotten with it. */
async function forget({ log }: App, all: readonly SeenConsumer[], name: string): Promise<number> {
  const standsBehind = (id: string, other: SeenConsumer) => id.startsWith(`${other.id} `);
  const first = all.filter(({ id }) => !all.some((other) => standsBehind(id, other)));
  const called = first.filter(({ node, place }) => node === name || place === name);
  const named = all.find(({ id }) => id === name) ?? called[0];
  if (!named)
    throw new UsageError([
      `no cache is called "${name}": see uncached consumers, whose first column is the id`,
    ]);
  if (named.id !== name && called.length > 1)
    throw new UsageError([
      `${called.length} caches are called "${name}": name the id of one, which is the first column of uncached consumers`,
    ]);
  const ids = all.filter((one) => one === named || standsBehind(one.id, named));
  for (const { id, seenMs, connected } of ids)
    if (connected && seenMs < silentMs)
      throw new UsageError([`a daemon clears ${id} now: stop that daemon first, or it registers again`]);
  for (const one of ids) {
    await log.forget(one.id);
    say(`forgotten: ${consumerLine(one)}`);
  }
  say('the log is no longer kept for it; should it come back, it is wiped');
  return 0;
}
