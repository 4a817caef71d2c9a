import { commandProblems } from '../caches/command/shell-syntax.ts';
import { parseProbe } from '../caches/purge/probe-page.ts';
import { purge } from '../caches/purge/purge-steps.ts';
import { openSecrets } from '../caches/purge/secrets.ts';
import { readTargets } from '../caches/purge/targets.ts';
import type { Handler } from '../clearing/handler.ts';
import type { CacheSections } from '../core/configuration.ts';
import { toError } from '../core/errors.ts';
import { programProblem } from '../filesystem/executable.ts';
import type { Findings } from './findings.ts';

/** What can be said of the `[purge.NAME]` sections without asking the targets. */
export function inspectTargets(sections: CacheSections, handlers: Iterable<Handler>): Findings {
  const found: Findings = { problems: [], notices: [] };
  const fed = new Set(
    [...handlers].flatMap(({ steps }) => steps.flatMap(({ kind, cache }) => (kind === purge ? [cache] : []))),
  );
  for (const { name, header, everything, run } of sections.purges) {
    for (const [option, program] of Object.entries({ run, ...(run !== undefined && { everything }) })) {
      if (program === undefined) continue;
      for (const problem of [programProblem(program.split(/\s+/)[0] ?? ''), ...commandProblems(program)])
        if (problem !== undefined) found.problems.push(`[purge.${name}] ${option} = ${program}: ${problem}`);
    }
    for (const file of header.flatMap((one) => openSecrets(one)))
      found.problems.push(
        `[purge.${name}] header[]: everybody may read the secret in ${file}: chmod 640 ${file}, and chgrp to a group of the daemon's account`,
      );
    if (everything === undefined)
      found.notices.push(
        `[purge.${name}] has no "everything": after a first start, a long absence or a power loss, pages cached before stay there until they expire`,
      );
  }
  for (const target of readTargets(sections).targets) {
    const { name, settings, template } = target;
    if (!fed.has(name))
      found.problems.push(
        `[purge.${settings.name}] is asked for nothing: no handler has ${template.takes}[] lines`,
      );
    try {
      if (settings.probe !== undefined) parseProbe(settings.probe, target);
    } catch (error) {
      found.problems.push(`[purge.${settings.name}] probe = ${settings.probe}: ${toError(error).message}`);
    }
  }
  return found;
}
