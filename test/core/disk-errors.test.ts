import { expect, it } from 'vitest';
import { diskErrorCode } from '../../src/core/disk-errors.ts';

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
