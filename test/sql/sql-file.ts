import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { installSql, uninstallSql } from '../../src/postgres/sql-files.ts';
import { projectRoot } from '../postgres/project-root.ts';

/** A message of the server about a script. */
export interface Remark {
  severity: string;
  message: string;
}

export function readSqlFile(file: string): Promise<string> {
  return readFile(join(projectRoot, 'sql', file), 'utf8');
}

/** Runs the installation script, by default with FreshPorts' tables. */
export function install(client: Client, { freshports = true } = {}): Promise<Remark[]> {
  return run(client, installSql({ freshports }));
}

export function uninstall(client: Client): Promise<Remark[]> {
  return run(client, uninstallSql());
}

/**
 * Runs `script` as one simple query. A failed script leaves its transaction open, so it is rolled back here.
 */
async function run(client: Client, script: string): Promise<Remark[]> {
  const remarks: Remark[] = [];
  const hear = (notice: { severity?: string | undefined; message?: string | undefined }) => {
    remarks.push({ severity: notice.severity ?? '', message: notice.message ?? '' });
  };
  client.on('notice', hear);
  try {
    await client.query(script);
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.off('notice', hear);
  }
  return remarks;
}
