import { parseArgs } from 'node:util';
import { withClient } from '../postgres/connection.ts';
import { forgetVariables } from './variables.ts';

/**
 * The part of psql that the demo's line needs, for machines without psql: psql.js -h HOST -p PORT -U USER -d
 * DATABASE -c SQL
 */
const text = (short: string) => ({ type: 'string', short, default: '' }) as const;
const { host, port, user, database, sql } = parseArgs({
  options: { host: text('h'), port: text('p'), user: text('U'), database: text('d'), sql: text('c') },
}).values;

forgetVariables();
try {
  const results = await withClient({ host, port: Number(port), user, database }, (client) =>
    client.query(sql),
  );
  for (const { command, rowCount } of [results].flat()) console.log(`${command} ${rowCount ?? ''}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
