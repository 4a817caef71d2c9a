import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Connection } from '../postgres/connection.ts';
import { variables } from './variables.ts';

/**
 * A shell command that changes something in the demo's database: with psql, or with Node where there is no
 * psql.
 */
export function invitation({ host, port, user, database }: Connection): string {
  const sql = "UPDATE ports SET description = 'mine' WHERE name = 'www-beta'";
  return `${program()} -h ${quote(host)} -p ${port} -U ${quote(user)} -d ${quote(database)} -c "${sql}"`;
}

function program(): string {
  if (spawnSync('psql', ['--version']).status !== 0)
    return `node ${quote(join(import.meta.dirname, 'psql.js'))}`;
  return variables.length > 0 ? `env ${variables.map((name) => `-u ${name} `).join('')}psql -X` : 'psql -X';
}

function quote(word: string): string {
  return /^[\w/.:@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
