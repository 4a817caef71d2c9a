import { parseArgs } from 'node:util';
import { createDatabase } from '../postgres/database.ts';
import { startServer } from '../postgres/server.ts';
import { random } from '../random.ts';
import { live } from './live.ts';

/**
 * The live stress of memory-cache: node build/test/memory-cache/main.js [--minutes 10]. Exits with 1 if an answer
 * or an entry was older than promised.
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const server = await startServer();
const database = await createDatabase(server, { template: 'template0' });
const figures = await live({
  connection: database.config,
  ms: Number(values.minutes) * 60_000,
  random: random(),
});
await database.drop();
await server.stop();
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
process.exitCode = figures.olderAnswers + figures.oldEntries > 0 ? 1 : 0;
