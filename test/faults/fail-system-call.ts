import type fs from 'node:fs';
import { constants } from 'node:os';

export const systemCalls = ['unlink', 'rmdir', 'open', 'readdir', 'lstat'] as const;
export type SystemCall = (typeof systemCalls)[number];

export const codes = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EIO', 'EBUSY', 'EMFILE'] as const;
type Code = (typeof codes)[number];

export interface SystemFailure {
  readonly call: SystemCall;
  readonly nth: number;
  readonly code: Code;
  /** `twice`: the next call fails too. `for good`: every call from this one on fails, until healed. */
  readonly lasting: 'once' | 'twice' | 'for good';
}

/**
 * Makes one of the walk's system calls fail like a real failure. There is one instance, because a module is
 * mocked once for a file.
 */
const times = { once: 1, twice: 2, 'for good': Number.POSITIVE_INFINITY };

export const systemBreaker = {
  calls: 0,
  failed: 0,
  /** The first call that failed. */
  at: '',
  failure: undefined as SystemFailure | undefined,

  begin(failure: SystemFailure): void {
    Object.assign(this, { calls: 0, failed: 0, at: '', failure });
  },

  heal(): void {
    this.failure = undefined;
  },

  strike(call: SystemCall, path: string): void {
    if (this.failure?.call !== call) return;
    this.calls += 1;
    const { nth, lasting, code } = this.failure;
    if (this.calls < nth || this.calls >= nth + times[lasting]) return;
    if (this.failed === 0) this.at = path;
    this.failed += 1;
    throw Object.assign(new Error(`${code}: as it was told to, ${call}`), {
      code,
      errno: -constants.errno[code],
      syscall: call,
    });
  },
};

/** A path by handle or relative to the working directory. Only root itself is opened by its path. */
const walked = (path: string) => /^(\/proc\/\d+\/fd\/\d+\/|\.)/.test(path);
const opened = (path: string) => walked(path) || path.endsWith('/cache');

/** node:fs, with failures where the walks use it. */
export function breakable(real: typeof fs): typeof fs {
  return {
    ...real,
    unlinkSync: wrap('unlink', real.unlinkSync, walked),
    rmdirSync: wrap('rmdir', real.rmdirSync, walked),
    openSync: wrap('open', real.openSync, opened),
    readdirSync: wrap('readdir', real.readdirSync, walked),
    lstatSync: wrap('lstat', real.lstatSync, walked),
  };
}

/** The chdir walk opens and returns with chdir. */
export const breakableChdir = (real: typeof process.chdir) => wrap('open', real, () => true);

// biome-ignore lint/suspicious/noExplicitAny: overloads of node:fs
function wrap<F extends (...args: any[]) => any>(
  call: SystemCall,
  original: F,
  ours: (path: string) => boolean,
): F {
  return Object.assign((...args: Parameters<F>): ReturnType<F> => {
    if (ours(String(args[0]))) systemBreaker.strike(call, String(args[0]));
    return original(...args);
  }, original);
}
