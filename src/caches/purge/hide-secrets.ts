import type { Target } from './targets.ts';

/** A shorter word of a header may be anything, such as a number. */
const shortest = 8;

/**
 * Hides what a target may repeat in its answer of what it was sent: the secrets, and the words of headers that are
 * written out, as `uncached config` does. Also as they look inside JSON or a url.
 */
export function hideSecrets({
  secrets,
  settings,
}: Pick<Target, 'secrets' | 'settings'>): (text: string) => string {
  const written = settings.header.flatMap((header) =>
    header
      .slice(header.indexOf(':') + 1)
      .split(/\s+/)
      .filter((word) => word.length >= shortest && !word.includes('{')),
  );
  const all = [...secrets, ...written].flatMap((one) => [
    one,
    JSON.stringify(one).slice(1, -1),
    encodeURIComponent(one),
  ]);
  // What contains another one goes first.
  const words = [...new Set(all)].filter((one) => one !== '').sort((a, b) => b.length - a.length);
  return (text) => words.reduce((shown, word) => shown.replaceAll(word, '********'), text);
}
