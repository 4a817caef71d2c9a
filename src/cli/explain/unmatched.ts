import { programsOf } from '../../caches/command/command-cache.ts';
import { templatesOf } from '../../caches/files/files-steps.ts';
import type { Handler } from '../../clearing/handler.ts';
import { didYouMean } from '../../core/suggest.ts';
import { formatPagePath, type PagePath } from './page-path.ts';

/**
 * A page that no template names stays until somebody deletes it. Says so, and where the path and the
 * templates differ.
 */
export function formatUnmatched(
  place: PagePath,
  handlers: ReadonlyMap<string, Handler>,
  nearest: { handler: string; template: string; beginning: string } | undefined,
): string[] {
  const { path } = place;
  const lines = [
    ...formatPagePath(place),
    'No template matches it: no change in the database will ever clear it.',
  ];
  if (nearest) {
    lines.push(
      `The nearest is ${nearest.template} of ${nearest.handler}: it matches as far as ${nearest.beginning}/.`,
    );
  } else {
    const [first = ''] = path.split('/');
    const directories = [...handlers.values()].flatMap((handler) =>
      templatesOf(handler).map(({ text }) => text.split('/')[0] ?? ''),
    );
    lines.push(`No template begins with ${first}/${didYouMean(first, directories)}.`);
  }
  if (path.split('/').some((component) => component.startsWith('.')))
    lines.push('A wildcard never matches a leading dot.');
  for (const handler of handlers.values()) {
    const programs = programsOf(handler);
    if (programs.length > 0) lines.push(`A command of ${handler.name} may delete it: ${programs.join('; ')}`);
  }
  return lines;
}
