import { didYouMean } from '../core/suggest.ts';
import { channelOf } from './channel-name.ts';
import type { Rendering } from './contract.ts';
import { type Dependency, dependencyOn } from './dependency.ts';

/** What a render of `key` declares. It is given to `onDeclared` at once. */
export function rendering(
  key: string,
  channels: readonly string[],
  onDeclared: (dependency: Dependency) => void,
): Rendering & { end(): void } {
  let ended = false;
  let declared = false;
  return {
    dependsOn(name, columns = {}) {
      const channel = channelOf(name);
      const refuse = (why: string) => new Error(`Cannot depend on channel ${JSON.stringify(name)}: ${why}`);
      if (ended) throw refuse(`the render of ${JSON.stringify(key)} has ended`);
      if (!channels.includes(channel))
        throw refuse(`the cache listens to ${channels.join(', ')} only${didYouMean(channel, channels)}`);
      declared = true;
      onDeclared(dependencyOn(channel, columns));
    },
    /** What has declared nothing may have used anything. */
    end() {
      ended = true;
      if (!declared) for (const channel of channels) onDeclared(dependencyOn(channel, {}));
    },
  };
}
