import type { LocalConsumers } from '../clearing/local-consumers.ts';
import type { Clock } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import { Loop } from './loop.ts';

interface Parts {
  readonly consumers: LocalConsumers;
  readonly clock: Clock;
  readonly observe: Observe;
}

/** Starts a loop for each stage at which rows wait in a consumer: reading the log, retries, settling. */
export function startStations({ consumers, clock, observe }: Parts): Loop[] {
  return consumers.all.flatMap((consumer) => [
    new Loop(`${consumer.name}, log`, () => consumer.reader.step(), {
      clock,
      observe,
      wakeup: consumer.reader.wakeup,
    }),
    new Loop(`${consumer.name}, failing`, () => consumer.retries.step(), {
      clock,
      observe,
      wakeup: consumer.retries.wakeup,
    }),
    new Loop(`${consumer.name}, settling`, () => consumer.settle(), {
      clock,
      observe,
      wakeup: consumer.settling,
    }),
  ]);
}
