import type { CacheSections, HandlerSettings } from '../../core/configuration.ts';
import type { ReadSteps, Step } from '../../core/target-cache.ts';
import type { ColumnTemplate } from '../../template/column-template.ts';
import { parseUrl } from '../../template/url-template.ts';
import { readZones } from './zones.ts';

/** The kind: each zone is a cache of its own. */
export const nginx = 'nginx';

/** From `url[]`. A work is a url. What is wrong with a line, the steps of purges tell. */
export function nginxSteps(sections: CacheSections): ReadSteps {
  const { zones } = readZones(sections);
  return (own, followers) => {
    const lines = linesOf(own);
    const followerOf = new Map(
      followers.flatMap((follower) =>
        linesOf(follower).flatMap(({ columns, expand }) =>
          columns.length > 0 ? [] : [[expand({}), follower.name] as const],
        ),
      ),
    );
    if (lines.length === 0 && followerOf.size === 0) return { steps: [], problems: [] };
    const plans = lines.map((line) => ({ ...line, everything: [] }));
    const shared = [...followerOf.keys()];
    const steps = zones.map(({ name }): Step => ({ kind: nginx, cache: name, plans, shared, followerOf }));
    return { steps, problems: [] };
  };
}

function linesOf({ url = [] }: HandlerSettings): (ColumnTemplate & { text: string })[] {
  return url.flatMap((text) => {
    try {
      return [{ text, ...parseUrl(text) }];
    } catch {
      return [];
    }
  });
}
