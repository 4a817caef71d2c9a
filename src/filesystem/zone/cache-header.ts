/** What nginx writes before a cached response. Its numbers are as wide as the machine's. */
export interface CacheHeader {
  /** 0: it is spoilt, and nginx takes no page from it. */
  readonly version: number;
  /** What `proxy_cache_key` made of the request. */
  readonly key: Buffer;
  /** The request headers that the response varies by; undefined where it is not known where they stand. */
  readonly vary: string | undefined;
  /** Where the time stands until which it is valid; undefined if that is not known. */
  readonly validAt: number | undefined;
}

/** Versions of the format whose first number is the version and whose second is the time: nginx 1.7.7 to 1.29. */
const oldestVersion = 3;
const newestVersion = 5;

const beforeKey = Buffer.from('\nKEY: ');

/** Where the key begins on 64 bits, and the end of where it is looked for on others. */
const usualAt = 336;
const lastAt = 400;

/** Of version 5 on 64 bits: the length of the names, and the names. */
const varyAt = 187;

/** As much of a file as this has to be read for a key of so many bytes. */
export function headerBytes(keyBytes: number): number {
  return lastAt + beforeKey.length + keyBytes + 1;
}

/** Undefined: this is no file of nginx's cache, or of a version that is not known. */
export function parseCacheHeader(bytes: Buffer): CacheHeader | undefined {
  if (bytes.length === 0) return spoilt;
  const at = bytes.subarray(0, lastAt + beforeKey.length).indexOf(beforeKey);
  const isUsual = at === usualAt;
  const version = bytes.length < 4 ? undefined : bytes.readUInt32LE(0);
  if (version === 0 && (bytes.length < 8 || bytes.readUInt32LE(4) === 0)) return spoilt;
  if (version === undefined || version < oldestVersion || version > newestVersion || at < 0) return undefined;
  if (isUsual && bytes.readUInt32LE(4) !== 0) return undefined;
  const from = at + beforeKey.length;
  const end = bytes.indexOf(newline, from);
  if (end < 0) return undefined;
  const varyBytes = isUsual && version === newestVersion ? (bytes[varyAt] ?? 0) : undefined;
  return {
    version,
    key: bytes.subarray(from, end),
    vary: varyBytes === undefined ? undefined : bytes.toString('latin1', varyAt + 1, varyAt + 1 + varyBytes),
    validAt: isUsual ? 8 : undefined,
  };
}

const newline = 10;

/** An empty file, and one whose version is 0: a crash of the machine can leave both. */
const spoilt: CacheHeader = { version: 0, key: Buffer.alloc(0), vary: undefined, validAt: undefined };
