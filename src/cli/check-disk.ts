import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { everythingOf, frontsOf, templatesOf } from '../caches/files/files-steps.ts';
import type { Handler } from '../clearing/handler.ts';
import { several } from '../core/plural.ts';
import type { SeenRoot } from '../core/root.ts';
import { accountName, groupName } from '../filesystem/accounts.ts';
import type { Inspection } from '../filesystem/inspect-root.ts';
import type { Survey } from '../filesystem/survey.ts';
import type { StartWorker } from '../filesystem/workers/start-worker.ts';
import { inspectInWorker } from './worker-inspection.ts';

interface FoundOnDisk {
  readonly problems: readonly string[];
  readonly notices: readonly string[];
  /** Undefined if root cannot be entered. */
  readonly seen: SeenRoot | undefined;
}

/** Root and what is below it: everything that can be checked without the database. */
export async function inspectDisk(
  { file, root }: { file: string; root: string },
  handlers: ReadonlyMap<string, Handler>,
  startWorker?: StartWorker,
): Promise<FoundOnDisk> {
  const all = [...handlers.values()];
  const fronts = frontsOf(all);
  const templates = all.flatMap((handler) =>
    templatesOf(handler).map(({ text, literalDirectory, front }) => ({
      handler: handler.name,
      text,
      literalDirectory,
      front,
    })),
  );
  const patterns = everythingOf(all);
  const { seen, inspection, survey, silent } = await inspectInWorker(
    root,
    { fronts, templates, patterns },
    startWorker,
  );
  const { problems, notices, markers } = inspection ?? { problems: [], notices: [], markers: [] };
  return {
    seen,
    problems: [...silent, ...problems, ...(survey ? surveyProblems(root, survey) : [])],
    notices: [...accountNotices(file, markers), ...notices],
  };
}

/**
 * In each of them every clearing fails: most often the writer's account has a umask that keeps the group out.
 */
function surveyProblems(root: string, { looked, refused, example, more }: Survey): string[] {
  if (!example) return [];
  const { uid, gid, mode, path } = example;
  const whose = `of ${accountName(uid)}, group ${groupName(gid)}, mode ${mode.toString(8)}`;
  const of = `${refused} of ${several(looked, 'directory', 'directories')}${more ? ' that were looked at' : ''}`;
  return [
    `[cache] root = ${root}: ${ourName()} cannot delete in ${of}, such as ${join(root, path)} (${whose}): nothing there is ever cleared: give what writes pages "umask 002" and a group that the daemon is in, then: find ${root} -type d -exec chgrp GROUP {} + -exec chmod g+rwxs,-t {} + (doc/operating.md, "Rights")`,
  ];
}

/**
 * The result holds for the user who runs this, and the daemon may run as another: the markers show its user.
 */
function accountNotices(file: string, markers: Inspection['markers']): string[] {
  const uid = process.getuid?.();
  const marker = markers.find((one) => one.uid !== uid) ?? markers[0];
  if (uid === 0) {
    const command = commandAs(marker?.uid === 0 ? undefined : marker?.uid, file);
    return [`checked as root, who may do everything: check as the daemon's account: ${command}`];
  }
  if (!marker || marker.uid === uid) return [];
  const owner = accountName(marker.uid);
  return [
    `checked as ${ourName()}, but the last daemon ran as ${owner}, who owns ${marker.path}: rights, ~/.pgpass and PATH are those of ${ourName()}: check as the daemon's account: ${commandAs(marker.uid, file)}`,
  ];
}

function commandAs(uid: number | undefined, file: string): string {
  const found = uid === undefined ? '' : accountName(uid);
  const name = found === '' || found.includes(' ') ? 'NAME' : found;
  const command = `uncached --config ${resolve(file)} check`;
  return process.platform === 'linux' ? `runuser -u ${name} -- ${command}` : `su -m ${name} -c "${command}"`;
}

/** There may be no entry for it in /etc/passwd. */
function ourName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
