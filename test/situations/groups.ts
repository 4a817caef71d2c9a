import { existsSync } from 'node:fs';
import { canMount } from '../faults/namespace.ts';
import type { LaunchedServer } from '../postgres/launch.ts';
import { channels } from './channels.ts';
import { commands, disabled, withCommand, withoutDates } from './commands.ts';
import { disk } from './disk.ts';
import { elsewhere, membership } from './fleet.ts';
import { locks } from './locks.ts';
import { hang, mounted, mounts } from './mounts.ts';
import { rights } from './rights.ts';
import { network, serverSituations } from './server.ts';
import type { Situation } from './situation.ts';
import type { StandOptions } from './stand.ts';
import { unseen, without } from './without.ts';

/**
 * Situations that run in sequence on one stand. Its daemon is started before the first, because a start costs
 * more than a situation.
 */
export interface Group {
  readonly title: string;
  readonly options?: StandOptions;
  readonly situations: readonly Situation[];
  /** Whether the group needs a server of its own. */
  readonly own?: true;
}

const mountable = canMount();
const hangable = mountable && existsSync('/dev/fuse') && process.getuid?.() === 0;

/** The longest comes first. */
export const groupsOn = (server: () => LaunchedServer): readonly Group[] => [
  { title: 'a server', situations: serverSituations(server), own: true },
  { title: 'daemons', situations: without },
  {
    title: 'mounts and a file server',
    // A file server that does not answer cannot be repaired, so this comes last.
    situations: [...(mountable ? mounts : []), ...(hangable ? hang : [])],
    options: { within: mounted },
  },
  { title: 'locks and a disk', situations: [...locks, ...disk] },
  { title: 'nodes', situations: [...elsewhere, ...membership] },
  { title: 'rights', situations: rights },
  { title: 'channels and a page', situations: [...channels, ...unseen] },
  { title: 'a network', situations: network, options: { between: true } },
  { title: 'commands', situations: commands, options: { ini: withCommand } },
  { title: 'an fp-listen.ini', situations: disabled, options: { ini: withoutDates } },
];
