/**
 * The shell script that keeps one server in one directory of its own ($1) while its standard input is open.
 *
 * Only its parent holds the other end of that pipe. However the parent ends, even by kill -9, the kernel
 * closes the pipe, `read` fails, and the script stops PostgreSQL and removes the directory. No other sign is
 * reliable: a parent's pid can be reused, and an exit handler does not run after kill -9.
 *
 * Orders arrive on standard input, one a line. Reports are written to standard output, one a line:
 *
 *     (none)            guarding          we can write in the directory
 *     initdb BINARIES   initialised N     exit status
 *     start BINARIES    started PID       the postmaster's; the parent checks whether it becomes ready
 *     (none)            gone              the postmaster and every process below it have ended
 *     kill              (gone)            SIGKILL for the postmaster and every process below it
 *     reap              reaped N          exit status; until then its zombie looks alive to a new postmaster
 *
 * `gone` depends on the life line, a named pipe that PostgreSQL's processes inherit as descriptor 3 and never
 * use. When the last of them has ended, its reader gets the end of file. After kill -9 of a postmaster its
 * backends outlive it for a moment, and a new one refuses to start until they have released the shared
 * memory.
 */
export const guardianScript = `
directory=$1 postmaster= lifewatch=

start() {
  { read -r nothing <"$directory/lifeline"; echo gone; } &
  lifewatch=$!
  "$binaries/postgres" -D "$directory/data" </dev/null >>"$directory/log" 2>&1 3>"$directory/lifeline" &
  postmaster=$!
  echo "started $postmaster"
}

# The postmaster first, so that it starts nothing more. A backend that computes does not notice its death, and one that
# is stopped cannot: those are known by their working directory, where there is a /proc.
slay() {
  kill -s KILL "$postmaster"
  for cwd in /proc/[0-9]*/cwd; do
    [ "$cwd" -ef "$directory/data" ] && pid=\${cwd%/cwd} && kill -s KILL "\${pid#/proc/}"
  done
}

# A fast shutdown waits for ever for a backend that is stopped. The last line is for systems without a /proc.
hurry() {
  trap 'kill "$nap"; exit' USR1
  sleep 4 & nap=$!
  wait "$nap"
  slay
  sleep 2 & nap=$!
  wait "$nap"
  kill "$lifewatch"
}

finish() {
  trap '' HUP INT TERM
  if [ -n "$lifewatch" ]; then
    kill -s INT "$postmaster"
    kill -s CONT "$postmaster"
    hurry >/dev/null &
    hurry=$!
    wait "$lifewatch"
    wait "$postmaster"
    kill -s USR1 "$hurry"
  fi
  rm -rf "$directory"
  # Said outright: in a trap, a bare exit gives the status from before it.
  exit "$?"
}

umask 077
trap '' PIPE
# Who cannot write where the directory lies could not remove it in the end.
[ -w "\${directory%/*}" ] && mkfifo "$directory/lifeline" || exit 1
exec 2>>"$directory/log"
trap finish HUP INT TERM
echo guarding
while read -r order binaries; do
  case $order in
    initdb)
      "$binaries/initdb" -D "$directory/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \\
        </dev/null >>"$directory/log" 2>&1
      echo "initialised $?" ;;
    start) start ;;
    kill) slay ;;
    reap) wait "$postmaster"; echo "reaped $?"; postmaster= ;;
  esac
done
finish
`;
