import { systemWalk } from '../src/filesystem/walk/walk.ts';
import type { StartWorker } from '../src/filesystem/workers/start-worker.ts';
import { errorParts, type Message } from '../src/filesystem/workers/worker-message.ts';
import { answerRequest, type Request } from '../src/filesystem/workers/worker-request.ts';

/** The workers that have not ended. */
export const workersHere = new Set<object>();

/** A worker in this process, because starting a child process for each would take most of the time. */
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
      // Sent as a line of JSON, which may lose something.
      setImmediate(() => message(JSON.parse(JSON.stringify(answer(request))) as Message)),
    end: async () => void workersHere.delete(worker),
  };
  workersHere.add(worker);
  return worker;
};
