import { Command, CommanderError, Option } from 'commander';
import { findFile } from '../config/load.ts';
import { explain, toError, UsageError } from '../core/errors.ts';
import { logFormats } from '../observe/log.ts';
import { check } from './check.ts';
import { clear } from './clear.ts';
import { config } from './config.ts';
import { drain } from './drain.ts';
import { explainPage } from './explain.ts';
import { failing } from './failing.ts';
import { run } from './run.ts';
import { schema } from './schema.ts';
import { status } from './status.ts';
import { version } from './version.ts';

/** Exit codes: 0 done, 1 failed, 2 wrong usage or configuration. `status` has Nagios' meaning for the same three. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('uncached')
    .description('Deletes cached pages the moment the PostgreSQL data behind them changes.')
    .option(
      '--config <file>',
      'configuration file (default: $UNCACHED_CONFIG, /usr/local/etc/uncached.ini, /etc/uncached.ini)',
    )
    .version(version, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError();
  const file = () => findFile(program.opts<{ config?: string }>().config);
  const exitWith = async (code: Promise<number> | number) => {
    exitCode = await code;
  };

  program
    .command('run')
    .description('the daemon, in the foreground')
    .addOption(
      new Option('--log-format <format>', 'json for programs, text for people, journald for systemd')
        .choices(logFormats)
        .default('json'),
    )
    .action((options) => exitWith(run(file(), options)));
  program
    .command('drain')
    .description('clear and settle what is queued now, then exit')
    .action(() => exitWith(drain(file())));
  program
    .command('status')
    .description('backlog, lag, claimed, settling and failing by handler; exit 0 good, 1 warning, 2 critical')
    .option('--json', 'as JSON')
    .option('-w, --warning <time>', 'warn from this lag on', '3s')
    .option('-c, --critical <time>', 'critical from this lag on', '60s')
    .action((options) => exitWith(status(file(), options)));
  program
    .command('check')
    .description('every problem of configuration, rights, root, templates and channels, at once')
    .action(() => exitWith(check(file())));
  program
    .command('clear')
    .description('clear by hand what a handler would clear for a key')
    .argument('<handler>', 'name of the handler')
    .argument('[column=value...]', 'the key')
    .option('--dry-run', 'only list what would go')
    .action((handler, key, options) => exitWith(clear(file(), handler, key, options)));
  program
    .command('explain')
    .description('why a page is there: what would clear it, with which key, and whether that is under way')
    .argument('<path>', 'the page: absolute, or below root')
    .action((path) => exitWith(explainPage(file(), path)));
  const failingCommand = program
    .command('failing')
    .description('what cannot be cleared: list, retry or drop');
  for (const [action, description] of [
    ['list', 'each failing row, with its error and its next try'],
    ['retry', 'try again now'],
    ['drop', 'give up for good; the pages may stay stale'],
  ] as const) {
    const command = failingCommand
      .command(action)
      .description(description)
      .argument('[id...]', 'journal rows; all of them by default')
      .option('--handler <name>', 'only rows of this handler')
      .action((ids, options) => exitWith(failing(file(), action, ids, options)));
    if (action === 'list') command.option('--json', 'as JSON');
    if (action === 'drop') command.option('--all', 'drop every failing row');
  }
  program
    .command('config')
    .description('print the effective configuration, passwords masked')
    .option('--show-password', 'with the password, for a file to be used')
    .action((options) => exitWith(config(file(), options)));
  program
    .command('schema')
    .description('print the SQL to install: uncached schema | psql')
    .option(
      '--journal-only',
      'all that is needed beside a listen_for and queue tables that are there already',
    )
    .option('--uninstall', 'print the SQL that removes it')
    .action((options) => exitWith(schema(options)));

  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return tell(error);
  }
}

function tell(thrown: unknown): number {
  // Commander has said what is wrong, or printed the help that was asked for.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  if (thrown instanceof UsageError) {
    for (const problem of thrown.problems) process.stderr.write(`uncached: ${problem}\n`);
    return 2;
  }
  process.stderr.write(`uncached: ${explain(toError(thrown))}\n`);
  return 1;
}
