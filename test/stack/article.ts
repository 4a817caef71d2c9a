import type { Connection } from '../postgres/connection.ts';

/** What a page shows. */
export interface Article {
  readonly id: number;
  readonly version: number;
  /** The time before its data was read. */
  readonly readAt: number;
}

export interface SiteSetting {
  readonly port: number;
  readonly root: string;
  readonly connection: Connection;
  readonly settleMs: number;
}

/**
 * Only a render that took less than this share of the settle time may be kept, whoever keeps it. The rest is a
 * margin for a busy machine.
 */
const boundOfSettle = 0.5;

/** Whether caches may keep a page that is being sent now. */
export function mayBeKept(body: Buffer, settleMs: number): boolean {
  return Date.now() - (JSON.parse(body.toString()) as Article).readAt < boundOfSettle * settleMs;
}
