/**
 * What to do when the file system refuses, by its code: these are about a whole disk, directory or daemon, and strike every entry alike.
 * Any other code is about one entry.
 */
export const mending: Readonly<Record<string, string>> = {
  EACCES: "let the daemon's user write in that directory (chown, chmod)",
  EPERM:
    "an attribute (lsattr, chattr -i; chflags on BSD) or a sticky directory forbids it: take that away, or make the daemon's user the owner",
  EROFS: 'mount it for writing again; dmesg tells whether an error made it read-only',
  ENOSPC: 'free some space: a few file systems need it even to delete',
  EDQUOT: "raise the quota of the daemon's user, or free some of it",
  EIO: 'see dmesg: the disk or its connection is failing',
  ENOENT: 'root is missing: mount it or make it',
  ENOTCONN: 'mount it again: its server or its program is gone',
  EMFILE: 'raise the limit of open files of the daemon (ulimit -n, LimitNOFILE)',
  ENFILE: 'raise the limit of open files of the system (fs.file-max, kern.maxfiles)',
  ENOMEM: 'give the machine more memory, or stop what takes it',
};

/**
 * The code by which the file system refused, found among the causes of an error. That of a connection is none: a unix socket is refused
 * with EACCES, too.
 */
export function refusalCode(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (code !== undefined && syscall !== undefined && syscall !== 'connect' && Object.hasOwn(mending, code))
      return code;
  }
  return undefined;
}
