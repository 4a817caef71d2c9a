import type { Handler } from '../clearing/handler.ts';
import { didYouMean } from '../core/suggest.ts';
import { type Place, placeInWords } from './place.ts';

/** A page that no template names stays until somebody deletes it: says so, and where the path and the templates part. */
export function strangerInWords(
  place: Place,
  handlers: ReadonlyMap<string, Handler>,
  nearest: { handler: string; template: string; beginning: string } | undefined,
): string {
  const { path } = place;
  const lines = [placeInWords(place), 'No template names it: no change in the database will ever clear it.'];
  if (nearest) {
    lines.push(
      `The nearest is ${nearest.template} of ${nearest.handler}: as far as ${nearest.beginning}/ it fits.`,
    );
  } else {
    const [first = ''] = path.split('/');
    const directories = [...handlers.values()].flatMap(({ templates }) =>
      templates.map(({ text }) => text.split('/')[0] ?? ''),
    );
    lines.push(`No template begins with ${first}/${didYouMean(first, directories)}.`);
  }
  if (path.split('/').some((component) => component.startsWith('.')))
    lines.push('A wildcard never matches a leading dot.');
  for (const { name, commands } of handlers.values()) {
    if (commands.length > 0)
      lines.push(
        `Whether a command of ${name} touches it is not known here: ${commands.join('; ').replaceAll(',', ' ')}`,
      );
  }
  return `${lines.join('\n')}\n`;
}
