import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../postgres/connection.ts';
import { projectRoot } from '../postgres/project-root.ts';

const markdown = readFileSync(join(projectRoot, 'doc/memory-cache.md'), 'utf8');

/** The blocks of doc/memory-cache.md in the language, word for word. */
export function blocksIn(language: string): string[] {
  return [...markdown.matchAll(new RegExp(`\n\`\`\`${language}\n(.*?)\n\`\`\`\n`, 'gs'))].map(([, text]) =>
    String(text),
  );
}

/** The SQL block that makes the table. */
export function schemaWith(table: string): string {
  const block = blocksIn('sql').find((text) => text.includes(`CREATE TABLE ${table} `));
  if (block === undefined) throw new Error(`doc/memory-cache.md makes no table ${table}`);
  return block;
}

/** The programs of the document, in a folder where the package finds itself by its name. */
export function programs(): { folder: string; remove: () => void } {
  mkdirSync(join(projectRoot, 'build'), { recursive: true });
  const folder = mkdtempSync(join(projectRoot, 'build/memory-cache-doc-'));
  for (const text of blocksIn('js')) {
    const [, name] = /^\/\/ ([\w-]+\.mjs)\n/.exec(text) ?? [];
    if (name !== undefined) writeFileSync(join(folder, name), text);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

export function environmentFor({ host, port, user, database, password }: Connection): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    ...(password !== undefined && { PGPASSWORD: password }),
  };
}
