import { afterEach, beforeEach, expect, it } from 'vitest';
import { iniFor } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';
import { client, database, site } from './site-and-database.ts';

/*
 * A schema that the daemon's role may not use must not be reported as a failed connection or a missing table.
 */

const role = `uncached_usage_${process.pid}`;
let file: string;
beforeEach(async () => {
  await client.query(`CREATE ROLE ${role} LOGIN IN ROLE uncached`);
  file = site.configure(iniFor(site, { ...database.config, user: role }));
});
afterEach(async () => {
  await client.query('GRANT USAGE ON SCHEMA uncached, public TO PUBLIC, uncached');
  await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});
const run = (...args: string[]) => uncached(['--config', file, ...args]);

it.each([
  ['uncached', `GRANT USAGE ON SCHEMA "uncached" TO "${role}"`],
  ['public', `GRANT USAGE ON SCHEMA public TO ${role}`],
])(
  'of %s is told with its GRANT, by every command that meets it',
  { timeout: 240_000 },
  async (schema, grant) => {
    await client.query(`REVOKE USAGE ON SCHEMA ${schema} FROM PUBLIC, uncached`);
    const others = [['status'], ['explain', 'news/1'], ['failing', 'list']];
    const commands = [['drain'], ...(schema === 'uncached' ? others : [])];
    for (const command of commands) {
      const { code, stdout, stderr } = await run(...command);
      expect([command, code]).not.toEqual([command, 0]);
      expect(stdout + stderr).toContain(grant);
      expect(stdout + stderr).not.toMatch(/Cannot connect|does not exist|uncached schema/);
    }
    const { stdout } = await run('check');
    expect(stdout.replaceAll('"', '')).toContain(grant.replaceAll('"', ''));
    expect(stdout).not.toMatch(/Cannot connect|does not exist/);
    const daemon = startUncached(file);
    const { msg } = await daemon.until('complaint', ({ level }) => level >= 50);
    expect(msg).toContain(grant);
    await daemon.stop();

    await client.query(grant);
    expect((await run('drain')).code).toBe(0);
  },
);
