import { expect, it } from 'vitest';
import { diskErrorCode, formatRootError } from '../../src/core/disk-errors.ts';

const wrapped = (code: string, syscall: string, message: string) =>
  new Error('Cannot read the log', { cause: Object.assign(new Error(message), { code, syscall }) });

it.each([
  ['EACCES', 'connect', 'connect EACCES /run/postgresql/.s.PGSQL.5432'],
  ['ENOMEM', 'getaddrinfo', 'getaddrinfo ENOMEM db'],
  ['ETIMEDOUT', 'read', 'read ETIMEDOUT'],
  ['ETIMEDOUT', 'write', 'write ETIMEDOUT'],
])('takes the refusal of a connection for none of a disk: %s of %s', (code, syscall, message) => {
  expect(diskErrorCode(wrapped(code, syscall, message))).toBeUndefined();
});

it.each([
  ['ETIMEDOUT', 'read', 'ETIMEDOUT: connection timed out, read'],
  ['EROFS', 'open', 'Cannot keep the marker: EROFS: read-only file system'],
  ['EMFILE', 'spawn', 'spawn EMFILE'],
])('finds the refusal of a disk or of a process among the causes: %s of %s', (code, syscall, message) => {
  expect(diskErrorCode(wrapped(code, syscall, message))).toBe(code);
});

it('a root that cannot be opened is reported with what is behind it, and what to do', () => {
  const reason = new Error('8 workers wait in the kernel: bring it back');
  const died = new Error('Cannot clear: the worker died', { cause: reason });
  expect(formatRootError('/srv', Object.assign(died, { code: 'EWORKER' }))).toBe(
    'root /srv cannot be opened: EWORKER, Cannot clear: the worker died: 8 workers wait in the kernel: bring it back',
  );
  const gone = Object.assign(new Error('ENOTCONN: gone, open'), { code: 'ENOTCONN' });
  expect(formatRootError('/srv', gone)).toBe(
    'root /srv cannot be opened: ENOTCONN: gone, open: mount it again: its server or its program is gone',
  );
});
