import { formatHandler } from '../config/format-configuration.ts';
import { isPrintable } from '../core/printable-text.ts';
import { shellWord } from '../core/shell.ts';
import { attachSql } from '../postgres/attach-sql.ts';
import { draftOf, withDatabase } from './administrator.ts';
import { readKey } from './attach-key.ts';
import { lineFindings } from './attach-lines.ts';
import { type AttachOptions, type AttachPlan, planAttachment, settingsOf } from './attach-plan.ts';
import { findings } from './findings.ts';
import { complain, print } from './output.ts';
import { readWritten } from './written-names.ts';

/**
 * Prints the SQL that makes changes of the table enqueue, or the handler's section, and changes nothing itself. Where
 * something cannot work it prints neither, but every problem.
 */
export async function attach(
  given: string | undefined,
  table: string,
  columns: readonly string[],
  options: AttachOptions,
): Promise<number> {
  const draft = draftOf(given);
  const { found, attempt } = findings();
  const handler = options.handler ?? readWritten(table).name;
  if (options.ini && (options.clear ?? options.url ?? options.tag) === undefined)
    found.problems.push('--ini: a section without --clear, --url or --tag would clear nothing');
  const texts = {
    '--handler': handler,
    '--queue': options.queue,
    '--channel': options.channel,
    '--when': options.when,
  };
  for (const [option, text = ''] of Object.entries(texts))
    if (!isPrintable(text.replaceAll('\n', ' ')))
      found.problems.push(`${option} has a character that cannot be printed, such as a tab`);
  let plan: AttachPlan | undefined;
  await attempt('read the database', async () => {
    plan = await withDatabase(draft, (pool) =>
      planAttachment(pool, { table, columns, handler, options, draft }, found),
    );
    return {};
  });
  // Without the table, the names that are written are all that is known.
  const key = plan?.keyNames ?? readKey(columns, { table, columns: [] }).names;
  await attempt('read the templates', () => lineFindings(settingsOf(handler, '', options), key));
  if (plan && options.ini && plan.presence === 'different')
    found.problems.push(
      `${draft?.file} has a [handler.${handler}] with other lines: change them there, to\n${formatHandler(plan.settings)}`,
    );
  for (const notice of found.notices) complain(`notice: ${notice}`);
  for (const problem of new Set(found.problems)) complain(problem);
  if (!plan || found.problems.length > 0) return 1;
  if (!options.ini) print(attachSql(plan.attachment));
  else if (plan.presence === 'missing') print(`\n${formatHandler(plan.settings)}`);
  sayNext(plan, { table, columns, options, file: draft?.file });
  return 0;
}

/** What is left to do, on standard error: standard output is for psql, or for the file. */
function sayNext(
  { settings: { name }, presence }: AttachPlan,
  {
    table,
    columns,
    options,
    file,
  }: { table: string; columns: readonly string[]; options: AttachOptions; file: string | undefined },
): void {
  if (options.ini && presence === 'same') complain(`[handler.${name}] is in ${file} already`);
  if (options.ini || presence !== 'missing') return;
  const { handler, queue, clear = [], url = [], tag = [] } = options;
  if (clear.length + url.length + tag.length === 0) {
    complain(`next: add a section [handler.${name}] to the configuration, or use --clear and --ini`);
    return;
  }
  const words = [
    ...['attach', table, ...columns],
    ...(handler === undefined ? [] : ['--handler', handler]),
    ...(queue === undefined ? [] : ['--queue', queue]),
    ...clear.flatMap((text) => ['--clear', text]),
    ...url.flatMap((text) => ['--url', text]),
    ...tag.flatMap((text) => ['--tag', text]),
  ];
  complain(
    `next: uncached ${words.map(shellWord).join(' ')} --ini >> ${shellWord(file ?? '/etc/uncached.ini')}`,
  );
}
