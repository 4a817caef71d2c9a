import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Event } from '../core/events.ts';
import { printable } from '../core/printable-text.ts';

const outcomes = ['acknowledged', 'refused', 'throttled', 'failed'] as const;

/** What targets answer. There may be 20,000 answers in a second. */
export function openTargetMetrics(registers: Registry[]) {
  const byTarget = { labelNames: ['target'], registers } as const;
  const up = new Gauge({
    name: 'uncached_purge_up',
    help: 'Whether a target answers as it should: 1 yes, 0 it is down.',
    ...byTarget,
  });
  const requests = new Counter({
    name: 'uncached_purge_requests_total',
    help: 'Requests to a target, by what became of them.',
    labelNames: ['target', 'outcome'],
    registers,
  });
  const purged = new Counter({
    name: 'uncached_purged_total',
    help: 'Urls or tags that a target has acknowledged, by first and second requests.',
    ...byTarget,
  });
  const seconds = new Histogram({
    name: 'uncached_purge_seconds',
    help: 'From a request to a target until its whole answer, or its failure.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    ...byTarget,
  });
  const latency = new Histogram({
    name: 'uncached_commit_to_purged_seconds',
    help: 'From the insertion of the oldest entry read until a target has acknowledged its first purge.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 10, 60, 600, 3_600],
    ...byTarget,
  });
  /** By target: its labels are looked up once. */
  const known = new Map<string, ReturnType<typeof bind>>();

  function bind(target: string) {
    const of = (outcome: string) => {
      const counter = requests.labels({ target, outcome });
      // From the start, so that the first failure is a step from 0.
      counter.inc(0);
      return counter;
    };
    return {
      outcomes: Object.fromEntries(outcomes.map((outcome) => [outcome, of(outcome)])),
      purged: purged.labels({ target }),
      seconds: seconds.labels({ target }),
      isUp: false,
    };
  }

  function boundTo(name: string): ReturnType<typeof bind> {
    const bound = known.get(name) ?? bind(printable(name));
    known.set(name, bound);
    return bound;
  }

  function setUp(name: string, isUp: boolean): void {
    boundTo(name).isUp = isUp;
    up.set({ target: printable(name) }, isUp ? 1 : 0);
  }

  return {
    observe(event: Event): void {
      switch (event.kind) {
        case 'target-asked': {
          const { target, outcome, ms, works } = event;
          const bound = boundTo(target);
          bound.outcomes[outcome]?.inc();
          bound.seconds.observe(ms / 1_000);
          if (outcome !== 'acknowledged') return;
          bound.purged.inc(works);
          if (!bound.isUp) setUp(target, true);
          return;
        }
        case 'target-down':
          setUp(event.target, false);
          return;
        case 'target-up':
          setUp(event.target, true);
          return;
        case 'cleared-behind': {
          const [, target] = /^purge (.*)$/s.exec(event.consumer) ?? [];
          if (target !== undefined) latency.observe({ target: printable(target) }, event.lagMs / 1_000);
          return;
        }
        case 'reloading':
          // Until they are asked again nobody knows.
          for (const bound of known.values()) bound.isUp = false;
          up.reset();
      }
    },
  };
}
