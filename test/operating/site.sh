# Functions for the steps of a test: a PostgreSQL, a daemon and a writer on the throw-away machine (machine.sh).
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
data=/var/lib/postgresql/data

# As Debian sets it up: accounts log in by their name through the socket, others with a password.
make_server() {
  install -d -o postgres -g postgres -m 700 "$data" /var/lib/postgresql/wal
  su postgres -c "$bin/initdb --no-sync --auth-local=peer --auth-host=scram-sha-256 -D $data" >/dev/null
  cat >>"$data/postgresql.conf" <<'CONF'
unix_socket_directories = '/run/postgresql'
listen_addresses = '127.0.0.1'
fsync = off
archive_mode = on
archive_command = 'cp %p /var/lib/postgresql/wal/%f'
CONF
  start_server
}
start_server() { su postgres -c "$bin/pg_ctl -s -w -D $data -l /run/postgresql/log start"; }
stop_server() { su postgres -c "$bin/pg_ctl -s -w -D $data -m fast stop"; }

# Without `su` and Debian's wrapper around psql, which take longer than the query.
ask() { (cd / && setpriv --reuid postgres --regid postgres --clear-groups "$bin/psql" -AtX -v ON_ERROR_STOP=1 -h /run/postgresql -d site <<<"$1"); }

# until_true SECONDS COMMAND...
until_true() {
  local tries=$(($1 * 10))
  shift
  until "$@"; do
    [ $((tries -= 1)) -gt 0 ] || { echo "not within time: $*"; return 1; }
    sleep 0.1
  done
}

start_daemon() {
  setpriv --reuid uncached --regid uncached --init-groups --reset-env \
    env UNCACHED_SETTLE=0s uncached run --log-format=text >/run/uncached.log 2>&1 &
  echo $! >/run/uncached.pid
  until_true 20 grep -q listening /run/uncached.log
}
stop_daemon() {
  kill "$(cat /run/uncached.pid)"
  until_true 20 not kill -0 "$(cat /run/uncached.pid)" 2>/dev/null
}
not() { ! "$@"; }

# What a writer does: the page of an article shows what the database says.
render() { ask "SELECT body FROM articles WHERE slug = '$1'" | page "$1"; }
page() { setpriv --reuid www-data --regid www-data --init-groups sh -c "umask 002; cd $articles; mkdir -p news; cat > news/$1.html"; }
articles=/var/cache/site/articles

# Nothing is left to be cleared for the second time.
settled() {
  [ "$(ask 'SELECT count(*) FROM uncached.consumer WHERE state <> $$live$$ OR settled_to < (SELECT max(id) FROM uncached.log)')" = 0 ]
}

# change SLUG BODY: changes an article, waits until its page is gone, and writes it again.
change() {
  ask "UPDATE articles SET body = '$2' WHERE slug = '$1'"
  until_true 20 not test -e "$articles/news/$1.html"
  until_true 20 settled
  render "$1"
}

# Fails if a page shows what the database does not say.
no_stale_page() {
  local page slug
  for page in "$articles"/news/*.html; do
    [ -e "$page" ] || continue
    slug=$(basename "$page" .html)
    [ "$(ask "SELECT body FROM articles WHERE slug = '$slug'")" = "$(cat "$page")" ] || { echo "stale: $page"; return 1; }
  done
}

# A certificate of the server for this name, which is its own authority.
certificate() {
  (cd "$data" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
    -addext "subjectAltName=DNS:$1" -keyout server.key -out server.crt 2>/dev/null && chown postgres: server.* && chmod 600 server.key)
}
