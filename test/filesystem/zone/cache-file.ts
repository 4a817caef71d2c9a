import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { zonePath } from '../../../src/filesystem/zone/zone-path.ts';

/** A file as nginx 1.22 makes it on 64 bits. */
export function cacheFile(key: string, { version = 5, vary = '', body = 'page' } = {}): Buffer {
  const header = Buffer.alloc(336);
  header.writeUInt32LE(version, 0);
  header.writeUInt32LE(1_796_000_000, 8);
  header.writeUInt8(vary.length, 187);
  header.write(vary, 188, 'latin1');
  return Buffer.concat([header, Buffer.from(`\nKEY: ${key}\nHTTP/1.1 200 OK\r\n\r\n${body}`)]);
}

/** Puts a page, or whatever is given, where nginx would. Returns its path. */
export function storePage(
  zone: string,
  key: string,
  { levels = [1, 2], file = cacheFile(key) } = {},
): string {
  const { directories, name } = zonePath(key, levels);
  const path = join(zone, ...directories, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file, { mode: 0o600 });
  return path;
}
