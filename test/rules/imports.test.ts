import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const adapters = [
  'postgres',
  'filesystem',
  'filesystem/walk',
  'filesystem/zone',
  'filesystem/workers',
  'config',
  'observe',
];
const caches = ['caches/files', 'caches/command', 'caches/nginx', 'caches/purge'];

/** doc/design.md, "Layout": the folders that a folder may import from, besides itself. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  core: [],
  template: ['core'],
  postgres: ['core'],
  'filesystem/walk': ['core'],
  filesystem: ['filesystem/walk', 'core'],
  'filesystem/zone': ['filesystem/walk', 'core'],
  'filesystem/workers': ['filesystem', 'filesystem/walk', 'filesystem/zone', 'core'],
  config: ['core'],
  observe: ['core'],
  http: ['core'],
  clearing: ['template', 'core'],
  'caches/files': ['clearing', 'template', 'core'],
  'caches/command': ['clearing', 'core'],
  'caches/nginx': ['template', 'core'],
  'caches/purge': ['template', 'core'],
  daemon: ['clearing', 'core'],
  'cache-kinds': [...caches, 'clearing', 'core'],
  'open-caches': ['cache-kinds', ...caches, 'clearing', ...adapters, 'core'],
  'load-all': ['cache-kinds', 'clearing', 'config', 'core'],
  'open-database': ['load-all', 'postgres', 'core'],
  app: [
    'open-caches',
    'open-database',
    'load-all',
    ...caches,
    'daemon',
    'clearing',
    'template',
    ...adapters,
    'core',
  ],
  'cli/explain': ['app', 'load-all', ...caches, 'clearing', 'template', ...adapters, 'core'],
  cli: [
    'cli/explain',
    'app',
    'open-caches',
    'open-database',
    'load-all',
    'cache-kinds',
    ...caches,
    'daemon',
    'clearing',
    'template',
    ...adapters,
    'http',
    'core',
  ],
  main: ['cli'],
  'page-cache': [],
  'memory-cache': ['page-cache', 'daemon', 'postgres', 'core'],
};

/** Where a package may be imported, by folder or by file. */
const packages: Readonly<Record<string, readonly string[]>> = {
  pg: ['postgres'],
  'pg-listen': ['postgres'],
  pino: ['observe'],
  'prom-client': ['observe'],
  ini: ['config'],
  commander: ['cli'],
  'lru-cache': ['memory-cache'],
  fresh: ['memory-cache'],
  'node:fs': [
    'filesystem',
    'page-cache',
    'config/load',
    'caches/command/process-tree',
    'caches/purge/secrets',
    'caches/purge/targets',
    'postgres/password-file',
    'postgres/tls',
    'postgres/sql-files',
    'core/version',
    'http/static-files',
    'observe/log-writer',
  ],
  'node:fs/promises': ['page-cache', 'filesystem'],
  'node:child_process': ['caches/command/command', 'filesystem', 'observe/systemd'],
  'node:http': ['http', 'caches/purge/http-client'],
  'node:https': ['caches/purge/http-client'],
  'node:tls': ['postgres/tls'],
  'node:net': ['http', 'postgres/refusing-socket', 'postgres/tls'],
  'node:v8': ['cli/small-heap', 'filesystem/workers/worker-child'],
};

/** These have no effect outside the process, so they are allowed everywhere but in core. */
const harmless = ['node:util', 'node:timers/promises', 'node:crypto', 'node:os', 'node:path'];

const src = 'src';
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([\w./:-]+)'/g)].map(([, name]) => name ?? '');
}

/** The innermost folder that is a key of `rooms`. For a file directly below src/, its name. */
function roomOf(file: string): string {
  const folder = file.includes('/') ? dirname(file) : file.replace(/\.ts$/, '');
  return folder in rooms ? folder : (folder.split('/')[0] ?? '');
}

/** Runs before what it replaces can be loaded. */
const tooEarly = 'cli/refuse-old-node.ts';

describe.each(files)('src/%s', (file) => {
  const room = roomOf(file);

  it('lives in a room', () => {
    expect(Object.keys(rooms)).toContain(room);
  });

  it('imports down the list only', () => {
    const others = importsOf(file)
      .filter((name) => name.startsWith('.'))
      .map((name) => roomOf(relative(src, join(src, dirname(file), name))))
      .filter((other) => other !== room && !rooms[room]?.includes(other));
    expect(others).toEqual([]);
  });

  it('imports packages only where they belong', () => {
    const strangers = importsOf(file)
      .filter((name) => !name.startsWith('.'))
      .filter((name) => !(room !== 'core' && harmless.includes(name)))
      .filter(
        (name) =>
          !packages[name]?.some((place) => `${room}/`.startsWith(`${place}/`) || `${place}.ts` === file),
      );
    expect(strangers).toEqual([]);
  });

  it('speaks by one way: commands by cli/output.ts, the daemon by its log', () => {
    const writes = /process\.std(out|err)\.write|console\./.test(readFileSync(join(src, file), 'utf8'));
    expect(writes).toBe(file === 'cli/output.ts' || file === tooEarly);
  });

  it('exits the process in main only', () => {
    const exits = readFileSync(join(src, file), 'utf8').includes('process.exit(');
    expect(exits).toBe(file === 'main.ts' || file === tooEarly);
  });
});

const everyFile = ['src', 'test', 'bench']
  .filter((folder) => existsSync(folder))
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'));

it.each(everyFile)('%s is one idea long: at most 250 lines', (file) => {
  expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThanOrEqual(251);
});

describe('bench/', () => {
  const lengths = readdirSync('bench').map(
    (file) => readFileSync(join('bench', file), 'utf8').split('\n').length,
  );

  it('measures the built program: of src/ it imports nothing but memory-cache, and what clears a cache other than files', () => {
    const texts = readdirSync('bench').map((file) => readFileSync(join('bench', file), 'utf8'));
    const imported = texts.flatMap((text) =>
      [...text.matchAll(/from '\.\.\/src\/(.*)'/g)].map(([, path]) => path),
    );
    const parts = /^(memory-cache|caches\/purge|filesystem\/(zone|walk)|core|daemon\/system-clock)/;
    expect(imported.filter((path) => !parts.test(String(path)))).toEqual([]);
  });

  it('has files of one idea: at most 250 lines, the median under 80', () => {
    expect(Math.max(...lengths)).toBeLessThanOrEqual(251);
    expect(lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)]).toBeLessThan(80);
  });

  it('is imported by its own tests alone', () => {
    const others = ['src', 'test'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !/node_modules|^bench\//.test(file))
        .map((file) => join(folder, file)),
    );
    expect(others.filter((file) => /from '[./]*\/bench\//.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});

it('the median file is under 80 lines', () => {
  const lengths = files
    .map((file) => readFileSync(join(src, file), 'utf8').split('\n').length)
    .sort((a, b) => a - b);
  expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThan(80);
});
