import { setTimeout as wait } from 'node:timers/promises';
import { commandRunner } from '../caches/command/command.ts';
import { openClient } from '../caches/purge/http-client.ts';
import { type Proof, prove, purgeNow } from '../caches/purge/probe.ts';
import { type ProbePage, parseProbe } from '../caches/purge/probe-page.ts';
import { PurgeCache } from '../caches/purge/purge-cache.ts';
import { purge } from '../caches/purge/purge-steps.ts';
import { readTargets, type Target } from '../caches/purge/targets.ts';
import type { CacheSections } from '../core/configuration.ts';
import { systemClock } from '../daemon/system-clock.ts';
import type { Findings } from './findings.ts';

/** Purges one page in each target, and looks whether it is gone. What cannot be proven is a problem. */
export async function inspectProbes(sections: CacheSections): Promise<Findings> {
  const found: Findings = { problems: [], notices: [] };
  const { targets } = readTargets(sections);
  // One after the other: the page of one may come from the cache behind it.
  for (const target of targets) {
    const section = `[purge.${target.settings.name}]`;
    const { probe } = target.settings;
    if (probe === undefined) {
      const example = target.template.takes === 'url' ? '/a/page' : '/a/page and-its-tag';
      found.problems.push(
        `${section} is not proven to purge: it has no "probe": name a page that is cached, such as probe = ${example}`,
      );
      continue;
    }
    let page: ProbePage;
    try {
      page = parseProbe(probe, target);
    } catch {
      // Every check reports it.
      continue;
    }
    const { proven, text } = await proofOf(target, page, targets);
    // What the purge itself says begins with them.
    const start = text.startsWith(section) ? '' : `${section} ${target.address.text}: `;
    found[proven ? 'notices' : 'problems'].push(start + text);
  }
  return found;
}

function proofOf(target: Target, page: ProbePage, targets: readonly Target[]): Promise<Proof> {
  const clock = systemClock;
  const { timeoutMs } = target.settings;
  const get = openClient(page.address, { connections: 1, timeoutMs, authorities: target.authorities });
  const purgeAll = async () => {
    for (const one of [...behind(target, targets), target]) {
      const work = one.template.takes === 'url' ? page.url : page.tag;
      if (work !== undefined)
        await purgeNow(new PurgeCache(one, { clock, tell() {}, run: commandRunner() }), work, clock);
    }
  };
  return prove({ page, get, purge: purgeAll, wait });
}

/** Those from which it gets the page, the innermost first. */
function behind({ settings: { after } }: Target, targets: readonly Target[]): Target[] {
  const next = targets.filter(({ settings }) => `${purge}.${settings.name}` === after);
  return [...new Set(next.flatMap((one) => [...behind(one, targets), one]))];
}
