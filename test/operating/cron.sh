# Stands for Debian's cron, which the tests do not have, in a minute in which only lines with five "*" are due. It reads
# /etc/cron.d as cron does: a name with a dot, a file that others may write to and a line without an end are ignored.
cron_minute() {
  local file minute hour day month weekday account command
  for file in /etc/cron.d/*; do
    [[ ${file##*/} =~ ^[A-Za-z0-9_-]+$ ]] || continue
    [ -z "$(find "$file" '(' -not -user root -o -perm /022 ')')" ] || continue
    set -f
    while read -r minute hour day month weekday account command; do
      [ "$minute$hour$day$month$weekday" = '*****' ] || continue
      setpriv --reuid "$account" --regid "$(id -g "$account")" --init-groups \
        env -i HOME=/ LOGNAME="$account" SHELL=/bin/sh PATH=/usr/bin:/bin sh -c "$command"
    done <"$file"
    set +f
  done
}
