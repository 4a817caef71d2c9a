import type { Handler } from '../../clearing/handler.ts';
import type { HandlerSettings } from '../../core/configuration.ts';
import { invertUrl } from '../../template/invert-url.ts';
import { parseUrl } from '../../template/url-template.ts';
import type { TemplateMatch } from './matches.ts';

/**
 * Every line of `url[]` that names a url, of the handlers and of those under their `then`.
 * @param isSame whether what a line makes of a key is the url
 */
export function findUrlMatches(
  settings: readonly HandlerSettings[],
  handlers: ReadonlyMap<string, Handler>,
  url: string,
  isSame: (made: string) => boolean,
): TemplateMatch[] {
  const linesOf = (name: string) =>
    (settings.find((one) => one.name === name)?.url ?? []).map((text) => ({ text, ...parseUrl(text) }));
  return [...handlers.values()].flatMap((handler) =>
    [
      ...linesOf(handler.name).map((template) => ({ handler, template })),
      ...handler.followers.flatMap((follower) =>
        linesOf(follower).map((template) => ({ handler, template, follower })),
      ),
    ].flatMap((one) => {
      const { candidates, more } = invertUrl(one.template, url, isSame);
      return candidates.length > 0 ? [{ ...one, candidates, more }] : [];
    }),
  );
}
