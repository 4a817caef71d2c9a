import type { Step } from './explore.ts';
import { type Producer, producerAtStart } from './producer.ts';
import type { Row, World } from './world.ts';

/**
 * What a producer can execute: it changes the datum, or enqueues the key in one of the styles in common use.
 */
export type Statement =
  /** UPDATE of the datum. */
  | 'change'
  /** INSERT, no constraint. */
  | 'insert'
  /** UNIQUE (xid, key), ON CONFLICT DO NOTHING: only the transaction's own row can conflict. */
  | 'insert once a transaction'
  /** UNIQUE (key), ON CONFLICT DO NOTHING: waits for a running insert, update or delete, but for no lock. */
  | 'on conflict do nothing'
  /** UNIQUE (key), ON CONFLICT DO UPDATE: waits for a lock as well, and locks the row until its end. */
  | 'on conflict do update'
  /** INSERT … WHERE NOT EXISTS, no constraint: its snapshot still shows a row that is being deleted. */
  | 'insert where not exists'
  /** The same in two statements. Changes between them go unnoticed. */
  | 'select'
  | 'insert unless seen';

/** A trigger on the queue table notifies only of a new row. A trigger on the data always notifies. */
export type Notifies = 'for a new row' | 'always';

/** The step of this statement, or a wait for another transaction. */
export function execute<W extends Pick<World, 'queue' | 'producers'>>(
  statement: Statement,
  world: W,
  who: number,
  notifies: Notifies,
): Step<W> | 'waits' {
  const producer = { ...(world.producers[who] ?? producerAtStart), is: 'open' as const };
  const after = (label: string, wrote: Partial<Producer>, queue = world.queue): Step<W> => {
    const next = { ...producer, done: producer.done + 1, ...wrote };
    return { label, state: { ...world, queue, producers: world.producers.with(who, next) } };
  };
  const always = producer.willNotify || notifies === 'always';
  const skip = (label: string) => after(label, { willNotify: always });
  const insert = () => {
    const row: Row = { is: 'inserted', by: who, read: false };
    return after('inserts an entry', { xid: true, willNotify: true }, [...world.queue, row]);
  };

  const mine = world.queue.some((row) => row.is === 'inserted' && row.by === who);
  const visible = mine || world.queue.some((row) => row.is !== 'inserted');
  const inTheWay = world.queue.find((row) => row.by !== who || row.is === 'locked' || row.is === 'deleted');
  switch (statement) {
    case 'change':
      if (world.producers.some(({ changed }, other) => changed && other !== who)) return 'waits';
      return after('changes the datum', { changed: true, xid: true });
    case 'insert':
      return insert();
    case 'insert once a transaction':
      return mine ? skip('skips its insert, having inserted already') : insert();
    case 'on conflict do nothing':
      if (inTheWay && inTheWay.is !== 'there' && inTheWay.is !== 'locked') return 'waits';
      return visible ? skip('skips its insert, the entry being there') : insert();
    case 'on conflict do update': {
      if (inTheWay && inTheWay.is !== 'there') return 'waits';
      if (!visible) return insert();
      const update = (row: Row): Row => (row.is === 'there' ? { ...row, is: 'updated', by: who } : row);
      return after('updates the entry', { xid: true, willNotify: always }, world.queue.map(update));
    }
    case 'insert where not exists':
      return visible ? skip('skips its insert, seeing an entry') : insert();
    case 'select':
      return after(visible ? 'sees an entry' : 'sees no entry', { seen: visible });
    case 'insert unless seen':
      return producer.seen ? skip('skips its insert, having seen an entry') : insert();
    default:
      return statement satisfies never;
  }
}
