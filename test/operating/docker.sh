#!/bin/bash
# Stands for Docker, which the tests do not have: `docker run` with the options below, and `docker stop`. The command runs in
# namespaces of its own, as the user, with the environment and the volumes that the options give it, and nothing else. Not
# tried: images, networks, and tini, which --init starts: a shell does its work here.
set -eu
if [ "$1" = stop ]; then
  read -r unshared seconds </run/container
  first=$(tr -d " " </proc/"$unshared"/task/"$unshared"/children)
  kill "$first"
  for _ in $(seq "$((seconds * 10))"); do kill -0 "$first" 2>/dev/null || exit 0; sleep 0.1; done
  kill -9 "$first"
  exit 137
fi
[ "$1" = run ]
shift
export hostname init= user=0:0
hostname=$(head -c 6 /dev/urandom | od -An -tx1 | tr -d ' ')
seconds=10 environment=() volumes=()
while [[ $1 = -* ]]; do
  case $1 in
    --init) init=yes ;;
    --hostname) hostname=$2; shift ;;
    --stop-timeout) seconds=$2; shift ;;
    --user) user=$2; shift ;;
    -e) if [[ $2 = *=* ]]; then environment+=("$2"); else environment+=("$2=${!2-}"); fi; shift ;;
    -v) volumes+=("$2"); shift ;;
    *) echo "docker run: unknown option $1" >&2; exit 125 ;;
  esac
  shift
done
shift; set -- uncached "$@" # The image, and the ENTRYPOINT that it has.
echo "$$ $seconds" >/run/container

mkdir -p /run/volumes
exec unshare --mount --uts --pid --fork --mount-proc --kill-child bash -eu -c '
  hostname "$hostname"
  at=0
  while [ "$1" != -- ]; do
    source=${1%%:*}; target=${1#*:}; target=${target%:ro}
    case $source in /*) ;; *) source=/var/lib/docker/volumes/$source/_data ;; esac
    if [ -d "$source" ]; then mkdir -p "/run/volumes/$at"; else touch "/run/volumes/$at"; fi
    mount --bind "$source" "/run/volumes/$at"
    mounts[at]=$target
    at=$((at + 1)); shift
  done
  shift
  # Nothing of the host is in an image. What mmdebstrap builds has a machine id for all.
  [ ! -e /etc/uncached.ini ] || mount --bind /dev/null /etc/uncached.ini
  echo uninitialized >/run/machine-id
  [ ! -e /etc/machine-id ] || mount --bind /run/machine-id /etc/machine-id
  mount -t tmpfs tmpfs /var/cache; mount -t tmpfs tmpfs /run/postgresql
  for at in "${!mounts[@]}"; do
    if [ -d "/run/volumes/$at" ]; then mkdir -p "${mounts[at]}"; fi
    mount --bind "/run/volumes/$at" "${mounts[at]}"
  done
  environment=(); while [ "$1" != -- ]; do environment+=("$1"); shift; done; shift
  group=${user#*:}; [ "$group" != "$user" ] || group=0
  [ -z "$init" ] || set -- bash -c '\''"$@" & child=$!; trap "kill $child" TERM; wait $child; wait $child'\'' init "$@"
  exec setpriv --reuid "${user%:*}" --regid "$group" --clear-groups env -i PATH="$PATH" HOME=/ "${environment[@]}" "$@"
' container "${volumes[@]}" -- "${environment[@]}" -- "$@"
