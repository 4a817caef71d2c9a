/** The findings of reading a file: problems stop uncached, notices do not. */
export interface Report {
  readonly problems: string[];
  readonly notices: string[];
  /** Handlers that cannot work with this file. */
  readonly disabled: Map<string, Disabled>;
}

export interface Disabled {
  /** What to do about it. */
  readonly why: string;
  /** The table whose entries wait for it. */
  readonly queue?: string;
}

/** `line 7: [dirs] NEWS_CACHE_DIR`, the beginning of a sentence. */
export function place(section: string, name: string, line: number): string {
  return `line ${line}: [${section}] ${name.toUpperCase()}`;
}
