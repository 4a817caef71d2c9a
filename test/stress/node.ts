import { readFileSync, truncateSync } from 'node:fs';
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
  /** Starts a daemon with a random batch size. The caller ends it. */
  startDaemon(chance: Random): Daemon;
  /** What its marker says: undefined while there is none. */
  id(): string | undefined;
  /** How often it was wiped since its log was truncated, by reason. */
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
}

/** Short times, so that a run reaches each limit often. The log keeps no row longer than necessary. */
const limits = 'sweep = 1s\nheartbeat = 1s\nexpire = 5s\nkeep = 0s';

export function makeNode({ number, connection, main, folder, options, report }: NodeParts): Node {
  const name = `node ${number}`;
  const site = makeSite(options.disk ? '/tmp' : undefined);
  const canaries = placeCanaries(site.root);
  const log = join(folder, `daemon-${number}.log`);
  const configure = (batch: number) => {
    const more = `[daemon]\n${limits}\nbatch = ${batch}\n`;
    const as = { ...connection, user: daemonRole };
    return site.configure(iniFor(site, as, { settle: options.settle, more, handlers: handlersIni }));
  };
  return {
    name,
    root: site.root,
    canaries,
    log,
    configuration: configure(1000),
    program: main,
    startDaemon: (chance) =>
      startDaemon({ name, main, log, configuration: configure(chance.pick([1, 3, 20, 1000])), report }),
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
      for (const [, reason = ''] of readFileSync(log, 'utf8').matchAll(
        /"event":"cache-wiped".*"reason":"(\w+)"/g,
      ))
        wipes[reason] = (wipes[reason] ?? 0) + 1;
      return wipes;
    },
    // Daemons append to it, and continue at the new end.
    forget: () => truncateSync(log),
    remove: () => site.remove(),
  };
}
