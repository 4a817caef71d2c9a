import { type Command, Option } from 'commander';

/** `attach` and `detach`, which many options belong to. */
export function addAttach(
  program: Command,
  {
    given,
    exitWith,
  }: { given: () => string | undefined; exitWith: (code: Promise<number>) => Promise<void> },
): void {
  program
    .command('attach')
    .description('print the SQL that makes changes of a table clear pages: uncached attach … | psql')
    .argument('<table>', 'the table, written as in SQL')
    .argument('<column...>', 'the key: COLUMN, or QUEUE_COLUMN=COLUMN')
    .option('--clear <template...>', 'pages to clear, as in clear[]')
    .option('--url <template...>', 'their urls, as in url[]')
    .option('--tag <template...>', 'tags of responses, as in tag[]')
    .option('--ini', "print the handler's section instead, for the configuration")
    .option('--handler <name>', "the handler (default: the table's name)")
    .option('--queue <name>', 'the queue table (default: cache_clearing_HANDLER, next to the table)')
    .option('--channel <name>', "the channel (default: the handler's in listen_for, else HANDLER_updated)")
    .addOption(
      new Option('--statement', 'FOR EACH STATEMENT: for tables that change by the thousand').conflicts([
        'updateOf',
        'when',
      ]),
    )
    .option('--update-of <column...>', 'of updates, only those that name one of these, or one of the key')
    .option('--when <condition>', 'of updates, only those for which this is true, or that change the key')
    .option('--role <role...>', 'roles that change the table (default: all that may)')
    .action(async (table, columns, options) => {
      const { attach } = await import('./attach.ts');
      await exitWith(attach(given(), table, columns, options));
    });
  program
    .command('detach')
    .description('print the SQL that undoes attach: uncached detach … | psql')
    .argument('<table>', 'the table, written as in SQL')
    .option('--queue <name>', 'only the triggers that fill this queue table')
    .action(async (table, options) => {
      const { detach } = await import('./detach.ts');
      await exitWith(detach(given(), table, options));
    });
}
