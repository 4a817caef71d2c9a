import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ChannelBinding, channelsOf, usableBindings } from '../../src/core/contracts.ts';
import type { Listener } from '../../src/core/listener-contract.ts';
import { channelNotices, readChannels } from '../../src/postgres/channels.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { listen } from '../../src/postgres/listener.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { eventually } from '../faults/eventually.ts';
import { connect } from '../sql/connect.ts';
import { install } from '../sql/sql-file.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const long = 'ä'.repeat(40);

/** Values in listen_for, and the ways to write a NOTIFY for each. */
const spellings: [encoding: string, name: string, notify: string[]][] = [
  ['UTF8', 'port_updated', ['port_updated', 'PORT_updated', '"port_updated"']],
  ['UTF8', 'Port_Updated', ['Port_Updated', '"Port_Updated"', 'port_updated']],
  ['UTF8', ' port_updated\n', ['port_updated', '" port_updated\n"']],
  ['UTF8', 'port-updated 1', ['"port-updated 1"']],
  ['UTF8', 'a"b', ['"a""b"']],
  ['UTF8', 'error', ['error']],
  ['UTF8', 'Größe', ['Größe', '"Größe"', 'größe']],
  ['UTF8', 'GRÖSSE', ['GRÖSSE', '"GRÖSSE"']],
  ['UTF8', long, [long, `"${long}"`]],
  ['UTF8', `${'x'.repeat(62)}ä`, [`${'x'.repeat(62)}ä`, 'x'.repeat(62)]],
  ['UTF8', 'uncached_listen_for', ['uncached_listen_for']],
  ['LATIN1', 'Größe', ['Größe', '"Größe"']],
  ['LATIN1', 'Port_Updated', ['Port_Updated', '"Port_Updated"']],
  ['SQL_ASCII', 'Größe', ['Größe', '"Größe"']],
  ['SQL_ASCII', 'Port_Updated', ['Port_Updated', '"Port_Updated"']],
  ['EUC_JP', '日本', ['日本', '"日本"']],
];

describe.each(['UTF8', 'LATIN1', 'SQL_ASCII', 'EUC_JP'])('in a database whose encoding is %s', (encoding) => {
  const database = testDatabase({ encoding });
  let client: Client;
  let pool: Pool;
  let listening: Listener | undefined;

  beforeAll(async () => {
    client = await connect(database.config);
    await install(client);
  });
  afterAll(() => client.end());
  beforeEach(async () => {
    pool = openPool(openHosts([database.config], patient));
    await client.query('DELETE FROM listen_for');
  });
  afterEach(async () => {
    listening?.close();
    listening = undefined;
    await pool.end();
  });

  const add = (name: string | null, handler: string | null = 'h') =>
    client.query('INSERT INTO listen_for (name, script_name) VALUES ($1, $2)', [name, handler]);

  async function hear(channels: readonly ChannelBinding[]): Promise<string[]> {
    const heard: string[] = [];
    const names = usableBindings(channels).flatMap(channelsOf);
    listening = await listen(openHosts([database.config], patient), pool, names, (channel) =>
      heard.push(channel),
    );
    return heard;
  }

  it.each(spellings.filter(([one]) => one === encoding))('%s: %j is heard as %j', async (_, name, notify) => {
    await add(name);
    const channels = await readChannels(pool);
    expect(channels).toHaveLength(1);
    const heard = await hear(channels);
    for (const spelling of notify) await client.query(`NOTIFY ${spelling}`);
    await eventually(
      'every spelling',
      async () => heard.length === notify.length || undefined,
      async () => `${heard.join(', ')} of ${notify.join(', ')}`,
    );
    for (const channel of heard) expect(channels.flatMap(channelsOf)).toContain(channel);
  });

  it('keeps listening when a payload has bytes that are no text', async () => {
    await add('port_updated');
    const heard = await hear(await readChannels(pool));
    const bytes = encoding === 'EUC_JP' ? [0xa9, 0xa1] : [0xe9];
    if (encoding !== 'UTF8')
      await client.query(
        `SELECT pg_notify('port_updated', convert_from($1, current_setting('server_encoding')))`,
        [Buffer.from(bytes)],
      );
    await client.query(`NOTIFY port_updated, 'the next'`);
    const expected = encoding === 'UTF8' ? 1 : 2;
    await eventually(
      'both',
      async () => heard.length === expected || undefined,
      async () => String(heard),
    );
    await listening?.heartbeat();
  });

  it('names a row that nobody can listen to, and listens to the others', async () => {
    await client.query('ALTER TABLE listen_for ALTER name DROP NOT NULL, ALTER script_name DROP NOT NULL');
    await add('');
    await add(null);
    await add('no_handler', null);
    await add('port_updated', 'good');
    if (encoding === 'SQL_ASCII')
      await client.query(
        `INSERT INTO listen_for (name, script_name) VALUES (convert_from('\\xe9', 'SQL_ASCII'), 'h')`,
      );
    const channels = await readChannels(pool);
    expect(usableBindings(channels)).toEqual([{ channel: 'port_updated', handler: 'good' }]);
    const problems = channels.flatMap(({ problem }) => problem ?? []);
    expect(problems).toHaveLength(encoding === 'SQL_ASCII' ? 4 : 3);
    for (const problem of problems)
      expect(problem).toMatch(/^listen_for: the row with id \d+.* has .*: correct the row, or delete it$/);
    const heard = await hear(channels);
    await client.query('NOTIFY port_updated');
    await eventually(
      'one',
      async () => heard.length === 1 || undefined,
      async () => String(heard),
    );
  });

  it('reports names that are probably mistakes', async () => {
    await add(' port_updated');
    await add('x'.repeat(64));
    await add('port_updated');
    expect(await channelNotices(pool)).toEqual([
      expect.stringMatching(
        /" port_updated" of the row with id \d+ has blanks at its ends: UPDATE listen_for/,
      ),
      expect.stringMatching(/is longer than 63 bytes/),
    ]);
  });
});
