/** @import { DaemonIdentity } from '../src/core/daemon-status.ts' */
import { element, say } from './dom.js';

/** Without --config these are read anyway. */
const usualFiles = ['/usr/local/etc/uncached.ini', '/etc/uncached.ini'];

/**
 * What to type on the daemon's machine.
 * @param {DaemonIdentity} daemon
 * @param {...(string | number)} words
 */
export function commandFor({ configurationFile }, ...words) {
  const file = usualFiles.includes(configurationFile) ? [] : ['--config', quoted(configurationFile)];
  return ['uncached', ...file, ...words].join(' ');
}

/** @param {string} word */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command, and a button that copies it. */
export function commandElement() {
  const code = element('code');
  const button = element('button', '', 'copy');
  button.setAttribute('type', 'button');
  button.addEventListener('click', async () => {
    getSelection()?.selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
      say(button, 'copied');
    } catch {
      // A browser allows access to the clipboard only over HTTPS or on localhost: otherwise the command is at
      // least selected.
      say(button, 'selected');
    }
  });
  return element('div', 'command', code, ' ', button);
}

/**
 * @param {Element | undefined} command
 * @param {string} text
 */
export function showCommand(command, text) {
  const [code, button] = command?.children ?? [];
  if (!code || !button || code.textContent === text) return;
  say(code, text);
  say(button, 'copy');
  button.setAttribute('aria-label', `copy ${text}`);
}
