import type { SeenDaemon } from '../core/daemon-registry.ts';
import type { Problem } from '../core/daemon-status.ts';
import { formatDuration } from '../core/duration.ts';

interface Seen {
  readonly daemons: readonly SeenDaemon[];
  readonly unread?: string;
}

/**
 * What is wrong with the daemons, as the database shows them, and by their own reports.
 * @param waiting something waits for its first or second clearing
 */
export function daemonProblems({ daemons, unread }: Seen, { waiting }: { waiting: boolean }): Problem[] {
  const connected = daemons.filter((one) => one.connected);
  if (connected.length === 0) {
    const level = waiting ? 'critical' : 'warning';
    return [{ level, kind: 'daemon', text: `no daemon is connected${lastWords(daemons[0])}: start it` }];
  }
  const several = connected.length > 1;
  const reported = [
    ...connected.flatMap(({ report }) => (report ? problemsOf(report, several) : [])),
    ...daemons.flatMap((one) => (one.report && !one.connected ? givenUp(one.report) : [])),
  ];
  const mute = connected.filter(({ report }) => report === undefined).length;
  if (mute === 0) return reported;
  const why = unread ?? 'it has not reported yet, or is of an older version';
  return [
    ...reported,
    { level: 'warning', kind: 'daemon', text: `the problems of the daemon are unknown: ${why}` },
  ];
}

type Report = NonNullable<SeenDaemon['report']>;

function problemsOf({ host, pid, seenMs, silent, problems }: Report, several: boolean): Problem[] {
  const who = `the daemon on ${host} (process ${pid})`;
  if (silent) {
    const text = `${who} has not reported for ${formatDuration(seenMs)}: it hangs, was suspended, or is busy clearing`;
    return [{ level: 'critical', kind: 'daemon', text }];
  }
  return several ? problems.map((one) => ({ ...one, text: `${one.text} (${who})` })) : problems.slice();
}

/**
 * It ended, and was not replaced: a second daemon that was refused, which its supervisor starts again and
 * again.
 */
function givenUp({ host, pid, silent, replaced, problems }: Report): Problem[] {
  if (silent || replaced) return [];
  return problems.flatMap((one) =>
    one.kind === 'daemon'
      ? { ...one, text: `the daemon on ${host} (process ${pid}) ended: ${one.text}` }
      : [],
  );
}

function lastWords(last: SeenDaemon | undefined): string {
  if (!last?.report) return '';
  const { host, seenMs, problems } = last.report;
  const word = problems.map(({ text }) => text).join('; ');
  return ` (the last one, on ${host}, was seen ${formatDuration(seenMs)} ago${word === '' ? '' : `: ${word}`})`;
}
