import { formatHandler } from '../config/format-configuration.ts';
import { readEntries } from '../config/read-entries.ts';
import type { Draft } from '../config/typed-configuration.ts';
import type { HandlerSettings } from '../core/configuration.ts';

/** Whether the configuration has the section already. */
export type Presence = 'missing' | 'same' | 'different';

export function presenceOf(settings: HandlerSettings, draft: Draft | undefined): Presence {
  const there = draft?.handlers.find(({ name }) => name === settings.name);
  if (!there) return 'missing';
  return formatHandler(there) === formatHandler({ ...settings, queue: there.queue ?? '' }) &&
    isQueue(there.queue, settings)
    ? 'same'
    : 'different';
}

/** What is wrong with the section, beside its lines. */
export function sectionProblems(settings: HandlerSettings, draft: Draft | undefined): string[] {
  const { name, queue = '' } = settings;
  const { sections } = readEntries(`[handler.${name}]`);
  const problems = sections.has(`handler.${name}`)
    ? []
    : [`a section [handler.${name}] cannot be written: choose another name with --handler`];
  if (queue.split('.').length > 2)
    problems.push(
      `a name with a dot cannot be written behind "queue =": choose a queue table without one, with --queue, also in its schema`,
    );
  const there = draft?.handlers.find((one) => one.name === name);
  if (there && !isQueue(there.queue, settings))
    problems.push(
      `[handler.${name}] of ${draft?.file} has ${there.queue === undefined ? 'no queue' : `the queue ${there.queue}`} and not ${queue}: name that with --queue, or another handler with --handler`,
    );
  const other = draft?.handlers.find((one) => one.name !== name && isQueue(one.queue, settings));
  if (other)
    problems.push(
      `${queue} is the queue of [handler.${other.name}] of ${draft?.file}, and an entry goes to one handler only: name that with --handler, or another table with --queue`,
    );
  return problems;
}

/** With its schema or without, as either may stand there. */
function isQueue(written: string | undefined, { queue = '' }: HandlerSettings): boolean {
  return written === queue || written === queue.split('.').slice(1).join('.');
}
