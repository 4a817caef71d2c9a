/** What reading a file tells: problems stop uncached, notices are only to be seen. */
export interface Report {
  readonly problems: string[];
  readonly notices: string[];
  /** Handlers that cannot work as the file stands, and what to do about it. */
  readonly disabled: Map<string, string>;
}

/** `line 7: [dirs] NEWS_CACHE_DIR`, the beginning of a sentence. */
export function place(section: string, name: string, line: number): string {
  return `line ${line}: [${section}] ${name.toUpperCase()}`;
}
