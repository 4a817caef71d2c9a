import { Client } from 'pg';
import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { freshportsHandlers, iniFor } from '../site.ts';
import { type RunningDaemon, uncached } from '../uncached.ts';
import { client, enqueuePort, isEvent, site, start } from './running.ts';
import { sessionsEnded } from './sessions.ts';
import { database } from './site-and-database.ts';

const settle = '300ms';
const page = 'categories/www/index.html';

const run = (...args: string[]) =>
  uncached(['--config', site.configure(iniFor(site, database.config, { settle })), ...args]);

/** The number of rows reported as invalid, for each line. */
const told = ({ log }: RunningDaemon) => log.filter(isEvent('rows-invalid')).map(({ rows }) => rows);

const left = async () => (await client.query(`SELECT FROM ${unsettled}`)).rowCount;

/**
 * Resolves when the row has been cleared a second time: a page that was written after its first clearing is
 * gone.
 */
async function settled(daemon: RunningDaemon, times: number): Promise<void> {
  const settled = () => daemon.log.filter(isEvent('settled'));
  await daemon.until('second clearing', (line) => settled().indexOf(line) === times - 1);
  expect(settled().map(({ rows }) => rows)).toEqual(Array(times).fill(1));
}

it('an entry with NULL in a column of one template is cleared for the others, reported once and kept', {
  timeout: 300_000,
}, async () => {
  site.write([page]);
  let daemon = await start({ settle });
  // An open transaction delays the second clearing.
  const open = new Client(database.config);
  await open.connect();
  await open.query('BEGIN; SELECT 1');
  await enqueuePort('www', null);
  await client.query('NOTIFY port_updated');
  await daemon.until('first clearing', isEvent('clear-failed', { failedKeys: 1 }));
  expect(site.pages()).toEqual([]);
  // Before it has settled, only the daemon's own status shows it.
  let said = '';
  const warning = 'listen_port: 1 row with an invalid key: column port is NULL';
  await eventually(
    warning,
    async () => {
      said = (await run('status')).stdout;
      return said.includes(warning) || undefined;
    },
    async () => said,
  );
  site.write([page]);
  await open.end();
  await settled(daemon, 1);
  expect(site.pages()).toEqual([]);
  expect(told(daemon)).toEqual([1]);
  const line = daemon.log.find(isEvent('rows-invalid'));
  expect(line?.msg).toContain('listen_port: 1 row with an invalid key: column port is NULL');

  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM uncached.failing WHERE invalid AND last_error LIKE 'column port is NULL%' AND retry_at IS NULL`,
  );
  expect(rows).toHaveLength(1);
  const id = rows[0]?.id ?? '';
  const { stdout } = await run('failing', 'list');
  expect(stdout).toMatch(
    new RegExp(`^${id}  listen_port  .* an invalid key for [\\d.]+ s, not retried: column port is NULL`),
  );

  const counted = async () => {
    const { code, stdout } = await run('status', '--json');
    const { handlers } = JSON.parse(stdout) as { handlers: { handler: string }[] };
    return { code, ...handlers.find(({ handler }) => handler === 'listen_port') };
  };
  const kept = { lagMs: 0, claimed: 0, settling: 0, failing: 0, invalid: 1 };
  /** The daemon writes the cursor, and reports that its warning is over, a moment after the second clearing. */
  const keptWith = (code: number) =>
    eventually(
      `kept, with the code ${code}`,
      async () => {
        const now: Record<string, unknown> = await counted();
        return Object.entries({ code, ...kept }).every(([name, value]) => now[name] === value) || undefined;
      },
      async () => JSON.stringify(await counted()),
    );
  await keptWith(1);
  await client.query(`UPDATE uncached.failing SET claimed_at = now() - interval '2 hours'`);
  await keptWith(0);

  // The next start clears it again and reports nothing new. Until the sessions have ended, it stands by.
  await daemon.stop();
  await sessionsEnded(client);
  site.write([page]);
  daemon = await start({ settle });
  await eventually(
    'cleared once more',
    async () => site.pages().length === 0 || undefined,
    async () => JSON.stringify(daemon.log),
  );
  expect(told(daemon)).toEqual([]);

  site.write([page]);
  expect(await run('failing', 'retry', id)).toMatchObject({ code: 0 });
  await settled(daemon, 1);
  expect(site.pages()).toEqual([]);
  expect(told(daemon)).toEqual([1]);
  await keptWith(0);
  await daemon.stop();

  expect(await run('drain')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 row is kept with an invalid key: see uncached failing list'),
  });
  // With a template that needs no port, the row is cleared like any other.
  await sessionsEnded(client);
  const handlers = freshportsHandlers.replace('clear[] = ports/{category}/{port}/*', '');
  daemon = await start({ settle, handlers });
  await settled(daemon, 1);
  // It is deleted after it was logged.
  expect(await daemon.stop()).toBe(0);
  expect(await left()).toBe(0);
});

it('drain reports it and ends, and failing drop discards it', async () => {
  site.write([page]);
  await enqueuePort('www', '..');
  const { code, stdout, stderr } = await run('drain');
  expect([code, stdout]).toEqual([
    1,
    'cleared 0 entries, deleted 1 file\n1 row is kept with an invalid key: see uncached failing list\n',
  ]);
  expect(stderr).toMatch(/listen_port: 1 row with an invalid key: column port is "\.\."/);
  expect(site.pages()).toEqual([]);
  expect(await run('failing', 'drop', '--all')).toMatchObject({ code: 0 });
  expect(await left()).toBe(0);
});
