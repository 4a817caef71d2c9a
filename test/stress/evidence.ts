import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from '../postgres/connection.ts';
import { type Datum, nameOf, pages } from './families.ts';
import type { Violation } from './report.ts';
import type { World } from './world.ts';

interface Line {
  readonly at: number;
  readonly text: string;
}

/**
 * Writes a time line of everything that is known about a page, to debug a violation. Returns the path of the
 * file.
 */
export async function writeEvidence(
  world: World,
  { what, paths, detail }: Violation,
  n: number,
): Promise<string> {
  const [path = ''] = paths;
  const about = pages.get(path);
  const lines = [...fromTrace(world, path, about), ...fromLog(world), ...(await fromDatabase(world, about))];
  const text = lines
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => `${new Date(at).toISOString().slice(11, 23)} ${text}`);
  const file = join(world.folder, `violation-${n}.txt`);
  writeFileSync(file, [`${what}: ${detail}`, '', ...text, ''].join('\n'));
  return file;
}

/**
 * From producers and writers: a line at the end of each transaction and render, with the times of its steps.
 */
function fromTrace({ trace }: World, path: string, about: Partial<Datum> | undefined): Line[] {
  const key = about ? nameOf({ family: 'plain', category: '', port: '', ...about }).replace(/\/+$/, '') : '';
  return readLines(trace).flatMap((text) => {
    const { at } = JSON.parse(text) as { at: number };
    return text.includes(JSON.stringify(path)) ||
      (about?.family && text.includes(`"name":${JSON.stringify(key).slice(0, -1)}`))
      ? [{ at, text }]
      : [];
  });
}

function fromLog({ nodes }: World): Line[] {
  return nodes.flatMap(({ name, log }) =>
    readLines(log).flatMap((text) => {
      try {
        return [{ at: Date.parse((JSON.parse(text) as { time: string }).time), text: `${name} ${text}` }];
      } catch {
        // A line was cut off by a kill.
        return [];
      }
    }),
  );
}

/** Entries and rows of the log about the page's data, what became of the consumers, and the commit times of the current versions. */
async function fromDatabase({ connection }: World, about: Partial<Datum> | undefined): Promise<Line[]> {
  const { family = null, category = null, port = null } = about ?? {};
  return withClient(connection, async (client) => {
    const trace = await client.query<Line>(
      `SELECT extract(epoch FROM at)::float8 * 1000 AS at, concat_ws(' ', 'database', what, 'by', pid, line) AS text FROM trace
       WHERE what LIKE '% consumer'
          OR ($1::text IS NULL OR what LIKE '% queue_' || $1 OR line->>'handler' = 'listen_' || $1)
         AND ($2::text IS NULL OR coalesce(line->'key', line)->>'category' = $2)
         AND ($3::text IS NULL OR coalesce(line->'key', line)->>'port' = $3)`,
      [family, category, port],
    );
    const commits = await client.query<Line>(
      `SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 * 1000 AS at,
              concat_ws(' ', 'database', 'committed', family, category, port, version) AS text
       FROM (${['plain', 'unique', 'row', 'statement'].map((name) => `SELECT xmin, * FROM datum_${name}`).join(' UNION ALL ')}) AS d
       WHERE version > 0 AND ($1::text IS NULL OR family = $1) AND ($2::text IS NULL OR category = $2) AND ($3::text IS NULL OR port = $3)`,
      [family, category, port],
    );
    return [...trace.rows, ...commits.rows];
  });
}

const readLines = (file: string) => readFileSync(file, 'utf8').split('\n').filter(Boolean);
