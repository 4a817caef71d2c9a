/** Where requests go: from the configuration alone, never from data. */
export interface TargetAddress {
  readonly text: string;
  readonly tls: boolean;
  /** One of the three. */
  readonly tcp?: { readonly host: string; readonly port: number };
  readonly socketPath?: string;
  /** A program that does it. */
  readonly program?: string;
}

/** Parses `http://host:port`, `https://host` or `unix:/path`. Throws an Error that completes "to = … ". */
export function parseAddress(text: string): TargetAddress {
  if (text.startsWith('unix:')) {
    const socketPath = text.slice('unix:'.length);
    if (!socketPath.startsWith('/')) throw new Error('must name the socket by an absolute path: unix:/path');
    return { text, tls: false, socketPath };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new Error('must be http://host:port, https://host or unix:/path');
  if (url.username !== '' || url.password !== '')
    throw new Error('must not contain a user: write header[] = Authorization: …');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new Error('must not have a path: it stands in "request"');
  const tls = url.protocol === 'https:';
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  return { text: text.replace(/\/$/, ''), tls, tcp: { host: url.hostname.replace(/^\[|\]$/g, ''), port } };
}

/** A site as visitors type it, such as `https://www.example.org`: scheme and host. */
export function parseSite(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '')
    throw new Error('must be scheme and host as visitors type them, such as https://www.example.org');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new Error('must be scheme and host alone: paths stand in url[]');
  return url.origin;
}
