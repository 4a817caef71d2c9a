import type { Revival } from '../core/contracts.ts';
import type { Means } from './clearing.ts';

/**
 * Clears, once after a stop of the machine without warning, everything that any template could name, whatever the key. Rejects as
 * long as something cannot be deleted, to be tried again.
 */
export async function clearRevived(revival: Revival, { handlers, cache, observe }: Means): Promise<void> {
  const happened = revival.mayHaveHappened();
  let deleted = 0;
  if (happened) {
    const patterns = [...handlers.values()].flatMap(({ templates }) =>
      templates.flatMap(({ everything }) => everything),
    );
    const { files, failures } = await cache.clear([...new Set(patterns)]);
    const [first] = failures;
    if (first) {
      const more = failures.length > 1 ? ` and ${failures.length - 1} more` : '';
      throw new Error(
        `Cannot clear the whole cache after a crash of the machine: ${first.path}${more}: ${first.message}`,
      );
    }
    deleted = files;
  }
  revival.markRunning();
  // Not before: it is done again until it can be remembered that it was.
  if (happened) observe({ kind: 'revived', files: deleted });
}
