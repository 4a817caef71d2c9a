import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../postgres/connection.ts';
import type { Random } from '../random.ts';
import { iniFor, makeSite } from '../site.ts';
import { type Canaries, placeCanaries } from './canary.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { handlersIni } from './families.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import { daemonRole } from './schema.ts';

/** A machine of the fleet: a root of its own, with the daemons that clear it. */
export interface Node {
  /** For example `node 1`. */
  readonly name: string;
  readonly root: string;
  readonly canaries: Canaries;
  /** Of its daemons. */
  readonly log: string;
  readonly configuration: string;
  /** The main.js of its daemons, and of its commands. */
  readonly program: string;
  /** Writes the configuration again, with a random batch size. */
  configure(chance: Random): void;
  /** Starts a daemon with a new configuration. The caller ends it. */
  startDaemon(chance: Random): Daemon;
  /** What its marker says: undefined while there is none. */
  id(): string | undefined;
  /** Directories below root that are compared by others. */
  readonly foreign: readonly string[];
  /** Of its log, since it was forgotten. */
  lines(): string[];
  /** Copies the log and truncates it, as logrotate's copytruncate does. */
  rotate(): void;
  /** How often it was wiped since its log was forgotten, by reason. */
  wipes(): Readonly<Record<string, number>>;
  forget(): void;
  remove(): void;
}

interface NodeParts {
  readonly number: number;
  readonly connection: Connection;
  /** The daemon's. */
  readonly main: string;
  /** For its log. */
  readonly folder: string;
  readonly options: Options;
  readonly report: Report;
  readonly extra: (number: number) => Extra;
}

/** What a node has besides its pages. Called each time that its configuration is written. */
export interface Extra {
  readonly more: string;
  readonly handlers: string;
  readonly foreign: readonly string[];
}

/** Short times, so that a run reaches each limit often. The log keeps no row longer than necessary. */
const limits = 'sweep = 1s\nheartbeat = 1s\nexpire = 5s\nkeep = 0s';

export function makeNode({ number, connection, main, folder, options, report, extra }: NodeParts): Node {
  const name = `node ${number}`;
  const site = makeSite(options.disk ? '/tmp' : undefined);
  const canaries = placeCanaries(site.root);
  const log = join(folder, `daemon-${number}.log`);
  const rotated = `${log}.1`;
  const configure = (batch: number) => {
    const { more, handlers } = extra(number);
    const as = { ...connection, user: daemonRole };
    return site.configure(
      iniFor(site, as, {
        settle: options.settle,
        more: `[daemon]\n${limits}\nbatch = ${batch}\n${more}`,
        handlers: handlersIni + handlers,
      }),
    );
  };
  let quietPoints = 0;
  const batchSize = (chance: Random) => chance.pick(options.batches ?? [1, 3, 20, 1000]);
  const readLog = () =>
    (existsSync(rotated) ? readFileSync(rotated, 'utf8') : '') + readFileSync(log, 'utf8');
  return {
    name,
    root: site.root,
    canaries,
    log,
    configuration: configure(1000),
    program: main,
    foreign: extra(number).foreign,
    configure: (chance) => void configure(batchSize(chance)),
    startDaemon: (chance) =>
      startDaemon({
        name,
        main,
        log,
        readLog: () => ({ text: readLog(), quietPoints }),
        configuration: configure(batchSize(chance)),
        report,
      }),
    lines: () => readLog().split('\n').filter(Boolean),
    rotate() {
      appendFileSync(rotated, readFileSync(log));
      truncateSync(log);
    },
    id() {
      try {
        return (JSON.parse(readFileSync(join(site.root, '.uncached'), 'utf8')) as { id?: string }).id;
      } catch {
        // There is none, or it is being written.
        return undefined;
      }
    },
    wipes() {
      const wipes: Record<string, number> = {};
      for (const [, reason = ''] of readLog().matchAll(/"event":"cache-wiped".*"reason":"(\w+)"/g))
        wipes[reason] = (wipes[reason] ?? 0) + 1;
      return wipes;
    },
    // Daemons append to it, and continue at the new end.
    forget() {
      quietPoints += 1;
      rmSync(rotated, { force: true });
      truncateSync(log);
    },
    remove: () => site.remove(),
  };
}
