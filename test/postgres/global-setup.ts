import type { TestProject } from 'vitest/node';
import { ordinaryAccount } from './account.ts';
import { type Connection, connectionOf } from './connection.ts';
import { keepNewClusters } from './new-cluster.ts';
import { startServer } from './server.ts';
import { makeTemplate, removeTemplate } from './template.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's connection to the server of this run. */
    postgres: Connection;
  }
}

/** One server for a whole run of the tests. testDatabase() gives each file a database on it. */
export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  // Node.js would read all those certificates at each of two thousand starts, which takes nearly half the
  // time of a bare start.
  delete process.env.NODE_EXTRA_CA_CERTS;
  const removeClusters = await keepNewClusters(ordinaryAccount());
  const server = await startServer();
  const tearDown = async () => {
    // The server of DATABASE_URL stays after this run and must be left as it was.
    if (server.pid === undefined) await removeTemplate(server);
    await server.stop();
    await removeClusters();
  };
  try {
    await makeTemplate(server);
  } catch (error) {
    await tearDown();
    throw error;
  }
  project.provide('postgres', connectionOf(server));
  return tearDown;
}
