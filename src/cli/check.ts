import { type Handler, parseHandlers } from '../clearing/handler.ts';
import { type Inspected, inspect } from '../config/load.ts';
import type { Configuration } from '../core/configuration.ts';
import { errorCode, explain, toError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { inspectRoot } from '../filesystem/inspect.ts';
import { programProblem } from '../filesystem/program.ts';
import { withAdvice } from '../postgres/advice.ts';
import { readChannels } from '../postgres/channels.ts';
import { connectionConfigs, describeConnection } from '../postgres/connection.ts';
import { type Hosts, openHosts } from '../postgres/hosts.ts';
import { inspectQueue, inspectSchema } from '../postgres/inspect.ts';
import { openPool, type Pool } from '../postgres/pool.ts';
import { canHear } from '../postgres/probe.ts';

/** Names every problem there is, at once: one problem never hides another that can be looked at. */
export async function check(file: string): Promise<number> {
  const inspected = inspect(file);
  const { configuration, problems, notices } = inspected;
  const wrongFile = problems.length > 0;
  const { handlers, problems: handlerProblems } = parseHandlers(configuration?.handlers ?? []);
  problems.push(...handlerProblems.map((problem) => `${file}: ${problem}`));
  if (configuration) {
    const templates = [...handlers.values()].flatMap((handler) => handler.templates);
    problems.push(...attempt('look at the root', () => inspectRoot(configuration.cache.root, templates)));
    problems.push(...inspectCommands(configuration));
    problems.push(...(await inspectDatabase(configuration, handlers, inspected)));
  }

  for (const notice of notices) process.stdout.write(`notice: ${notice}\n`);
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  const seen = notices.length > 0 ? `, ${count(notices.length, 'notice')}` : '';
  if (problems.length > 0) process.stdout.write(`${count(problems.length, 'problem')}${seen}\n`);
  else
    process.stdout.write(
      `no problems${seen}: ${handlers.size} handlers, root ${configuration?.cache.root}\n`,
    );
  if (wrongFile || handlerProblems.length > 0) return 2;
  return problems.length > 0 ? 1 : 0;
}

/** The daemon may have another PATH than the shell in which this is run; a service's is short. */
function inspectCommands({ handlers }: Configuration): string[] {
  return handlers.flatMap(({ name, run }) => {
    const problem = run === undefined ? undefined : programProblem(run.split(/\s+/)[0] ?? '');
    return problem === undefined ? [] : [`[handler.${name}] run = ${run}: ${problem}`];
  });
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

async function inspectDatabase(
  { database }: Configuration,
  handlers: ReadonlyMap<string, Handler>,
  inspected: Inspected,
): Promise<string[]> {
  const hosts = openHosts(connectionConfigs(database));
  const pool = openPool(hosts, { standbyToo: true });
  try {
    await hosts.findPrimary();
    const config = hosts.current();
    const problems = await inspectSchema(pool);
    for (const { queue, columns } of handlers.values()) {
      if (queue !== undefined)
        problems.push(...(await inspectQueue(pool, queue, columns, config.user ?? '')));
    }
    // A missing listen_for has been told.
    const channels = await readChannels(pool).catch(() => []);
    if (channels.length > 0) problems.push(...inspectChannels(channels, handlers, inspected));
    return [...problems, ...(await inspectHearing(pool, hosts))];
  } catch (error) {
    return [withAdvice(`Cannot connect to ${describeConnection(hosts.current())}`, error).message];
  } finally {
    await pool.end();
  }
}

async function inspectHearing(pool: Pool, hosts: Hosts): Promise<string[]> {
  const config = hosts.current();
  const who = describeConnection(config);
  try {
    if (await canHear(pool, config)) return [];
    return [
      `${who}: a notification sent is not heard: this is a pooler in transaction or statement mode; connect to PostgreSQL itself`,
    ];
  } catch (error) {
    // That it is a standby has been told.
    return errorCode(error) === '25006' ? [] : [withAdvice(who, error).message];
  }
}

function inspectChannels(
  channels: readonly { channel: string; handler: string }[],
  handlers: ReadonlyMap<string, Handler>,
  { disabled, implied }: Inspected,
): string[] {
  const strangers = channels
    .filter(({ handler }) => !handlers.has(handler) && !disabled.has(handler))
    .map(
      ({ channel, handler }) =>
        `listen_for: channel ${channel} asks for the handler "${handler}", which is not configured${didYouMean(handler, handlers.keys())}`,
    );
  const followed = [...handlers.values()].flatMap((handler) => handler.followers);
  const unheard = [...handlers.keys()]
    .filter((name) => !followed.includes(name) && !implied.includes(name))
    .filter((name) => !channels.some(({ handler }) => handler === name))
    .map((name) => `[handler.${name}] is never woken: no row of listen_for has the script_name "${name}"`);
  return [...strangers, ...unheard];
}

function attempt(what: string, look: () => string[]): string[] {
  try {
    return look();
  } catch (error) {
    return [`Cannot ${what}: ${explain(toError(error))}`];
  }
}
