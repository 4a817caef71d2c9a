import { join } from 'node:path';
import { binariesOf, platform, resolve } from './embedded.ts';
import { projectRoot } from './project-root.ts';

/** An older PostgreSQL that is to be tested against. */
export interface Version {
  major: number;
  /** For launchServer; undefined where it is not installed. */
  binaries: string | undefined;
  /**
   * For the name of a test: says how to install what is missing, so that a skipped test cannot be overlooked.
   */
  title: string;
}

const majors = [14, 15, 16, 17];
const install = 'npm ci --ignore-scripts --prefix test/postgres/versions';

/**
 * The older versions, installed or not; they are no part of `npm ci`. Meant for
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
