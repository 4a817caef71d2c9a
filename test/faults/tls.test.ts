import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { makeTemplate } from '../postgres/template.ts';
import { iniFor, makeSite } from '../site.ts';
import { uncached } from '../uncached.ts';
import { type Certificate, makeCertificate, opensslFound } from './certificate.ts';
import { eventually } from './eventually.ts';
import { type Fault, faults } from './faults.ts';
import type { Link } from './link.ts';
import { expectDone, expectWhole } from './whole.ts';
import { World } from './world.ts';

if (!opensslFound) console.warn('SKIPPED: faults over TLS need openssl (apt install openssl)');

let server: LaunchedServer;
let files: Certificate;

beforeAll(async () => {
  if (!opensslFound) return;
  files = makeCertificate('IP:127.0.0.1');
  const settings = { ssl: 'on', ssl_cert_file: files.certificate, ssl_key_file: files.key };
  server = await launchServer({ tcp: true, settings });
  await makeTemplate(server);
}, 300_000);
afterAll(async () => {
  await server?.stop();
  files?.remove();
});

const open = (tls: string, ini = {}) =>
  World.open({ ...server, host: '127.0.0.1' }, { tcp: true, ini: { tls, ...ini } });

/**
 * With FAULTS=long: every fault in every phase in both modes. Otherwise each mode has half, so that together
 * they cover all.
 */
const long = process.env.FAULTS === 'long';
const modes = [
  { mode: 'require', rootcert: false, half: 0 },
  { mode: 'verify-full', rootcert: true, half: 1 },
];
const struck: readonly Fault[] = [
  'cut one connection',
  'freeze one connection',
  'delay everything',
  'refuse connections',
];

describe.skipIf(!opensslFound).concurrent.each(modes)(
  'over TLS, sslmode = $mode',
  ({ mode, rootcert, half }) => {
    it('survives faults at connect, LISTEN, claim and the advance of the cursor', {
      timeout: 600_000,
    }, async () => {
      const world = await open(`sslmode = ${mode}\n${rootcert ? `sslrootcert = ${files.certificate}` : ''}`);
      const wayside = new Client(world.database.config);
      try {
        await wayside.connect();
        await wayside.query(tollgates);
        await world.start();
        await world.probe();
        const [plain] = await world.query<{ count: number }>(
          `SELECT count(*)::int FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
         WHERE application_name LIKE 'uncached%' AND NOT ssl`,
        );
        expect(plain?.count).toBe(0);
        const listenRecord = await findListenRecord(world);
        const phases = [
          () => atListenerRecord(world, 1),
          () => atListenerRecord(world, listenRecord),
          () => atTollgate(world, wayside, claimGate),
          () => atTollgate(world, wayside, advanceGate),
        ];
        for (const [row, fault] of struck.entries()) {
          for (const [column, reach] of phases.entries())
            if (long || (row + column) % 2 === half) await strike(world, fault, reach);
        }
        await wayside.end();
        await expectWhole(world);
      } finally {
        await wayside.end();
        await world.close();
      }
    });
  },
);

it.skipIf(!opensslFound).each([
  { why: 'an authority it does not know', host: '127.0.0.1', known: false, says: /self-signed.*sslrootcert/ },
  {
    why: 'another name',
    host: 'localhost',
    known: true,
    says: /altnames.*must be a name that the certificate/,
  },
])('verify-full refuses a certificate of $why, and says what to do', async ({ host, known, says }) => {
  const site = makeSite();
  try {
    const tls = `sslmode = verify-full\n${known ? `sslrootcert = ${files.certificate}` : ''}`;
    const file = site.configure(iniFor(site, { ...server, host }, { tls }));
    const { code, stdout } = await uncached(['--config', file, 'check']);
    expect(stdout).toMatch(says);
    expect(code).toBe(1);
  } finally {
    site.remove();
  }
});

async function strike(world: World, fault: Fault, reach: () => Promise<Reached>): Promise<void> {
  const { link, page, passOn } = await reach();
  const other = await world.enqueue();
  await faults[fault]({ world, link, lastsMs: 100 });
  await passOn();
  await world.probe();
  for (const named of [page, other]) await world.gone(named);
  await world.proxy.heal();
  await expectDone(world);
}

interface Reached {
  readonly link: Link;
  readonly page: string;
  /** Lets the server continue. */
  readonly passOn: () => Promise<unknown>;
}

/** A new listening connection, frozen before its nth record. The first record begins the handshake. */
async function atListenerRecord(world: World, nth: number): Promise<Reached> {
  const caught = world.proxy.atRecord(nth);
  (await linkOf(world, `application_name LIKE '%listener'`)).cut();
  return { link: await caught, page: await world.enqueue(), passOn: async () => {} };
}

/** Which record is sent between two LISTENs. PostgreSQL reports the session's last statement. */
async function findListenRecord(world: World): Promise<number> {
  for (let nth = 2; nth < 30; nth++) {
    const { link } = await atListenerRecord(world, nth);
    const [session] = await world.query<{ query: string }>(
      'SELECT query FROM pg_stat_activity WHERE client_port = $1',
      [link.port],
    );
    link.thaw();
    await world.probe();
    if (session?.query.startsWith('LISTEN')) return nth;
  }
  throw new Error('Cannot find LISTEN: none of 30 records came after one');
}

/** Statements wait at a gate: a trigger of ours takes a lock that we hold. */
const [claimGate, advanceGate] = [1, 2];
const tollgates = `
  CREATE FUNCTION tollgate() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::int); RETURN NULL; END';
  CREATE TRIGGER claimed AFTER DELETE ON cache_clearing_ports FOR EACH ROW EXECUTE FUNCTION tollgate(${claimGate});
  CREATE TRIGGER advanced AFTER UPDATE OF settled_to ON uncached.consumer FOR EACH ROW
    WHEN (NEW.settled_to > OLD.settled_to) EXECUTE FUNCTION tollgate(${advanceGate})`;

/** In the middle of a statement: the server has the request and has not sent the answer. */
async function atTollgate(world: World, wayside: Client, gate: number): Promise<Reached> {
  await wayside.query('SELECT pg_advisory_lock($1)', [gate]);
  const page = await world.enqueue();
  const link = await linkOf(world, `wait_event = 'advisory' AND application_name LIKE 'uncached%'`);
  return { link, page, passOn: () => wayside.query('SELECT pg_advisory_unlock($1)', [gate]) };
}

/** The connection of a session in pg_stat_activity, found by its client port. */
function linkOf(world: World, condition: string): Promise<Link> {
  return eventually(
    condition,
    async () => {
      const sessions = await world.query<{ client_port: number }>(
        `SELECT client_port FROM pg_stat_activity WHERE datname = current_database() AND ${condition}`,
      );
      const ports = sessions.map(({ client_port }) => client_port);
      return world.proxy.links().find(({ port }) => ports.includes(port));
    },
    async () => world.lastWords(),
  );
}
