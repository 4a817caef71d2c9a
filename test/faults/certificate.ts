import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWill } from '../last-will.ts';
import { ordinaryAccount } from '../postgres/account.ts';

export const opensslFound = spawnSync('openssl', ['version']).status === 0;

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  remove(): void;
}

/**
 * A self-signed certificate, which is its own authority, for `name` (`IP:127.0.0.1`, `DNS:localhost`).
 * PostgreSQL can read the files.
 */
export function makeCertificate(name: string): Certificate {
  const account = ordinaryAccount();
  const directory = mkdtempSync(join(tmpdir(), 'uncached-tls-'));
  const revoke = lastWill('rm -rf "$1"', directory);
  const [certificate, key] = [join(directory, 'server.crt'), join(directory, 'server.key')];
  const shape = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=test', '-addext', `subjectAltName=${name}`];
  execFileSync('openssl', ['req', '-x509', ...shape, ...names, '-keyout', key, '-out', certificate], {
    stdio: 'pipe',
  });
  if (account) for (const path of [directory, certificate, key]) chownSync(path, account.uid, account.gid);
  return {
    certificate,
    key,
    remove() {
      rmSync(directory, { recursive: true, force: true });
      revoke();
    },
  };
}
