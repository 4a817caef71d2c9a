import type { LocalConsumers } from '../clearing/local-consumers.ts';
import { Loop, type LoopParts } from './loop.ts';

interface Parts extends Omit<LoopParts, 'wakeup'> {
  readonly consumers: LocalConsumers;
}

/** Starts a loop for each stage at which rows wait in a consumer: reading the log, retries, settling. */
export function startStations({ consumers, ...parts }: Parts): Loop[] {
  return consumers.all.flatMap((consumer) => [
    new Loop(`${consumer.name}, log`, () => consumer.reader.step(), {
      ...parts,
      wakeup: consumer.reader.wakeup,
    }),
    new Loop(`${consumer.name}, failing`, () => consumer.retries.step(), {
      ...parts,
      wakeup: consumer.retries.wakeup,
    }),
    new Loop(`${consumer.name}, settling`, () => consumer.settle(), {
      ...parts,
      wakeup: consumer.settling,
    }),
  ]);
}
