import { isOutage } from './errors.ts';

/** Does the work when its turn comes. Resolves and rejects as the work does. */
export type Turns = <Result>(work: () => Promise<Result>) => Promise<Result>;

interface Waiting {
  readonly attempt: () => Promise<void>;
  readonly reject: (error: unknown) => void;
}

/**
 * For work on the database, and requests to a target. It is begun in the order in which it is given, and at
 * most so many are under way at the same time. When one fails because the database is gone, those that wait
 * fail with it.
 * @param again whether work that failed like this is tried again: it goes to the end of the queue, where it
 *   holds nothing else up
 */
export function openTurns({
  atOnce,
  again = () => false,
}: {
  atOnce: number;
  again?: (error: unknown) => boolean;
}): Turns {
  const queue: Waiting[] = [];
  let underWay = 0;

  async function begin(): Promise<void> {
    if (underWay === atOnce) return;
    underWay += 1;
    for (let next = queue.shift(); next; next = queue.shift()) await next.attempt();
    underWay -= 1;
  }

  return (work) =>
    new Promise((resolve, reject) => {
      const attempt = async () => {
        try {
          resolve(await work());
        } catch (error) {
          if (again(error)) queue.push(waiting);
          else reject(error);
          if (isOutage(error)) for (const other of queue.splice(0)) other.reject(error);
        }
      };
      const waiting = { attempt, reject };
      queue.push(waiting);
      void begin();
    });
}
