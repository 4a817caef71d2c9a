import { createHash } from 'node:crypto';
import { errorCode } from '../../core/errors.ts';
import type { Directory } from '../walk/directory.ts';
import { notOfCache, withPageFile } from './page-file.ts';

/** Those that name a page which nginx serves to nobody, or which is judged when its own key is cleared. */
const strange = [notOfCache, 'ELOOP', 'EMLINK'];

/** Bytes of a name, and bytes of the hash of its key: enough to find it, and the file itself is compared. */
const nameBytes = 16;
const hashBytes = 8;
const recordBytes = nameBytes + hashBytes;

interface Variant {
  readonly key: Buffer;
  /** Below the zone; '' is the zone itself. */
  readonly directory: string;
  readonly name: string;
}

/**
 * Which key each page of a zone has. nginx keeps the variants of a page under names that do not follow from
 * the key alone; but a name has the same key for ever, since it is a hash of it. So each file is opened once.
 * It takes 24 bytes a page.
 */
export class VariantMemo {
  /** By the path of a directory. */
  #records = new Map<string, Buffer>();
  /** Those seen since `begin`: what is gone is forgotten. */
  #seen = new Map<string, Buffer>();

  begin(): void {
    this.#seen = new Map();
  }

  /** Learns what is in a directory: names of pages. Throws if one of them cannot be read. */
  learn(directory: Directory, names: readonly string[]): void {
    const known = hashesOf(this.#records.get(directory.path));
    const records: Buffer[] = [];
    for (const name of names) {
      const hash = known.get(name) ?? readHash(directory, name);
      if (hash) records.push(Buffer.from(name, 'hex'), hash);
    }
    this.#seen.set(directory.path, Buffer.concat(records));
  }

  end(): void {
    this.#records = this.#seen;
  }

  /** The known pages with one of these keys. */
  *of(keys: readonly Buffer[]): Generator<Variant> {
    const wanted = new Map(keys.map((key) => [hashOf(key).toString('latin1'), key]));
    for (const [directory, records] of this.#records) {
      for (let at = 0; at < records.length; at += recordBytes) {
        const key = wanted.get(records.toString('latin1', at + nameBytes, at + recordBytes));
        if (key) yield { key, directory, name: records.toString('hex', at, at + nameBytes) };
      }
    }
  }
}

function hashesOf(records: Buffer | undefined): Map<string, Buffer> {
  const hashes = new Map<string, Buffer>();
  for (let at = 0; records && at < records.length; at += recordBytes)
    hashes.set(
      records.toString('hex', at, at + nameBytes),
      records.subarray(at + nameBytes, at + recordBytes),
    );
  return hashes;
}

/** Undefined: it is gone, spoilt or no page; what nginx puts there next is read then. */
function readHash(directory: Directory, name: string): Buffer | undefined {
  try {
    return withPageFile(directory, name, { writing: false }, ({ header }) =>
      header.version === 0 ? undefined : hashOf(header.key),
    );
  } catch (error) {
    if (strange.includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

function hashOf(key: Buffer): Buffer {
  return createHash('md5').update(key).digest().subarray(0, hashBytes);
}
