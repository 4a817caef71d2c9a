/** The payload is whatever any role has sent; '' if nothing. */
export type OnNotification = (channel: string, payload: string) => void;

/** A session that LISTENs. postgres/ makes it; the daemon keeps one. */
export interface Listener {
  /** Settles when the connection is lost, with the reason. */
  readonly lost: Promise<Error>;
  /**
   * Proves that notifications arrive: sends one on ANOTHER connection and waits for it. A half-open link
   * looks healthy from here, and through a pooler in transaction mode LISTEN succeeds and no notification
   * comes; one sent on the same connection would arrive even there. Rejects when it does not arrive in time.
   */
  heartbeat(): Promise<void>;
  close(): void;
}
