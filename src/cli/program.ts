import { Command, CommanderError, Option } from 'commander';
import { findFile } from '../config/load.ts';
import { logFormats } from '../core/configuration.ts';
import { usualThresholds } from '../core/daemon-status.ts';
import { toSeconds } from '../core/duration.ts';
import { levels } from '../core/holding.ts';
import { printableLines } from '../core/printable-text.ts';
import { usualTimings } from '../core/timings.ts';
import { version } from '../core/version.ts';
import { addAttach } from './attach-command.ts';
import { errorReport } from './error-report.ts';
import { complain, flushed } from './output.ts';

/**
 * Each command is loaded when it is used: loading takes most of a command's time.
 *
 * Returns when the whole output has been read. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
 * `status` uses the same three as a Nagios plugin.
 */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  let patienceMs: number | undefined;
  const program = new Command('uncached')
    .description('Deletes cached pages the moment the PostgreSQL data behind them changes.')
    .option(
      '--config <file>',
      'configuration file (default: $UNCACHED_CONFIG, /usr/local/etc/uncached.ini, /etc/uncached.ini)',
    )
    .version(version, '-V, --version')
    .configureOutput({ outputError: (text, write) => write(printableLines(text)) })
    .exitOverride()
    .showSuggestionAfterError();
  const file = () => findFile(program.opts<{ config?: string }>().config);
  const exitWith = async (code: Promise<number> | number) => {
    exitCode = await code;
  };

  program
    .command('run')
    .description('run the daemon in the foreground')
    .addOption(
      new Option(
        '--log-format <format>',
        'json for programs, text for people, journald for systemd (default: text on a terminal, else json)',
      ).choices(logFormats),
    )
    .action(async ({ logFormat = process.stdout.isTTY ? 'text' : 'json' }) => {
      // Its log is written elsewhere. It prints little else, and SIGTERM ends it even if nobody reads that.
      patienceMs = usualTimings.reporting.log.lastMs;
      const { run } = await import('./run.ts');
      await exitWith(run(file(), { logFormat }));
    });
  program
    .command('drain')
    .description('clear and settle what is queued now, then exit')
    .option('--timeout <time>', 'stop after this time, such as 10m; without it, there is no limit')
    .action(async (options) => {
      const { drain } = await import('./drain.ts');
      await exitWith(drain(file(), options));
    });
  program
    .command('status')
    .description('daemons and caches; backlog, lag and log by handler; exit 0 good, 1 warning, 2 critical')
    .option('--json', 'as JSON')
    .addOption(new Option('--watch', 'again every 2 s, until Ctrl-C').conflicts('json'))
    .option('-w, --warning <time>', 'warn from this lag on', `${toSeconds(usualThresholds.warningMs)}s`)
    .option('-c, --critical <time>', 'critical from this lag on', `${toSeconds(usualThresholds.criticalMs)}s`)
    .action(async (options) => {
      const { status } = await import('./status.ts');
      await exitWith(status(file, options));
    });
  program
    .command('check')
    .description('report every problem of configuration, rights, root, templates and channels')
    .option('--probe', 'and purge one page in each target, to prove that it goes')
    .action(async (options) => {
      const { check } = await import('./check.ts');
      await exitWith(check(file(), options));
    });
  program
    .command('clear')
    .description('clear by hand what a handler would clear for a key')
    .argument('<handler>', 'name of the handler')
    .argument('[column=value...]', 'the key')
    .option('--dry-run', 'only list what would go')
    .action(async (handler, key, options) => {
      const { clear } = await import('./clear.ts');
      await exitWith(clear(file(), handler, key, options));
    });
  program
    .command('explain')
    .description(
      'explain why a page exists: which templates match it, with which key, and whether an entry for it is waiting',
    )
    .argument('<page>', 'its path, absolute or below root; or its url')
    .option('--ask', 'and ask each cache whether it has the url')
    .action(async (page, options) => {
      const { explainPage } = await import('./explain.ts');
      await exitWith(explainPage(file(), page, options));
    });
  const consumersCommand = program
    .command('consumers')
    .description('list the caches that follow the log, of every node: state, rows behind, problem')
    .option('--json', 'as JSON')
    .action(async (options) => {
      const { consumers } = await import('./consumers.ts');
      await exitWith(consumers(file(), 'list', '', options));
    });
  consumersCommand
    .command('forget')
    .description('keep the log no longer for a cache that is gone for good')
    .argument('<name>', 'its id, its root, or its node if that has one root')
    .action(async (name) => {
      const { consumers } = await import('./consumers.ts');
      await exitWith(consumers(file(), 'forget', name, {}));
    });
  const failingCommand = program.command('failing').description('list, retry or drop what cannot be cleared');
  for (const [action, description] of [
    ['list', 'list failing rows, with error and next retry'],
    ['retry', 'retry now'],
    ['drop', 'discard for good; the pages may stay stale'],
  ] as const) {
    const command = failingCommand
      .command(action)
      .description(description)
      .argument('[id...]', 'rows; all of them by default')
      .option('--handler <name>', 'only rows of this handler')
      .action(async (ids, options) => {
        const { failing } = await import('./failing.ts');
        await exitWith(failing(file(), action, ids, options));
      });
    if (action === 'list') command.option('--json', 'as JSON');
    if (action === 'drop') command.option('--all', 'drop every failing row');
  }
  program
    .command('config')
    .description('print the effective configuration, passwords masked')
    .option('--show-password', 'with the password, for a file that is used')
    .action(async (options) => {
      const { config } = await import('./config.ts');
      await exitWith(config(file(), options));
    });
  program
    .command('schema')
    .description('print the SQL to install: uncached schema | psql')
    .option('--freshports', "with FreshPorts' queue tables and their channels")
    .option('--journal-only', 'only what a database with its own listen_for and queue tables needs')
    .option('--barrier', 'what tells when changes have been cleared, for the configured handlers')
    .option('--uninstall', 'print the SQL that removes it')
    .action(async (options) => {
      const { schema } = await import('./schema.ts');
      const { schemaBarrier } = await import('./schema-barrier.ts');
      await exitWith(isAlone(options, 'barrier') ? schemaBarrier(file()) : schema(options));
    });
  program
    .command('wait')
    .description('wait until what a transaction changed is cleared in every cache: see schema --barrier')
    .requiredOption('--xid <id>', 'the transaction, as pg_current_xact_id() tells it')
    .addOption(
      new Option('--level <level>', 'settled: no writer publishes a stale page again; cleared: once')
        .choices(levels)
        .default('settled'),
    )
    .option('--timeout <time>', 'stop after this time, such as 30s, with exit code 1; without it, no limit')
    .option('--handler <name...>', 'only what these handlers clear')
    .option('--failing-for <time>', 'not for rows that have been failing for longer than this')
    .action(async (options) => {
      const { waitCleared } = await import('./wait.ts');
      await exitWith(waitCleared(file(), options));
    });
  addAttach(program, { given: () => program.opts<{ config?: string }>().config, exitWith });

  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    exitCode = reportError(error);
  }
  return (await flushed(patienceMs)) ? exitCode : exitCode || 1;
}

/** Whether this option is given, and no other. */
function isAlone(options: object, name: string): boolean {
  return Object.keys(options).join() === name;
}

function reportError(thrown: unknown): number {
  // Commander has reported the error, or printed the help.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  const { code, complaints } = errorReport(thrown);
  for (const one of complaints) complain(one);
  return code;
}
