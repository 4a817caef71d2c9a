import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { Connection } from '../postgres/connection.ts';
import type { Random } from '../random.ts';
import { articles } from '../stack/stack.ts';
import type { Report } from '../stress/report.ts';

/** Changes articles until the signal aborts, by a session that is opened again when it is lost. */
export async function changeArticles(
  signal: AbortSignal,
  { connection, random, report }: { connection: Connection; random: Random; report: Report },
): Promise<void> {
  while (!signal.aborted) {
    const client = new Client({ ...connection, application_name: 'soak editor' });
    client.on('error', () => {});
    try {
      await client.connect();
      while (!signal.aborted) {
        await client.query('UPDATE article SET version = version + 1 WHERE id = $1', [
          1 + random.below(articles),
        ]);
        report.figures.count('changes of articles');
        await wait(random.between(10, 200));
      }
    } catch {
      await wait(100);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
