import type { ColumnTemplate } from './column-template.ts';
import { parseFormat } from './format.ts';
import { type Inverse, invertTokens, type Token } from './invert.ts';
import { decodePercent } from './percent.ts';

/**
 * Inverts a line of `url[]`: finds the keys with which it names a url. Each is expanded again, and only those count
 * that lead to the very same bytes, or to another spelling of them.
 */
export function invertUrl(
  line: Pick<ColumnTemplate, 'literals' | 'places' | 'expand'>,
  url: string,
  isSame = (made: string) => made === url,
): Inverse {
  const tokens = line.literals.flatMap((literal, at): Token[] => {
    const place = line.places[at];
    const characters = Array.from(literal, (character): Token => ({ kind: 'character', character }));
    return place ? [...characters, columnToken(place)] : characters;
  });
  const leads = (key: Parameters<typeof line.expand>[0]) => {
    try {
      return isSame(line.expand(key));
    } catch {
      return false;
    }
  };
  return invertTokens(tokens, url, leads, decodePercent);
}

/** These differ only in what they encode. */
const plain: readonly (string | undefined)[] = [undefined, 'strict', 'query', 'url'];

function columnToken({ column, formatName }: ColumnTemplate['places'][number]): Token {
  const name = plain.includes(formatName) ? undefined : formatName;
  return { kind: 'column', column, formatName: name, format: parseFormat(name) };
}
