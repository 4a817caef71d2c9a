import type { StatusSource } from '../core/daemon-status.ts';

/**
 * Requests that come while an answer is being made get the same one: a thousand at once cost as much as one.
 */
export function shareAnswers(watched: StatusSource): StatusSource {
  return {
    ...watched,
    metrics: shared(() => watched.metrics()),
    status: shared(() => watched.status()),
  };
}

function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => {
    underWay ??= make().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
