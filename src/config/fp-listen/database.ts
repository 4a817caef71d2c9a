import { didYouMean } from '../../core/suggest.ts';
import { options } from '../options.ts';
import type { Entry } from '../read-entries.ts';
import { ConninfoError, parseConninfo, type Token } from './conninfo.ts';
import { place, type Report } from './conversion-report.ts';
import type { Value, Values } from './section.ts';

/** fp-listen builds a connection string from these, in this order. */
const words = { host: 'host', dbname: 'dbname', dbuser: 'user', password: 'password' };

export const databaseKeys = Object.keys(words);

/** A value's place in the connection string. */
interface Piece extends Value {
  readonly key: string;
  readonly from: number;
}

/**
 * Native entries of [database]: built and parsed as libpq sees it, since a value may contain quotes and more
 * words.
 */
export function databaseEntries(values: Values, report: Report): Entry[] {
  const pieces: Piece[] = [];
  let conninfo = '';
  for (const [key, word] of Object.entries(words)) {
    const value = values.get(key);
    if (!value) continue;
    if (value.text === '' && key !== 'password') {
      // libpq would take the next word for the value.
      report.problems.push(
        `${place('database', key, value.line)} is empty: give it a value, or remove the line`,
      );
      continue;
    }
    pieces.push({ ...value, key, from: conninfo.length });
    conninfo += `${word}=${value.text} `;
  }
  const pieceAt = (at: number) => pieces.findLast(({ from }) => from <= at);
  const entries = new Map<string, Entry>();
  for (const token of tokensOf(conninfo, pieceAt, report)) {
    const piece = pieceAt(token.at);
    if (piece) readToken(token, piece, entries, report);
  }
  return [...entries.values()];
}

function tokensOf(conninfo: string, pieceAt: (at: number) => Piece | undefined, report: Report): Token[] {
  try {
    return parseConninfo(conninfo);
  } catch (error) {
    if (!(error instanceof ConninfoError)) throw error;
    const { key = 'host', line = 0 } = pieceAt(error.at) ?? {};
    report.problems.push(
      `${place('database', key, line)} ${error.message}: put the value in single quotes, with \\' for a quote in it and \\\\ for a backslash`,
    );
    return [];
  }
}

/** As in libpq, the last of two equal words counts and an empty value is unset. */
function readToken({ name, value }: Token, piece: Piece, entries: Map<string, Entry>, report: Report): void {
  const here = place('database', piece.key, piece.line);
  const known = Object.keys(options.database);
  if (known.includes(name)) {
    entries.delete(name);
    if (value === '') return;
    const option = { section: 'database', option: name, list: false, line: piece.line };
    entries.set(name, { ...option, value: name === 'sslmode' ? strict(value, here, report) : value });
    if (piece.key !== 'password' && /^".*"$/s.test(value)) {
      report.notices.push(
        `${here}: the double quotes belong to the value: PostgreSQL knows single quotes only`,
      );
    }
  } else if (name === 'hostaddr') {
    report.problems.push(`${here} sets hostaddr: write the address as the host instead`);
  } else if (libpqOnly.includes(name)) {
    report.notices.push(`${here} sets ${name}, which means nothing to uncached`);
  } else {
    // It may be the rest of a password.
    const what = piece.key === 'password' ? 'something' : `"${name}"`;
    const advice = piece.key === 'password' ? '' : didYouMean(name, known);
    report.problems.push(
      `${here} sets ${what} that no connection has${advice}: a value with a space in it stands in single quotes`,
    );
  }
}

/** libpq's lax modes accept a connection without TLS; uncached does so only for `disable`. */
function strict(mode: string, here: string, report: Report): string {
  if (mode !== 'allow' && mode !== 'prefer') return mode;
  report.notices.push(
    `${here} sets sslmode=${mode}: uncached takes it for require; disable is the way to do without`,
  );
  return 'require';
}

/** Further words of https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS. */
const libpqOnly =
  `service servicefile passfile require_auth channel_binding connect_timeout client_encoding options
  application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout
  replication gssencmode sslnegotiation sslcompression sslkeylogfile sslpassword sslcertmode sslcrl sslcrldir sslsni
  requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname gsslib
  gssdelegation scram_client_key scram_server_key target_session_attrs load_balance_hosts oauth_issuer oauth_client_id
  oauth_client_secret oauth_scope`.split(/\s+/);
