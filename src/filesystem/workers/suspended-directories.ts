/**
 * Once this many directories below a directory do not answer, the directory itself counts as not answering:
 * all may be on one file server.
 */
const siblings = 3;

/** Directories below root that do not answer. */
export class SuspendedDirectories {
  #paths: readonly string[] = [];

  get paths(): readonly string[] {
    return this.#paths;
  }

  /**
   * Returns whether it was not covered already.
   * @param alone it counts for itself alone, as a mount of its own does
   */
  add(path: string, { alone = false } = {}): boolean {
    if (this.#paths.some((known) => isBelow(path, known))) return false;
    this.#paths = [...this.#paths.filter((known) => !isBelow(known, path)), path];
    const parent = parentOf(path);
    if (
      path !== '' &&
      !alone &&
      this.#paths.filter((known) => known !== '' && parentOf(known) === parent).length >= siblings
    )
      this.add(parent);
    return true;
  }

  lift(path: string): void {
    this.#paths = this.#paths.filter((known) => known !== path);
  }
}

/** The same path, or below it. */
function isBelow(path: string, directory: string): boolean {
  return directory === '' || path === directory || path.startsWith(`${directory}/`);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
