import { existsSync, readFileSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { type ConnectionOptions, rootCertificates } from 'node:tls';
import type { ClientConfig } from 'pg';
import { AdvisedError } from './advice.ts';
import { RefusingSocket } from './refusing-socket.ts';

interface Setting {
  readonly value: string;
  /** The option or the variable that names it. */
  readonly from: string;
}

export interface TlsSettings {
  /** A mode of DatabaseSettings, or the value of PGSSLMODE. */
  readonly sslmode?: Setting;
  readonly sslrootcert?: Setting;
  readonly sslcert?: Setting;
  readonly sslkey?: Setting;
}

/**
 * What node-postgres needs for TLS over TCP. It interprets sslmode like libpq, but TLS is required unless
 * configured otherwise, since node-postgres cannot fall back. The files are read for each connection: a
 * renewed one is used, and a missing one fails that connection.
 */
export function tlsConfig(settings: TlsSettings): Pick<ClientConfig, 'ssl' | 'stream'> {
  if (settings.sslmode?.value === 'disable') return { ssl: false };
  const ssl: ConnectionOptions = {};
  const stream = () => {
    try {
      Object.assign(ssl, clientCertificate(settings), serverCertificate(settings));
      return new Socket();
    } catch (error) {
      return new RefusingSocket(error as Error);
    }
  };
  return { ssl, stream };
}

/** Every reason why no connection can be made with them. */
export function tlsProblems(settings: TlsSettings): string[] {
  if (settings.sslmode?.value === 'disable') return [];
  return [clientCertificate, serverCertificate].flatMap((read) => {
    try {
      read(settings);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
}

function serverCertificate(settings: TlsSettings): ConnectionOptions {
  const { sslrootcert } = settings;
  switch (modeOf(settings)) {
    case 'verify-full':
      return { ca: authorities(sslrootcert), rejectUnauthorized: true };
    case 'verify-ca':
      return {
        ca: authorities(sslrootcert),
        rejectUnauthorized: true,
        checkServerIdentity: () => undefined,
      };
    default:
      return { rejectUnauthorized: false };
  }
}

function modeOf({ sslmode, sslrootcert }: TlsSettings): string {
  const mode = sslmode?.value;
  if (sslrootcert?.value === 'system') {
    if (mode === undefined || mode === 'verify-full') return 'verify-full';
    throw refusal(`${sslrootcert.from} = system needs sslmode = verify-full under [database], not ${mode}`);
  }
  // With an authority to trust, libpq also verifies the server.
  if (sslrootcert !== undefined && (mode === undefined || mode === 'require')) return 'verify-ca';
  if (mode === undefined || ['allow', 'prefer', 'require', 'verify-ca', 'verify-full'].includes(mode))
    return mode ?? 'require';
  throw refusal(`${sslmode?.from} = ${mode} is none of disable, require, verify-ca, verify-full`);
}

/**
 * Where systems keep the authorities that they trust: Debian, Fedora, SUSE, Alpine and FreeBSD, FreeBSD's
 * ports.
 */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
  '/usr/local/share/certs/ca-root-nss.crt',
];

/** The Node.js of nodejs.org has a list of its own and does not read the system's. */
function authorities(file: Setting | undefined): string[] {
  if (file !== undefined && file.value !== 'system') return [readCertificate(file)];
  const bundle = bundles.find((path) => existsSync(path));
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  return [
    ...rootCertificates,
    ...(bundle ? [readFileSync(bundle, 'utf8')] : []),
    ...(extra && existsSync(extra) ? [readFileSync(extra, 'utf8')] : []),
  ];
}

function clientCertificate({ sslcert, sslkey }: TlsSettings): ConnectionOptions {
  if (sslcert === undefined && sslkey === undefined) return {};
  if (sslcert === undefined || sslkey === undefined)
    throw refusal(
      `sslcert and sslkey under [database] belong together: set ${sslkey ? 'sslcert' : 'sslkey'}`,
    );
  const key = read(sslkey);
  const { uid, mode } = statSync(sslkey.value);
  // As in libpq: a group may read a file that belongs to root; otherwise only the owner may.
  const others = uid === 0 ? 0o037 : 0o077;
  if ((mode & others) !== 0)
    throw refusal(
      `${formatSetting(sslkey)} can be read by others: chmod ${uid === 0 ? '640' : '600'} ${sslkey.value}`,
    );
  return { cert: readCertificate(sslcert), key };
}

function readCertificate(file: Setting): string {
  const text = read(file);
  if (!text.includes('-----BEGIN ')) throw refusal(`${formatSetting(file)} holds no certificate in PEM`);
  return text;
}

function read(file: Setting): string {
  try {
    return readFileSync(file.value, 'utf8');
  } catch (error) {
    throw refusal(`${formatSetting(file)} cannot be read: ${(error as Error).message}`);
  }
}

function formatSetting({ from, value }: Setting): string {
  return `${from} = ${value}`;
}

function refusal(message: string): AdvisedError {
  return new AdvisedError(message, 'ECERTIFICATE');
}
