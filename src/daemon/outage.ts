import { isOutage } from '../core/errors.ts';
import type { Event, Observe } from '../core/events.ts';

/**
 * Tells of an outage of the database once, and once of its end, however many loops suffer from it and however often they try. It ends
 * when the last of those that suffered works again.
 */
export function tellOutagesOnce(observe: Observe, now: () => number): Observe {
  const suffering = new Set<string>();
  let since = 0;

  function suffers(who: string, event: Event): void {
    if (suffering.size === 0) {
      since = now();
      observe(event);
    }
    suffering.add(who);
  }

  function works(who: string): boolean {
    const suffered = suffering.delete(who);
    if (suffered && suffering.size === 0) observe({ kind: 'recovered', ms: now() - since });
    return suffered;
  }

  return (event) => {
    switch (event.kind) {
      case 'connecting':
      case 'listener-lost':
        return suffers('ear', event);
      case 'listening':
        works('ear');
        return observe(event);
      case 'loop-failed': {
        const { loop, error, retryMs } = event;
        if (isOutage(error)) return suffers(loop, { kind: 'connecting', error, retryMs });
        works(loop);
        return observe(event);
      }
      case 'loop-recovered':
        if (!works(event.loop)) observe(event);
        return;
      default:
        return observe(event);
    }
  };
}
