import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Site } from '../site.ts';
import type { RunningDaemon } from '../uncached.ts';
import { allPages } from './changes.ts';
import { type Committed, ifCalm } from './record.ts';
import { say } from './say.ts';

/** What the demo runs on. */
export interface Stage {
  readonly client: Client;
  readonly site: Site;
  readonly daemon: RunningDaemon;
  readonly signal: AbortSignal;
}

/** What is found when all is calm. */
export interface Found {
  readonly committed: readonly Committed[];
  readonly gone: readonly string[];
  /** Whether rows fail. */
  readonly failing: boolean;
}

const lookMs = 30;
const sayWhyMs = 2_000;
const giveUpMs = 60_000;

/** Waits for a calm, notes which pages are gone, and puts them back. Undefined if it is interrupted first. */
export async function atCalm({ client, site, daemon, signal }: Stage): Promise<Found | undefined> {
  const begun = performance.now();
  let said = false;
  while (!signal.aborted) {
    let found: Found | undefined;
    const who = await ifCalm(client, (committed, { failing }) => {
      const left = new Set(site.pages());
      const gone = allPages.filter((page) => !left.has(page));
      site.write(gone);
      found = { committed, gone, failing };
    });
    if (found) return found;
    const ms = performance.now() - begun;
    if (who === 'daemon' && ms > giveUpMs)
      throw new Error(
        `a change is not cleared after ${giveUpMs / 1000} s; the daemon says: ${daemon.complaints()}`,
      );
    if (who === 'visitors' && ms > sayWhyMs && !said) {
      said = true;
      say(
        'Waiting until your transactions end, and what you queued without NOTIFY is found (within a minute):',
      );
      say('what is gone is deleted once more then, as pages that were written meanwhile may hold old data.');
    }
    await wait(lookMs, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
