import type { RunningDaemon } from '../uncached.ts';
import type { Found } from './calm.ts';
import type { Change } from './changes.ts';
import { say, sayPages } from './say.ts';

/**
 * Reports which pages the demo's own change deleted, and which ones the visitors' changes. False if they are
 * the wrong ones.
 */
export async function tell(
  { committed, gone, failing }: Found,
  change: Change | undefined,
  daemon: RunningDaemon,
): Promise<boolean> {
  const stale = change?.stale ?? [];
  const expected = gone.filter((page) => stale.includes(page));
  const others = gone.filter((page) => !stale.includes(page));
  const own = committed.find(({ own }) => own);
  const visitors = committed.find(({ own }) => !own);

  if (change && own)
    sayPages(`${change.words}: ${expected.length} files are gone${await later(own.at, daemon)}`, expected);
  if (visitors) {
    const whose = visitors.sessions > 1 ? `your changes (${visitors.sessions} sessions)` : 'your change';
    const files = change ? 'more files' : 'files';
    const when = others.length > 0 ? await later(visitors.at, daemon) : '';
    const why = others.length > 0 || change ? '' : ', for no page shows it';
    sayPages(`${whose}: ${others.length} ${files} gone${when}${why}`, others);
  } else if (failing && others.length > 0) {
    sayPages('your change that cannot be cleared (see the status page) is tried again', others);
  }

  const stayed = stale.filter((page) => !gone.includes(page));
  for (const page of stayed) say(`  WRONG: ${page} is still there`);
  if (visitors || failing) return stayed.length === 0;
  for (const page of others) say(`  WRONG: ${page} should have stayed`);
  return stayed.length + others.length === 0;
}

/** The time after the change, from the daemon's log, which may arrive a moment later. */
async function later(at: Date, daemon: RunningDaemon): Promise<string> {
  const from = at.toISOString();
  const isIt = ({ event, time }: { event: string; time?: unknown }) =>
    event === 'cleared' && String(time) >= from;
  try {
    const { time } = await daemon.until('clearing', isIt, 5_000);
    return ` ${Math.max(1, Date.parse(String(time)) - at.getTime())} ms later`;
  } catch {
    return '';
  }
}
