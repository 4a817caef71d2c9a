import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { client, database, site } from '../../cli/site-and-database.ts';
import { eventually } from '../../faults/eventually.ts';
import { canMount, inNamespace } from '../../faults/namespace.ts';
import { iniFor } from '../../site.ts';
import { startUncached, uncached } from '../../uncached.ts';

const canHang = canMount() && existsSync('/dev/fuse') && process.getuid?.() === 0;

/** A file system that nobody serves: every call waits. */
const hang = 'exec 3<>/dev/fuse && mount -i -t fuse hang "$1" -o fd=3,rootmode=40000,user_id=0,group_id=0';

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
url[] = /{category}/{port}/
`;

it.skipIf(!canHang)('a zone whose disk does not answer holds up no page file, and not the end', async () => {
  const zone = join(dirname(site.root), 'zone');
  mkdirSync(zone);
  const more = `[nginx.pages]\npath = ${zone}\nkey[] = k{url}\n`;
  const file = site.configure(iniFor(site, database.config, { handlers, more }));
  const how = { before: inNamespace(hang, zone) };
  const daemon = startUncached(file, {}, how);
  try {
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    const change = async (port: string) => {
      site.write([`ports/net/${port}/Detail.html`]);
      await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('net', $1)`, [port]);
      await client.query('NOTIFY port_updated');
      const gone = async () => !existsSync(join(site.root, `ports/net/${port}/Detail.html`)) || undefined;
      await eventually('the file to go', gone, async () => 'it is there', 7_000);
    };
    await change('rsync');
    const failed = await daemon.until(
      'the alarm',
      ({ event, msg }) => event === 'loop-failed' && msg.includes(zone),
    );
    expect(failed.msg).toContain(
      `[nginx.pages] ${zone} cannot be cleared: Cannot clear: a worker did not answer`,
    );
    // A clearing that waited for the zone would keep the next one waiting.
    for (const port of ['curl', 'wget', 'lynx']) await change(port);
    const ask = async () => {
      const { rows } = await client.query(
        'SELECT kind, settled_to > 0 AS settled FROM uncached.consumer ORDER BY kind',
      );
      return JSON.stringify(rows);
    };
    const settled = '[{"kind":"files","settled":true},{"kind":"nginx","settled":false}]';
    await eventually('the files to settle', async () => (await ask()) === settled || undefined, ask);
    const since = performance.now();
    expect(await daemon.stop()).toBe(0);
    expect(performance.now() - since).toBeLessThan(9_000);
    expect(daemon.log.at(-1)?.event).toBe('stopped');
  } finally {
    await daemon.stop('SIGKILL');
  }
  const { stdout } = await uncached(['--config', file, 'check'], {}, how);
  expect(stdout).toContain(`${zone} does not answer: its disk or file server may be gone`);
});
