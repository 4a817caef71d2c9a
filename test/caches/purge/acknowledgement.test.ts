import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { client, enqueuePort, start } from '../../cli/running.ts';
import { eventually } from '../../faults/eventually.ts';
import { startTarget, type TargetServer } from './target-server.ts';

/* What counts as the last request for a page: nothing that was sent, or answered, before its time. */

let target: TargetServer;
afterEach(() => target.close());

const handlers = `[handler.listen_port]
queue = cache_clearing_ports
url[] = /{category}/{port}/
`;

const daemon = (lag: string) =>
  start({
    handlers,
    more: `[daemon]
heartbeat = 1s
[purge.cdn]
to = ${target.address}
site = https://www.example.org
lag = ${lag}`,
  });

async function change(): Promise<void> {
  await enqueuePort('net', 'rsync');
  await client.query('NOTIFY port_updated');
}

async function cursors() {
  const { rows } = await client.query<{ newest: number; cleared: number; settled: number }>(
    `SELECT (SELECT coalesce(max(id), 0)::int FROM uncached.log) AS newest, cleared_to::int AS cleared, settled_to::int AS settled
     FROM uncached.consumer WHERE kind = 'purge'`,
  );
  return rows[0];
}

const until = (which: 'cleared' | 'settled') =>
  eventually(
    `the page ${which}`,
    async () => {
      const found = await cursors();
      return (found && found.newest > 0 && found[which] === found.newest) || undefined;
    },
    async () => JSON.stringify([await cursors(), target.requests]),
  );

describe('the last request for a page', () => {
  it('is sent after the first one is answered, however late that is', async () => {
    let answer = () => {};
    target = await startTarget();
    const first = new Promise<void>((resolve) => {
      target.answer = (_message: IncomingMessage, response: ServerResponse) => {
        target.answer = (_again, other) => void other.end();
        answer = () => response.end();
        resolve();
      };
    });
    await daemon('500ms');
    await change();
    await first;
    const { rows } = await client.query<{ files: number }>(
      `SELECT settled_to::int AS files FROM uncached.consumer WHERE kind = 'files'`,
    );
    await eventually(
      'the page files to be settled for longer than the lag',
      async () => {
        const found = await client.query(
          `SELECT FROM uncached.log, uncached.consumer AS files
           WHERE files.kind = 'files' AND files.settled_to >= log.id AND log.claimed_at < now() - interval '2 s'`,
        );
        return found.rows.length > 0 || undefined;
      },
      async () => JSON.stringify(rows),
    );
    expect(await cursors()).toMatchObject({ cleared: 0, settled: 0 });
    const answeredAt = performance.now();
    answer();
    await until('settled');
    expect(target.requests).toHaveLength(2);
    expect(target.requests[1]?.at).toBeGreaterThanOrEqual(answeredAt);
  });

  it('is sent by the next daemon where the first was killed before', async () => {
    target = await startTarget();
    const first = await daemon('1h');
    await change();
    await until('cleared');
    await first.stop('SIGKILL');
    expect(target.requests).toHaveLength(1);
    expect(await cursors()).toMatchObject({ settled: 0 });
    await daemon('500ms');
    await until('settled');
    // The next one begins with a first request of its own.
    expect(target.requests).toHaveLength(3);
  });

  it.each<[string, (message: IncomingMessage, response: ServerResponse) => void]>([
    ['405', (_message, response) => response.writeHead(405).end()],
    ['503', (_message, response) => response.writeHead(503).end()],
    ['a connection that is reset', (message) => message.socket.resetAndDestroy()],
  ])('is not one that is answered with %s', async (_what, answer) => {
    target = await startTarget();
    target.answer = answer;
    const running = await daemon('0s');
    await change();
    await running.until('the alarm', ({ event }) => event === 'target-down');
    expect(await cursors()).toMatchObject({ cleared: 0, settled: 0 });
    target.answer = (_message, response) => void response.end();
    await until('settled');
  });
});
