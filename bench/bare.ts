import { unlinkSync } from 'node:fs';
import { Client } from 'pg';
import type { Connection } from '../test/postgres/connection.ts';

/** Only node-postgres: `unlink` deletes the file that a notification names, `count` counts notifications. */
const [what = '', config = '', ...channels] = process.argv.slice(2);
const client = new Client({ ...(JSON.parse(config) as Connection), application_name: 'bare' });
await client.connect();
let count = 0;
client.on('notification', ({ payload = '' }) => {
  count += 1;
  if (what === 'unlink') unlinkSync(payload);
  else if (payload === 'last') console.info(count);
});
for (const channel of channels) await client.query(`LISTEN ${channel}`);
console.info('listening');
