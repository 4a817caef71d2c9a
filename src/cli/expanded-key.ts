import { linesOfDependent, linesOfKey, mostDependents } from '../clearing/expand.ts';
import type { Handler } from '../clearing/handler.ts';
import type { DatabaseSettings } from '../core/configuration.ts';
import type { Key } from '../core/contracts.ts';
import type { AskDependents } from '../core/dependents.ts';
import { toError } from '../core/errors.ts';
import { several } from '../core/plural.ts';
import type { Step } from '../core/target-cache.ts';
import { openDependents } from '../postgres/ask-dependents.ts';
import { connectionConfigs } from '../postgres/connection.ts';
import { openHosts } from '../postgres/hosts.ts';
import { openAskingPool } from '../postgres/pool.ts';
import { formatKey } from './explain/format-key.ts';

/** Lets a command ask what depends on keys. It connects to the database only if something is asked. */
export async function withAsker<Result>(
  database: DatabaseSettings,
  work: (ask: AskDependents) => Promise<Result>,
): Promise<Result> {
  const hosts = openHosts(connectionConfigs(database));
  const pool = openAskingPool(hosts);
  const ask = openDependents(pool, hosts.current().user ?? '');
  let primary: Promise<void> | undefined;
  try {
    return await work(async (...given) => {
      primary ??= hosts.findPrimary();
      await primary;
      return ask(...given);
    });
  } finally {
    await pool.end();
  }
}

/** What a handler clears for a key: of the key itself and of what depends on it. */
export interface Expanded {
  readonly key: Key;
  /** `everything`: too many. */
  readonly dependents: readonly Key[] | 'everything';
}

export async function expandKey({ expand }: Handler, key: Key, ask: AskDependents): Promise<Expanded> {
  if (!expand) return { key, dependents: [] };
  const [found] = (await ask(expand, [key], mostDependents)) ?? [];
  return { key, dependents: found?.map((one) => ({ ...key, ...one })) ?? 'everything' };
}

/** The works of a step, and what is wrong with values of dependents. */
export function worksFor(step: Step, { key, dependents }: Expanded): { works: string[]; problems: string[] } {
  const { plans, shared } = step;
  if (dependents === 'everything')
    return { works: [...plans.flatMap(({ everything }) => everything), ...shared], problems: [] };
  const problems = new Set<string>();
  const works = new Set(linesOfKey(step, key).map((plan) => plan.expand(key)));
  for (const dependent of dependents) {
    for (const plan of linesOfDependent(plans, dependent)) {
      try {
        works.add(plan.expand(dependent));
      } catch (error) {
        problems.add(toError(error).message);
      }
    }
  }
  return { works: [...works, ...shared], problems: [...problems] };
}

/** More of them say nothing new. */
const shownDependents = 20;

export function formatDependents({ expand }: Handler, { dependents }: Expanded): string[] {
  if (!expand) return [];
  if (dependents === 'everything')
    return [`over ${mostDependents} keys depend on it: everything that the lines can name is cleared`];
  if (dependents.length === 0) return ['nothing depends on it'];
  const more = dependents.length - shownDependents;
  return [
    ...dependents.slice(0, shownDependents).map((one) => `depends on it: ${formatKey(one)}`),
    ...(more > 0 ? [`and ${several(more, 'more dependent')}`] : []),
  ];
}
