import { errorCode, explain, toError } from './errors.ts';

/**
 * What to do when the file system refuses, by its code. These codes concern a whole disk, directory or
 * daemon, and affect every entry alike. Any other code concerns one entry.
 */
export const remedies: Readonly<Record<string, string>> = {
  EACCES:
    "give the daemon's user read, write and execute permission on that directory, and execute permission on those above it (chown, chmod)",
  EPERM:
    "an attribute (lsattr, chattr -i; chflags on BSD) or a sticky directory forbids it: remove that, or make the daemon's user the owner",
  EROFS:
    'remount it read-write, or name it in ReadWritePaths= of the systemd unit; dmesg shows whether an error made it read-only',
  ENOSPC: 'free some space: some file systems need it even to delete',
  EDQUOT: "raise the quota of the daemon's user, or free some of it",
  EIO: 'see dmesg: the disk or its connection is failing',
  ENOENT: 'root is missing: mount it or create it',
  ETIMEDOUT: 'bring its disk or file server back, or unmount it; until then it is skipped and retried',
  ENOTCONN: 'mount it again: its server or its program is gone',
  EMFILE: 'raise the limit of open files of the daemon (ulimit -n, LimitNOFILE)',
  ENFILE: 'raise the limit of open files of the system (fs.file-max, kern.maxfiles)',
  ENOMEM: 'add memory, or stop what uses it',
};

/**
 * The code with which the file system refused, found among the causes of an error. An error of a connection
 * does not count: a unix socket is refused with EACCES, too, and a host that is gone is ETIMEDOUT.
 */
export function diskErrorCode(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code, syscall, message } = cause as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined || !Object.hasOwn(remedies, code)) continue;
    // Node.js words it "read ETIMEDOUT" for a socket, and "ETIMEDOUT: connection timed out, read" for a file.
    const isOfSocket = socketCalls.has(syscall) && message.startsWith(`${syscall} ${code}`);
    if (!isOfSocket) return code;
  }
  return undefined;
}

const socketCalls = new Set(['connect', 'getaddrinfo', 'read', 'write']);

/** What to do about a root that cannot be opened, where that is different. */
export const rootRemedies: Readonly<Record<string, string>> = {
  ENOTDIR: 'it, or something above it, is no directory: correct "root" under [cache]',
  ELOOP: 'a symbolic link leads back to itself: correct it, or "root" under [cache]',
  ESTALE: 'its file system is gone, or its server has another by now: mount it again',
};

/** Reports that a root cannot be opened, why, in the system's words, and what to do if that is known. */
export function formatRootError(root: string, error: unknown, words = explain(toError(error))): string {
  const code = errorCode(error) ?? '';
  const text = `root ${root} cannot be opened: ${words.startsWith(code) ? words : `${code}, ${words}`}`;
  const remedy = Object.hasOwn(rootRemedies, code)
    ? rootRemedies[code]
    : Object.hasOwn(remedies, code) && remedies[code];
  return remedy ? `${text}: ${remedy}` : text;
}
