import { readFileSync } from 'node:fs';
import { installSteps, type NamedStep, triedIn } from './install.ts';

/**
 * Runs the daemon as "Containers" in doc/recipes.md says, on a site that was installed as doc/operating.md says. A
 * script stands for Docker: docker.sh says what it does not do.
 */
export function containerSteps(recipes: string, operating: string): NamedStep[] {
  const steps = installSteps(operating);
  const step = (name: string, text: string) => steps.push({ name, language: 'sh', text });
  const [run = ''] = triedIn(recipes, 'container.test.ts');
  const start = `export PGPASSWORD=SECRET; { ${run.trimEnd()}; } > /run/uncached.log 2>&1 &`;
  const [, seconds] = /^TimeoutStopSec=(\d+)/m.exec(readFileSync('service/uncached.service', 'utf8')) ?? [];

  step(
    'docker',
    `cat > /usr/local/bin/docker <<'SCRIPT'
${readFileSync('test/operating/docker.sh', 'utf8')}SCRIPT
     chmod 755 /usr/local/bin/docker
     install -d -o www-data -g www-data -m 2775 ${volume} ${volume}/articles`,
  );
  step(
    'a database that is reached over TLS',
    `echo '127.0.0.1 db' >> /etc/hosts
     certificate db
     cat $data/server.crt >> /etc/ssl/certs/ca-certificates.crt
     echo 'ssl = on' >> $data/postgresql.conf
     stop_server; start_server
     ask "ALTER ROLE uncached PASSWORD 'SECRET'"
     ask "INSERT INTO articles VALUES ('news', 'hello', 'old')"`,
  );
  // A command that leaves a process behind.
  step(
    'run',
    `printf '#!/bin/sh\\nsetsid sleep 0.1 &\\n' > /usr/local/bin/leave; chmod 755 /usr/local/bin/leave
     echo 'run = /usr/local/bin/leave' >> /etc/uncached.ini`,
  );
  step(
    'start',
    `${start}\nuntil_true 20 grep -q listening /run/uncached.log || { cat /run/uncached.log; exit 1; }`,
  );
  step(
    'a change is cleared',
    `articles=${volume}/articles
     render hello
     ask "UPDATE articles SET body = 'new'"
     until_true 20 not test -e $articles/news/hello.html`,
  );
  step(
    'it is not root',
    `[ -z "$(pgrep -u 0 -f 'uncached run --log' | xargs -r ps -o comm= -p | grep node)" ]`,
  );
  step('nothing that has ended is left', `sleep 1; ! grep -l '^State:.Z' /proc/[0-9]*/status`);
  step('stop', `docker stop && [ "$(cut -d ' ' -f 2 /run/container)" -ge ${seconds} ]`);
  step('start again', `${start}\nuntil_true 20 grep -q listening /run/uncached.log`);
  step(
    'it knows its cache again',
    `articles=${volume}/articles
     ask "UPDATE articles SET body = 'newer'"
     until_true 20 grep -q '"cleared"' /run/uncached.log
     ! grep 'whole cache' /run/uncached.log`,
  );
  step('stop', 'docker stop');
  step(
    'another name is another machine',
    `${start.replace('uncached-web1', 'uncached-web2')}
     until_true 20 grep -q 'whole cache' /run/uncached.log; docker stop`,
  );
  step('another server', 'certificate other; stop_server; start_server');
  step(
    'is not trusted',
    `${start}\nuntil_true 20 grep -q 'database-unavailable' /run/uncached.log; docker stop`,
  );
  return steps;
}

const volume = '/var/lib/docker/volumes/cache/_data';
