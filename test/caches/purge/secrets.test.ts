import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { client, enqueuePort, start } from '../../cli/running.ts';
import { database, site } from '../../cli/site-and-database.ts';
import { eventually } from '../../faults/eventually.ts';
import { freePort } from '../../postgres/free-port.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';
import { startTarget, type TargetServer } from './target-server.ts';

/* A secret is on the wire and nowhere else: this target repeats it in all parts of its answers. */

const secret = 'T0p-s3cret"+/';
const written = 'written-0ut';

let target: TargetServer;
let file: string;
/** What the target got. */
let keys: Set<unknown>;

beforeEach(async () => {
  keys = new Set();
  target = await startTarget();
  target.answer = ({ method, headers }, response) => {
    if (method === 'GET' || method === 'HEAD') return void response.end();
    keys.add(headers.key);
    const echo = `${headers.key} ${headers.plain} ${JSON.stringify(headers)} ${encodeURIComponent(String(headers.key))}`;
    response
      .writeHead(403, echo, { location: echo, 'retry-after': '1', 'x-cache': echo })
      .end(`${'.'.repeat(190)}${echo}`);
  };
  file = join(dirname(site.root), 'key');
  writeFileSync(file, `${secret}\n`);
  chmodSync(file, 0o600);
});
afterEach(() => target.close());

it('a secret is in no output, whatever the target repeats', async () => {
  const http = `127.0.0.1:${await freePort()}`;
  const options = {
    handlers: '[handler.listen_port]\nqueue = cache_clearing_ports\nurl[] = /{category}/{port}/\n',
    more: `[daemon]
heartbeat = 1s
log = debug
[http]
listen = ${http}
[purge.varnish]
to = ${target.address}
site = https://www.example.org
header[] = Key: {file:${file}}
header[] = Plain: ${written}
everything = POST /all
probe = /net/rsync/`,
  };
  const daemon = await start(options);
  await enqueuePort('net', 'rsync');
  await client.query('NOTIFY port_updated');
  await daemon.until('the alarm', ({ event }) => event === 'target-down');
  const problem = async () => {
    const { rows } = await client.query(`SELECT problem FROM uncached.consumer WHERE problem IS NOT NULL`);
    return rows.length > 0 || undefined;
  };
  await eventually('the fleet to know', problem, async () => 'nothing');

  const shown: string[] = [];
  const ini = site.configure(iniFor(site, database.config, options));
  for (const command of [
    ['check', '--probe'],
    ['config'],
    ['clear', 'listen_port', 'category=net', 'port=rsync', '--dry-run'],
    ['clear', 'listen_port', 'category=net', 'port=rsync'],
    ['explain', '/net/rsync/', '--ask'],
    ['status'],
    ['status', '--json'],
    ['consumers'],
    ['consumers', '--json'],
    ['failing', 'list'],
  ]) {
    const { stdout, stderr } = await uncached(['--config', ini, ...command]);
    shown.push(`${command.join(' ')}\n${stdout}${stderr}`);
  }
  for (const path of ['metrics', 'status.json', ''])
    shown.push(`${path}\n${await (await fetch(`http://${http}/${path}`)).text()}`);
  const tables =
    await client.query(`SELECT query_to_xml('TABLE uncached.consumer', true, true, '')::text AS consumer,
    query_to_xml('TABLE uncached.daemon', true, true, '')::text AS daemon, query_to_xml('TABLE uncached.failing', true, true, '')::text AS failing`);
  shown.push(JSON.stringify(tables.rows));
  await daemon.stop();
  shown.push(daemon.log.map((line) => JSON.stringify(line)).join('\n'), daemon.complaints());

  // It was asked, and all of this tells so.
  expect([...keys]).toEqual([secret]);
  expect(shown.filter((one) => one.includes('403')).length).toBeGreaterThanOrEqual(7);
  for (const one of shown) expect(one).not.toMatch(/T0p|s3cret|written-0ut|0ut/);
});
