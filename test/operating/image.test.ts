import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imageSteps } from './image.ts';
import { itRuns } from './steps-test.ts';

const containerfile = readFileSync('etc/container/Containerfile', 'utf8');
const compose = readFileSync('etc/container/compose.yaml', 'utf8');

describe('etc/container/', () => {
  it('gives as long to stop as the systemd unit', () => {
    const [, seconds] = /^TimeoutStopSec=(\d+)/m.exec(readFileSync('service/uncached.service', 'utf8')) ?? [];
    expect(compose).toContain(`stop_grace_period: ${seconds}s\n`);
  });

  it('has what a container needs', () => {
    for (const line of ['init: true', 'hostname: uncached-web1', 'read_only: true', 'cap_drop: [ALL]'])
      expect(compose).toContain(`\n    ${line}\n`);
    expect(compose).toContain(`\n    user: "${/^USER (.*)$/m.exec(containerfile)?.[1]}"\n`);
  });

  it('starts a program that is in the package', () => {
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: { uncached: string } };
    expect(containerfile).toContain(`ln -s ../lib/uncached/${bin.uncached} /usr/local/bin/uncached`);
  });

  it('takes a command: the entrypoint of the base image would give it to node', () => {
    expect(containerfile).toContain('\nENTRYPOINT ["uncached"]\n');
    expect(compose).toMatch(/ run .*uncached (schema|attach|check)/);
    expect(compose + readFileSync('doc/recipes.md', 'utf8')).not.toContain('uncached uncached ');
  });

  it('sends the engine no password', () => {
    const sent = readFileSync('etc/container/.dockerignore', 'utf8').replace(/^#.*\n/gm, '');
    expect(sent).toBe('*\n!uncached-*.tgz\n');
  });

  it('waits for the server that stays: the one that prepares a new database has a socket only', () => {
    expect(compose).toContain('test: ["CMD", "pg_isready", "-q", "-h", "127.0.0.1"');
  });
});

itRuns('etc/container/', {
  steps: imageSteps({ containerfile, compose, operating: readFileSync('doc/operating.md', 'utf8') }),
  programs: ['setpriv'],
});
