import { systemWalk } from '../src/filesystem/walk/walk.ts';
import type { StartWorker } from '../src/filesystem/workers/start-worker.ts';
import { errorParts, type Message } from '../src/filesystem/workers/worker-message.ts';
import { answerRequest, type Request } from '../src/filesystem/workers/worker-request.ts';

/** Those that have not ended. */
export const workersHere = new Set<object>();

/** A worker in this process: a child for each would be most of the work. */
export const startHere: StartWorker = (root, { message }) => {
  const answer = (request: Request): Message => {
    try {
      return { answer: answerRequest(request, root, systemWalk()) };
    } catch (error) {
      return { error: errorParts(error) };
    }
  };
  const worker = {
    post: (request: Request) =>
      // As a line, of which JSON may keep less.
      setImmediate(() => message(JSON.parse(JSON.stringify(answer(request))) as Message)),
    end: async () => void workersHere.delete(worker),
  };
  workersHere.add(worker);
  return worker;
};
