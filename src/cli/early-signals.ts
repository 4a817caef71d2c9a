import { ignoreHarmfulSignals } from '../core/signals.ts';

// Imported before everything else: loading the rest takes a quarter of a second, and a signal may come
// meanwhile.
ignoreHarmfulSignals();

// The configuration has not been read yet, so there is nothing to reload; later `run` handles the signal
// itself.
if (process.argv.includes('run')) process.on('SIGHUP', () => {});
