import type { CacheSections, HandlerSettings } from '../../core/configuration.ts';
import type { ReadSteps, Step } from '../../core/target-cache.ts';
import type { ColumnTemplate } from '../../template/column-template.ts';
import { parseTag } from '../../template/tag-template.ts';
import { parseUrl } from '../../template/url-template.ts';
import { readTargets } from './targets.ts';

/** The kind: each target is a cache of its own. */
export const purge = 'purge';

const parsers = { url: parseUrl, tag: parseTag } as const;
type Line = keyof typeof parsers;

/** From `url[]` or `tag[]`, whichever the target takes. A work is a url or a tag. */
export function purgeSteps(sections: CacheSections): ReadSteps {
  const { targets } = readTargets(sections);
  return (own, followers) => {
    const problems: string[] = [];
    const parse = (line: Line, { name, [line]: texts = [] }: HandlerSettings) =>
      texts.flatMap((text) => {
        try {
          return [{ text, ...parsers[line](text) }];
        } catch (error) {
          problems.push(`[handler.${name}] ${(error as Error).message}`);
          return [];
        }
      });
    const parsed = { url: parse('url', own), tag: parse('tag', own) };
    // Each follower reports its own problems.
    const mine = problems.splice(0);
    const sharedBy = (line: Line) =>
      followers.flatMap((follower) => parse(line, follower).flatMap((one) => literalOf(one, follower.name)));
    const shared = { url: sharedBy('url'), tag: sharedBy('tag') };
    const lines = parsed.url.length + parsed.tag.length + shared.url.length + shared.tag.length;
    if (lines > 0 && sections.purges.length === 0 && !sections.zones?.length)
      mine.push(
        `[handler.${own.name}] has url[] or tag[], and there is no [purge.NAME] or [nginx.NAME] section for them`,
      );
    const steps = targets.flatMap(({ name, template: { takes } }): Step[] => {
      const works = shared[takes];
      if (parsed[takes].length === 0 && works.length === 0) return [];
      return [
        {
          kind: purge,
          cache: name,
          plans: parsed[takes].map((line) => ({ ...line, everything: [] })),
          shared: [...new Set(works.map(({ work }) => work))],
          followerOf: new Map(works.map(({ work, follower }) => [work, follower])),
        },
      ];
    });
    return { steps, problems: mine };
  };
}

/** A follower has no key, so what names a column is no line of one (the parser of handlers says so). */
function literalOf(line: ColumnTemplate, follower: string): { work: string; follower: string }[] {
  return line.columns.length > 0 ? [] : [{ work: line.expand({}), follower }];
}
