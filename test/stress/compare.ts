import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Client } from 'pg';
import { type Datum, nameOf, pages } from './families.ts';
import type { Node } from './node.ts';
import { decode } from './page.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

/** Compares every file of every node with the database. */
export async function compare(
  client: Client,
  { nodes }: World,
  killed: ReadonlySet<string>,
  report: Report,
): Promise<void> {
  const committed = await readCommitted(client);
  for (const node of nodes) compareNode(node, committed, killed, report);
}

function compareNode(
  { name, root, canaries, foreign }: Node,
  committed: ReadonlyMap<string, number>,
  killed: ReadonlySet<string>,
  report: Report,
): void {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(root.length + 1);
    if (entry.isDirectory() || path === '.uncached' || canaries.within.has(path)) continue;
    if (foreign.some((directory) => path.startsWith(`${directory}/`))) continue;
    if (entry.isSymbolicLink() && entry.name.startsWith('link.')) continue;
    if (pages.has(path)) {
      const body = readIfThere(join(root, path));
      if (body === undefined) continue;
      report.figures.count('pages compared');
      comparePage({ node: name, path, body }, committed, report);
      continue;
    }
    // The name of a temp or a spool file contains its owner's mark. A process that was not killed has removed
    // its own.
    const mark = /^\..*\.([0-9a-f]{4})[0-9a-f]{12}\.tmp$|-([0-9a-f]{4})-\d+$/.exec(basename(path));
    if (!mark || !killed.has(mark[1] ?? mark[2] ?? ''))
      report.violation('stranger', [path], `${name}: ${path}`);
    else if (mark[2]) rmSync(join(root, path));
  }
}

/** A daemon that was frozen may continue now, and clear once more what another one has settled. */
function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function comparePage(
  { node, path, body }: { node: string; path: string; body: Buffer },
  committed: ReadonlyMap<string, number>,
  report: Report,
): void {
  const page = decode(body, path);
  if (typeof page === 'string') {
    report.violation('torn', [path], `${node}: ${page}`);
    return;
  }
  const wrong = Object.entries(page.versions).filter(([name, version]) => version !== committed.get(name));
  if (wrong.length === 0) return;
  const detail = wrong.map(([name, version]) => `${name} at ${version}, committed is ${committed.get(name)}`);
  const what = wrong.every(([name, version]) => version < (committed.get(name) ?? 0))
    ? 'stale'
    : 'impossible';
  report.violation(
    what,
    [path],
    `${node}: ${path} by ${page.by}, read at ${page.readAt}: ${detail.join('; ')}`,
  );
}

async function readCommitted(client: Client): Promise<Map<string, number>> {
  const { rows } = await client.query<Datum & { version: string }>('SELECT * FROM datum');
  return new Map(rows.map((row) => [nameOf(row), Number(row.version)]));
}
