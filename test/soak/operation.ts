import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { NodeDaemons } from '../stress/node-daemons.ts';
import { brokenPagesOf, pagesOf } from './site.ts';
import { asAdministrator, type Happening, pause, type Stage, steady, withAnother } from './stage.ts';

const targetExcuses = ['target-down', 'rows-failed', 'problem-found'];
const lostExcuses = [
  'database-unavailable',
  'listener-lost',
  'loop-failed',
  'problem-found',
  'reload-refused',
];

/** What happens to daemons, caches and the network, and what an operator does. */
export const operation: readonly Happening[] = [
  { name: 'SIGHUP with another configuration', weight: 4, run: reload },
  {
    name: 'SIGHUP with a configuration that is wrong',
    excuses: ['reload-refused', 'problem-found'],
    run: reloadWrong,
  },
  { name: 'rotation of the log', weight: 2, run: async (stage) => steady(stage).node.rotate() },
  { name: 'kill -9 of a daemon', weight: 3, run: kill },
  {
    name: 'restart of a daemon',
    weight: 2,
    run: (stage) => withAnother(stage, (daemons) => daemons.restart()),
  },
  { name: 'a node frozen or gone', run: sendAway },
  { name: 'kill -9 of a program of the site', run: ({ company, random }) => company.kill(random.next()) },
  { name: 'a new handler', excuses: ['unknown-handler', 'problem-found', 'rows-orphaned'], run: addHandler },
  {
    name: 'a purge target that refuses',
    excuses: targetExcuses,
    run: (stage) => edgeFails(stage, 'refuses'),
  },
  { name: 'a purge target that hangs', excuses: targetExcuses, run: (stage) => edgeFails(stage, 'hangs') },
  { name: 'kill -9 of nginx or Varnish', weight: 2, excuses: targetExcuses, run: killFront },
  { name: 'a command that fails', excuses: ['rows-failed', 'problem-found'], run: failCommand },
  {
    name: 'a function of dependents that fails',
    excuses: ['rows-failed', 'problem-found'],
    run: breakFunction,
  },
  { name: 'connections cut', excuses: lostExcuses, run: cut },
  { name: 'kill -9 of PostgreSQL', excuses: lostExcuses, run: crash },
];

async function reload(stage: Stage): Promise<void> {
  for (const { node, main } of stage.fleet) {
    node.configure(stage.random);
    // Before that SIGHUP may end it, as any program that starts.
    if (main?.listened()) main.reload();
    await pause(stage, 0, 200);
  }
}

async function reloadWrong(stage: Stage): Promise<void> {
  const { node, main } = steady(stage);
  if (!main?.listened()) return;
  const right = readFileSync(node.configuration, 'utf8');
  writeFileSync(node.configuration, right.replace('sweep = 1s', 'sweeep = 1s'));
  main.reload();
  await pause(stage, 500, 2_000);
  writeFileSync(node.configuration, right);
  main.reload();
}

async function kill(stage: Stage): Promise<void> {
  await withAnother(stage, async (daemons) => {
    await daemons.kill();
    await pause(stage, 0, 1_500);
    daemons.start();
  });
}

async function sendAway(stage: Stage): Promise<void> {
  const { random, signal } = stage;
  // Beyond three heartbeats another daemon may take over; beyond five seconds (`expire`) all is wiped.
  const ms = random.between(3_200, 9_000);
  await withAnother(stage, async (daemons) =>
    daemons.goAway(ms, random.pick(['frozen', 'gone'] as const), signal),
  );
}

/** Its first clearing proves that it works: the quiet point finds a file that is left. */
async function addHandler(stage: Stage): Promise<void> {
  const { site, fleet, random } = stage;
  const n = site.added.length + 1;
  if (n > 8) return;
  const listen = () =>
    asAdministrator(stage, (client) =>
      client.query(`INSERT INTO listen_for (name, script_name) VALUES ('added_${n}_changed', 'added_${n}')`),
    );
  const early = random.chance(0.5);
  if (early) await listen();
  site.added.push(n);
  for (const { node } of fleet) node.configure(random);
  await Promise.all(fleet.map(reloadOnceListening));
  if (!early) await listen();
  for (const { root } of stage.world.nodes) {
    mkdirSync(join(root, 'added', String(n)), { recursive: true });
    writeFileSync(join(root, 'added', String(n), 'page'), 'stale');
  }
  await pause(stage, 0, 1_000);
  await asAdministrator(stage, (client) => client.query(`NOTIFY added_${n}_changed`));
}

/** One that starts may have read the configuration before. One that is started later reads the new one. */
async function reloadOnceListening(daemons: NodeDaemons): Promise<void> {
  const { main } = daemons;
  while (main && daemons.main === main && !main.listened()) await wait(50);
  if (daemons.main === main) main?.reload();
}

async function edgeFails(stage: Stage, how: 'refuses' | 'hangs'): Promise<void> {
  stage.site.edge.behave(how);
  await pause(stage, 1_000, 8_000);
  stage.site.edge.behave('well');
}

async function killFront(stage: Stage): Promise<void> {
  if (stage.site.fronts.length === 0) return;
  const front = stage.random.pick(stage.site.fronts);
  await front.kill();
  await pause(stage, 0, 4_000);
  await front.start();
}

async function failCommand(stage: Stage): Promise<void> {
  writeFileSync(stage.site.commandFails, '');
  await pause(stage, 1_000, 6_000);
  rmSync(stage.site.commandFails);
}

async function breakFunction(stage: Stage): Promise<void> {
  await asAdministrator(stage, (client) => client.query(brokenPagesOf));
  await pause(stage, 500, 4_000);
  await asAdministrator(stage, (client) => client.query(pagesOf));
}

async function cut(stage: Stage): Promise<void> {
  await asAdministrator(stage, (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'uncached%' AND random() < 0.7`,
    ),
  );
}

async function crash(stage: Stage): Promise<void> {
  await stage.world.server.kill();
  await pause(stage, 0, 500);
  await stage.world.server.restart();
}
