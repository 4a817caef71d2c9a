import type { Revival } from '../core/contracts.ts';
import type { Means } from './clearing.ts';

/**
 * Clears, once after a stop of the machine without warning, everything that any template could name, whatever the key. Rejects as
 * long as something cannot be deleted, to be tried again.
 */
export async function clearRevived(revival: Revival, { handlers, cache, observe }: Means): Promise<void> {
  if (revival.mayHaveHappened()) {
    const patterns = [...handlers.values()].flatMap(({ templates }) =>
      templates.flatMap(({ everything }) => everything),
    );
    const { files, failures } = await cache.clear([...new Set(patterns)]);
    observe({ kind: 'revived', files });
    const [first] = failures;
    if (first) {
      const more = failures.length > 1 ? ` and ${failures.length - 1} more` : '';
      throw new Error(
        `Cannot clear the whole cache after a crash of the machine: ${first.path}${more}: ${first.message}`,
      );
    }
  }
  revival.markRunning();
}
