import { afterAll, beforeAll, inject } from 'vitest';
import type { Connection } from './connection.ts';
import { createDatabase, type Database, type DatabaseOptions } from './database.ts';

/** A database that exists while the tests of the file run. */
export interface TestDatabase {
  readonly name: string;
  readonly config: Connection;
}

/**
 * Gives a test file (or a describe) a database of its own, created before its tests and dropped after them.
 * Call it at the top level and use the result in hooks and tests. The file fails when its tests left a
 * connection to the database open.
 */
export function testDatabase(options?: DatabaseOptions): TestDatabase {
  let database: Database | undefined;
  beforeAll(async () => {
    database = await createDatabase(inject('postgres'), options);
  });
  afterAll(async () => {
    await database?.drop();
  });
  const made = () => {
    if (database) return database;
    throw new Error('Cannot tell the test database: it is made in beforeAll. Read it in a hook or a test');
  };
  return {
    get name() {
      return made().name;
    },
    get config() {
      return made().config;
    },
  };
}
