import { join } from 'node:path';
import { binariesOf, platform, resolve } from './embedded.ts';
import { projectRoot } from './project-root.ts';

/** An older PostgreSQL version to test against. */
export interface Version {
  major: number;
  /** To pass to launchServer. Undefined where the version is not installed. */
  binaries: string | undefined;
  /** The name of the test. Says how to install a missing version, so that a skipped test is noticed. */
  title: string;
}

const majors = [14, 15, 16, 17];
const install = 'npm ci --ignore-scripts --prefix test/postgres/versions';

/**
 * The older versions, installed or not. `npm ci` does not install them. Intended use:
 *
 *     for (const { binaries, title } of versions()) test.skipIf(binaries === undefined)(title, …)
 */
export function versions(): Version[] {
  return majors.map((major) => {
    const main = resolve(join(projectRoot, 'test/postgres/versions'), `postgres-${major}-${platform}`);
    return {
      major,
      binaries: main && binariesOf(main),
      title: `PostgreSQL ${major}${main ? '' : ` (NOT INSTALLED: ${install})`}`,
    };
  });
}
