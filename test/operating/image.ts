import { installSteps, type NamedStep } from './install.ts';

/**
 * Runs the daemon in namespaces of its own as etc/container/ says: the user, the environment, a root that can only
 * be read, and nothing else; and without what --init adds, so that the daemon is process 1. Not tried: an image, its
 * build, and networks, which need a container engine and base images.
 */
export function imageSteps(files: {
  containerfile: string;
  compose: string;
  operating: string;
}): NamedStep[] {
  const { containerfile, compose, operating } = files;
  const [, user = '', group = ''] = /^ {4}user: "(\d+):(\d+)"$/m.exec(compose) ?? [];
  const [, health = ''] = /^ {2}CMD (.*)$/m.exec(containerfile) ?? [];
  const command = [...containerfile.matchAll(/^(?:ENTRYPOINT|CMD) \["(.*)"\]$/gm)]
    .map(([, words = '']) => words.split('", "').join(' '))
    .join(' ');
  const [, settings = ''] =
    /^ {4}environment:\n((?: {6}(?:PG\w+: \S+|#.*)\n)+) {4}secrets: \[pgpass\]/m.exec(compose) ?? [];
  const environment = [...settings.matchAll(/^ {6}(PG\w+): (\S+)$/gm)]
    .map(([, name, value]) => `${name}=${value}`)
    .join(' ');
  const [, mode = ''] = /install -d -o \d+ -g \d+ -m (\d+) \/var\/cache\/site/.exec(containerfile) ?? [];

  const steps = installSteps(operating);
  const step = (name: string, text: string) => steps.push({ name, language: 'sh', text });
  step(
    'a volume, and a database that is reached by a password',
    `echo '127.0.0.1 db' >> /etc/hosts
     ask "ALTER ROLE uncached PASSWORD 'SECRET'"
     mkdir /run/secrets; echo 'db:5432:site:uncached:SECRET' > /run/secrets/pgpass
     chown ${user} /run/secrets/pgpass; chmod 600 /run/secrets/pgpass
     rm -r /var/cache/site; install -d -o ${user} -g ${group} -m ${mode} /var/cache/site
     printf '#!/bin/sh\\nexit 0\\n' > /usr/local/bin/ping-cdn; chmod 755 /usr/local/bin/ping-cdn
     echo 'run = /usr/local/bin/ping-cdn' >> /etc/uncached.ini
     if getent passwd ${user}; then exit 1; fi
     cat > /usr/local/bin/contained <<'SCRIPT'
${contained(environment, user, group)}SCRIPT
     chmod 755 /usr/local/bin/contained
     install -d -o www-data -g www-data -m 2775 /var/cache/site/articles
     ask "INSERT INTO articles VALUES ('news', 'hello', 'old')"`,
  );
  step(
    'the root cannot be written',
    `for file in /usr/new /tmp/new /run/new; do if contained touch $file; then exit 1; fi; done`,
  );
  step(
    'whose password file is of another account hears what to do',
    `chown root /run/secrets/pgpass
     if contained uncached check > /run/check.log 2>&1; then exit 1; fi
     grep 'cannot be read: .*it must belong to uid ${user}' /run/check.log
     chown ${user} /run/secrets/pgpass`,
  );
  step('check', 'contained uncached check');
  step('it is unhealthy without a daemon, if entries wait', `! contained sh -c '${health}'`);
  step(
    'start',
    `contained ${command} > /run/uncached.log 2>&1 &
     echo $! > /run/container
     until_true 20 grep -q listening /run/uncached.log || { cat /run/uncached.log; exit 1; }`,
  );
  step(
    'a change is cleared',
    `render hello
     ask "UPDATE articles SET body = 'new'"
     until_true 20 not test -e $articles/news/hello.html`,
  );
  step('it is healthy', `contained sh -c '${health}'`);
  step('it is process 1, and only commands leave it something to reap', `${theChildren}`);
  step(
    'SIGTERM ends it in order, as process 1, which has no other effect of signals than its own',
    `kill ${firstProcess}
     until_true 20 not kill -0 "$(cat /run/container)" 2>/dev/null
     tail -n 1 /run/uncached.log | grep '"event":"stopped"'`,
  );
  return steps;
}

const firstProcess = '$(tr -d " " </proc/"$(cat /run/container)"/task/"$(cat /run/container)"/children)';

const theChildren = `first=${firstProcess}
     grep -x 'NSpid:.*[^0-9]1' /proc/$first/status
     for child in $(cat /proc/$first/task/*/children); do
       grep -q worker-child /proc/$child/cmdline || grep -x 'Name:.sh' /proc/$child/status || exit 1
     done`;

/** All mounts become read-only but the cache: what a container engine does with read_only. */
const contained = (environment: string, user: string, group: string) => `#!/bin/bash
exec unshare --mount --pid --fork --mount-proc --kill-child bash -eu -c '
  mount --bind /var/cache/site /var/cache/site
  cut -d " " -f 2 /proc/self/mounts | grep -v -e "^/proc" -e "^/sys" -e "^/var/cache/site$" -e "^/dev$" | sort -u | while read -r at; do
    mount -o remount,bind,ro "$at" 2>/dev/null || [ ! -d "$at" ] || echo "cannot be made read-only: $at" >&2
  done
  exec setpriv --reuid ${user} --regid ${group} --clear-groups --bounding-set=-all --no-new-privs env -i PATH="$PATH" ${environment} "$@"
' container "$@"
`;
