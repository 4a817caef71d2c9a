import type { Draft } from '../config/typed-configuration.ts';
import type { HandlerSettings } from '../core/configuration.ts';
import type { Attachment } from '../postgres/attach-sql.ts';
import { readChannels } from '../postgres/channels.ts';
import { existingProblems, findExistingQueue } from '../postgres/existing-queue.ts';
import { showIdentifier } from '../postgres/identifier.ts';
import type { Pool } from '../postgres/pool.ts';
import { roleNames, rolesWithoutUsage } from '../postgres/site-names.ts';
import { readSourceTable, type SourceTable } from '../postgres/source-table.ts';
import { readInstallation } from './administrator.ts';
import { readKey } from './attach-key.ts';
import { formatFindings } from './attach-lines.ts';
import { type Presence, presenceOf, sectionProblems } from './attach-section.ts';
import { chooseChannel, findTable, longestName, queueOf } from './attach-target.ts';
import { compareTriggers } from './attach-triggers.ts';
import type { Findings } from './findings.ts';
import { meant, readWritten, unknownName } from './written-names.ts';

export interface AttachOptions {
  readonly handler?: string;
  readonly queue?: string;
  readonly channel?: string;
  readonly clear?: readonly string[];
  readonly url?: readonly string[];
  readonly tag?: readonly string[];
  readonly statement?: boolean;
  readonly updateOf?: readonly string[];
  readonly when?: string;
  readonly role?: readonly string[];
  readonly ini?: boolean;
}

export interface AttachRequest {
  readonly table: string;
  readonly columns: readonly string[];
  readonly handler: string;
  readonly options: AttachOptions;
  readonly draft: Draft | undefined;
}

export interface AttachPlan {
  readonly attachment: Attachment;
  readonly settings: HandlerSettings;
  readonly presence: Presence;
  /** The columns of the key, as templates name them; also those with a problem. */
  readonly keyNames: readonly string[];
}

/** Reads the database, and says what is to be made in it; every problem goes to `found`. */
export async function planAttachment(
  pool: Pool,
  { table: written, columns, handler, options, draft }: AttachRequest,
  { problems, notices }: Findings,
): Promise<AttachPlan> {
  const { listenFor, triggers } = await readInstallation(pool);
  const relation = await findTable(pool, written);
  const table = relation.name;
  const source = await readSourceTable(pool, relation);
  const key = readKey(columns, { table, columns: source.columns });
  problems.push(...key.problems);

  const named = readWritten(options.queue ?? '');
  const queue = {
    schema: named.schema ?? relation.schema,
    table: options.queue === undefined ? queueOf(handler) : named.name,
  };
  const shown = `${showIdentifier(queue.schema)}.${showIdentifier(queue.table)}`;
  if (Buffer.byteLength(queue.table) > longestName)
    problems.push(`${queue.table} is longer than ${longestName} bytes: name the queue table with --queue`);
  const existing = await findExistingQueue(pool, queue);
  if (existing && key.problems.length === 0)
    problems.push(...(await existingProblems(pool, existing, { queue: shown, key: key.columns })));

  const channel = chooseChannel(handler, options.channel, await readChannels(pool));
  problems.push(...channel.problems);
  const roles = await chooseRoles(pool, options.role, source, problems);
  const withoutUsage = await rolesWithoutUsage(pool, queue.schema, ['uncached', ...roles]);
  if (!withoutUsage)
    problems.push(
      `schema ${showIdentifier(queue.schema)} does not exist: create it, or name another in --queue`,
    );

  const byStatement = options.statement ?? false;
  const children = source.children.filter((one) => byStatement || !one.isPartition).map(({ name }) => name);
  if (children.length > 0 || (byStatement && relation.kind === 'p'))
    notices.push(`a table that is made below ${table} later gets no trigger by itself: attach again then`);
  const compared = compareTriggers(triggers, {
    tables: [table, ...source.children.map(({ name }) => name)],
    queue,
    form: byStatement ? 'statement' : options.when === undefined ? 'row' : 'when',
  });
  problems.push(...compared.problems);
  notices.push(...compared.notices);

  const settings = settingsOf(handler, `${queue.schema}.${queue.table}`, options);
  problems.push(...sectionProblems(settings, draft));
  const formats = formatFindings(settings, key.columns);
  problems.push(...formats.problems);
  notices.push(...formats.notices);
  return {
    attachment: {
      table,
      children,
      queue,
      key: key.columns,
      lockColumn: !existing || existing.columns.includes('id') ? 'id' : (existing.columns[0] ?? 'id'),
      channel: channel.channel,
      handler,
      listenFor: listenFor.name,
      byStatement,
      updateOf: updatedColumns(options.updateOf, { table, source, key: key.columns }, problems),
      ...(options.when !== undefined && { when: options.when }),
      roles,
      withoutUsage: withoutUsage ?? [],
      replaced: compared.replaced,
    },
    settings,
    presence: presenceOf(settings, draft),
    keyNames: key.names,
  };
}

export function settingsOf(
  name: string,
  queue: string,
  { clear = [], url = [], tag = [] }: AttachOptions,
): HandlerSettings {
  return { name, queue, clear, followers: [], url, tag };
}

/** With those of the key: a change of it makes pages stale whatever else changes. */
function updatedColumns(
  written: readonly string[] = [],
  { table, source, key }: { table: string; source: SourceTable; key: readonly { readonly source: string }[] },
  problems: string[],
): string[] {
  const names = source.columns.map(({ name }) => name);
  const columns = written.flatMap((one) => {
    const found = meant(one, names, (name) => name);
    if (found === undefined) problems.push(unknownName(`--update-of: ${table} has no column`, one, names));
    return found ?? [];
  });
  return written.length === 0 ? [] : [...new Set([...key.map((one) => one.source), ...columns])];
}

async function chooseRoles(
  pool: Pool,
  written: readonly string[] | undefined,
  source: SourceTable,
  problems: string[],
): Promise<(string | null)[]> {
  if (written === undefined) return [...source.roles];
  const names = await roleNames(pool);
  return written.flatMap((one) => {
    const found = meant(one, names, (name) => name);
    if (found === undefined) problems.push(unknownName('--role: there is no role', one, names));
    return found ?? [];
  });
}
