import { once } from 'node:events';
import { launchServer } from './launch.ts';

/**
 * A program for the tests: starts a server, prints it as a line of JSON, and stops it when its standard input
 * ends. With the argument `forget` it exits at once, like a program that does not call stop().
 */
const server = await launchServer();
process.stdout.write(`${JSON.stringify(server)}\n`);
if (process.argv[2] !== 'forget') {
  process.stdin.resume();
  await once(process.stdin, 'end');
  await server.stop();
}
