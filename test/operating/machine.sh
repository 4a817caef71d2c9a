#!/bin/bash
# Runs numbered command files on a machine of their own: this one, but whatever is changed in /etc, /var, /usr, /root and /run is gone
# afterwards and seen by nobody else. Called inside `unshare --mount --pid`: what the commands have started ends with it.
#   machine.sh WORK SERVER PACKAGE NODE
# WORK/N.sh and WORK/N.sql are run in order; WORK/N.{out,err,code} are their results. WORK/functions.sh is read by each.
# SERVER is the directory with the socket of a PostgreSQL, or "-" where a step starts one. PACKAGE is an installed uncached, or a Debian
# package that the steps install.
set -eu
work=$1 server=$2 package=$3 node=$4

ip link set lo up

mount -t tmpfs tmpfs /mnt
for part in etc var usr root; do
  mkdir -p "/mnt/$part/upper" "/mnt/$part/work"
  mount -t overlay overlay -o "lowerdir=/$part,upperdir=/mnt/$part/upper,workdir=/mnt/$part/work" "/$part"
done
mkdir /mnt/postgresql
[ "$server" = - ] || mount --bind "$server" /mnt/postgresql
mount -t tmpfs tmpfs /run
install -d -o postgres -g postgres -m 2775 /run/postgresql
[ "$server" = - ] || mount --bind /mnt/postgresql /run/postgresql

if [ -f "$package" ]; then
  cp "$package" /var/tmp/
else
  mkdir -p /usr/lib/node_modules
  cp -r "$package" /usr/lib/node_modules/uncached
  ln -sf ../lib/node_modules/uncached/dist/program/main.js /usr/bin/uncached
  chmod -R go+rX /usr/lib/node_modules/uncached
  # As npm does for "bin".
  chmod 755 /usr/lib/node_modules/uncached/dist/program/main.js
fi
[ "$(readlink -f "$node")" = "$(readlink -f /usr/bin/node)" ] || cp --remove-destination "$(readlink -f "$node")" /usr/bin/node
unset "${!npm_@}" NODE_OPTIONS
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# What settles is to be shown by a command that this machine may need seconds for.
export UNCACHED_SETTLE=10m

# Waits, before a command, for what a reader finds by then: each page is gone and the daemon has said that all is well; or it has ended.
ready_for() {
  local query
  case $1 in
    status) query="SELECT NOT EXISTS (SELECT FROM uncached.log WHERE id > (SELECT min(cleared_to) FROM uncached.consumer))
      AND (SELECT count(*) = 1 AND bool_and(problems::text = '[]') FROM uncached.daemon WHERE silent_at > clock_timestamp())" ;;
    drain) query="SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'uncached %')" ;;
  esac
  for _ in $(seq 1000); do
    if [ "$(su postgres -c 'psql -AtX -d site' <<<"$query")" = t ]; then return; fi
    sleep 0.1
  done
}
export -f ready_for

export BASH_ENV=$work/functions.sh

cd /var/tmp
for file in $(cd "$work" && ls | grep -E '^[0-9]+\.(sh|sql)$' | sort -n); do
  number=${file%%.*}
  code=0
  case $file in
    *.sh) bash -eu -o pipefail "$work/$file" >"$work/$number.out" 2>"$work/$number.err" </dev/null || code=$? ;;
    *.sql) su postgres -c 'psql -v ON_ERROR_STOP=1 -d site' <"$work/$file" >"$work/$number.out" 2>"$work/$number.err" || code=$? ;;
  esac
  echo "$code" >"$work/$number.code"
  [ "$code" = 0 ] || break
done
