import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { canMount } from '../faults/namespace.ts';
import type { LaunchedServer } from '../postgres/server.ts';
import { launchFreshPorts } from './server.ts';
import { FreshPorts } from './world.ts';

/**
 * Where possible, each set is a mount of its own, as on FreshPorts' hosts. change.test.ts also tests a single
 * directory.
 */
const mounted = canMount();

/**
 * Gives each test of a file a FreshPorts of its own, on one server. Call it at the top level and use the
 * result in hooks and tests.
 */
export function freshPorts(options: Parameters<typeof FreshPorts.open>[1] = {}): {
  readonly site: FreshPorts;
} {
  let server: LaunchedServer;
  let opened: FreshPorts | undefined;
  beforeAll(async () => {
    server = await launchFreshPorts();
  });
  beforeEach(async () => {
    opened = await FreshPorts.open(server, { mounted, ...options });
  });
  afterEach(async () => {
    await opened?.close();
    opened = undefined;
  });
  afterAll(() => server?.stop());
  return {
    get site() {
      if (opened) return opened;
      throw new Error('Cannot tell FreshPorts: it is opened in beforeEach. Read it in a hook or a test');
    },
  };
}
