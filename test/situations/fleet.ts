import { chmodSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { eventually } from '../faults/eventually.ts';
import { freePort } from '../postgres/free-port.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import type { Situation } from './situation.ts';
import type { Stand } from './stand.ts';

/** Another node on the same database: a root of its own, and a daemon that clears it. */
interface Node {
  readonly site: Site;
  readonly daemon: RunningDaemon;
}

let node: Node;

const startOn = async (at: Stand, file: string): Promise<RunningDaemon> => {
  const env = { ...at.env, UNCACHED_HTTP_LISTEN: String(await freePort()) };
  const daemon = startUncached(file, env, at.account && { account: at.account });
  at.atEnd(() => daemon.stop('SIGKILL'));
  return daemon;
};

/** Resolves when the database says so of the other node. */
const until = (at: Stand, what: string, condition: string) =>
  eventually(
    what,
    async () => {
      const rows = await at.query(
        `SELECT FROM uncached.consumer WHERE place = '${node.site.root}' AND ${condition}`,
      );
      return rows.length > 0 || undefined;
    },
    async () =>
      JSON.stringify([
        await at.query('TABLE uncached.consumer'),
        node.daemon.log.slice(-5),
        node.daemon.complaints(),
      ]),
  );

async function startNode(at: Stand, site: Site): Promise<void> {
  const file = site.configure(iniFor(site, { ...at.database.config, user: at.role }));
  node = { site, daemon: await startOn(at, file) };
  await until(at, 'a live node', `state = 'live'`);
}

async function addNode(at: Stand): Promise<void> {
  const site = makeSite();
  at.atEnd(() => site.remove());
  chmodSync(dirname(site.root), 0o755);
  site.write(['ports/x/y', 'categories/x', 'daily/x', 'commits/x', 'news/x']);
  await startNode(at, site);
}

/** As `status` advises for a node that is gone for good. */
async function forgetNode(at: Stand): Promise<void> {
  await node.daemon.stop('SIGKILL');
  await eventually(
    'forgotten',
    async () => {
      // Until the server has noticed that its sessions are gone, the daemon counts as alive.
      const { code } = await uncached(['--config', at.file, 'consumers', 'forget', node.site.root], at.env);
      return code === 0 || undefined;
    },
    async () => JSON.stringify(await at.query('TABLE uncached.consumer')),
  );
}

const ofNode = (at: Stand, change: string) =>
  at.query(`UPDATE uncached.consumer SET ${change} WHERE place = '${node.site.root}'`);

/** An entry of another node. The pages cached here are cleared. */
export const elsewhere: readonly Situation[] = [
  {
    name: 'another node is gone',
    async cause(at) {
      await addNode(at);
      await node.daemon.stop('SIGKILL');
      await ofNode(at, `seen_at = seen_at - interval '2 minutes'`);
    },
    says: /is cleared by no daemon since/,
    elsewhere: true,
    mend: forgetNode,
  },
  {
    name: 'another node hangs (SIGSTOP), and a change waits for it',
    async cause(at) {
      await addNode(at);
      process.kill(node.daemon.pid, 'SIGSTOP');
      await at.enqueue();
    },
    says: /lags behind/,
    elsewhere: true,
    async mend(at) {
      process.kill(node.daemon.pid, 'SIGCONT');
      await until(at, 'up to date', 'settled_to = (SELECT max(id) FROM uncached.log)');
      await forgetNode(at);
    },
  },
  {
    name: 'the root of another node was moved away',
    async cause(at) {
      await addNode(at);
      renameSync(node.site.root, `${node.site.root}.away`);
    },
    says: /root is missing: mount it or create it/,
    elsewhere: true,
    async mend(at) {
      renameSync(`${node.site.root}.away`, node.site.root);
      await until(at, 'without a problem', 'problem IS NULL');
      await forgetNode(at);
    },
  },
  {
    name: 'another node was away for longer than `expire`',
    async cause(at) {
      await addNode(at);
      await node.daemon.stop('SIGKILL');
      await ofNode(at, `state = 'expired'`);
    },
    says: /was away for too long and has expired/,
    elsewhere: true,
    async mend(at) {
      const { site } = node;
      await startNode(at, site);
      await node.daemon.until(
        'its wipe',
        ({ event, reason }) => event === 'cache-wiped' && reason === 'expired',
      );
      await forgetNode(at);
    },
  },
];

let active: RunningDaemon;

/** Of this node's place among others. */
export const membership: readonly Situation[] = [
  {
    name: 'root is new to the database, and is being wiped behind a forgotten transaction',
    async cause(at) {
      await at.stop();
      await at.query('DELETE FROM uncached.consumer');
      await at.hold('SELECT pg_current_xact_id()');
      await at.start();
    },
    says: /is being wiped/,
    log: /this root is new to this database/,
    goesOn: true,
    mend: (at) => at.release(),
  },
  {
    name: '*a second daemon on the same root stands by*',
    async cause(at) {
      await at.stop();
      active = await startOn(at, at.file);
      await active.until('LISTEN', ({ event }) => event === 'listening');
      at.spawn();
    },
    says: /0 entries waiting/,
    log: /this one stands by until/,
    isWell: true,
    async mend(at) {
      await active.stop('SIGKILL');
      await at.daemon.until('its turn', ({ msg }) => /this one clears this root from now on/.test(msg));
    },
  },
];
