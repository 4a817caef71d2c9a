import type { ZoneWay } from './configuration.ts';

/** The files of a zone, nginx's disk cache. filesystem/ implements it. */
export interface ZoneFiles {
  /**
   * Clears the file of each key. One that is not there, or is spoilt already, is a success. Rejects if the zone as a
   * whole cannot be used.
   * @param variants also the variants of the page: those that are known, or all, for which the zone is scanned
   */
  clear(keys: readonly string[], how: ZoneWay, variants?: 'known' | 'all'): Promise<ZoneResult>;
  /** Clears every file of the cache, and leaves everything else. */
  wipe(how: ZoneWay): Promise<ZoneResult>;
  /** The files that these keys have now. */
  find(keys: readonly string[]): Promise<ZoneResult & { readonly found: readonly FoundFile[] }>;
  /** What is under way rejects. */
  close(): Promise<void>;
}

export interface Zone {
  readonly path: string;
  readonly levels: readonly number[];
}

export type OpenZone = (zone: Zone) => ZoneFiles;

export interface ZoneResult {
  readonly files: number;
  readonly failures: readonly ZoneFailure[];
}

export interface ZoneFailure {
  /** Without one, it was met in a wipe. */
  readonly key?: string;
  /** Below the path of the zone. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface FoundFile {
  readonly key: string;
  /** Below the path of the zone. */
  readonly path: string;
  /** When it was stored. */
  readonly writtenMs: number;
}
