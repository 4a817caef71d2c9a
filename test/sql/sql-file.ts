import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { projectRoot } from '../postgres/project-root.ts';

/** The files that install, in their order. */
export const installation = [
  '1-journal.sql',
  '2-listen_for.sql',
  '3-queue-tables.sql',
  '4-enqueue.sql',
  '5-grants.sql',
] as const;

/** What the server had to say about a file. */
export interface Remark {
  severity: string;
  message: string;
}

export function readSqlFile(file: string): Promise<string> {
  return readFile(join(projectRoot, 'sql', file), 'utf8');
}

/** Runs sql/`file` as one simple query. A file that fails leaves its transaction open: it is rolled back here. */
export async function runSqlFile(client: Client, file: string): Promise<Remark[]> {
  const remarks: Remark[] = [];
  const hear = (notice: { severity?: string | undefined; message?: string | undefined }) => {
    remarks.push({ severity: notice.severity ?? '', message: notice.message ?? '' });
  };
  client.on('notice', hear);
  try {
    await client.query(await readSqlFile(file));
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.off('notice', hear);
  }
  return remarks;
}

/** Runs every file of the installation. */
export async function install(client: Client): Promise<Remark[]> {
  const remarks: Remark[] = [];
  for (const file of installation) remarks.push(...(await runSqlFile(client, file)));
  return remarks;
}
