import { on } from 'node:events';
import { type Client, escapeIdentifier, type Notification } from 'pg';
import { within } from '../postgres/within.ts';

const sentinel = 'sentinel';
const deadlineMs = 100_000;

/**
 * All notifications on `channel` that `act` causes. A sentinel is sent after it and awaited, and the server
 * delivers in commit order.
 */
export async function notificationsOf(
  client: Client,
  channel: string,
  act: () => Promise<unknown>,
): Promise<Notification[]> {
  return await within(deadlineMs, `hear the sentinel after ${channel}`, async (signal) => {
    const events = on(client, 'notification', { signal });
    await client.query(`LISTEN ${escapeIdentifier(channel)}; LISTEN ${sentinel}`);
    await act();
    await client.query(`NOTIFY ${sentinel}`);
    const heard: Notification[] = [];
    for await (const [notification] of events as AsyncIterable<[Notification]>) {
      if (notification.channel === sentinel) break;
      heard.push(notification);
    }
    await client.query('UNLISTEN *');
    return heard;
  });
}
