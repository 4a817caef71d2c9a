#!/bin/bash
# Makes DIRECTORY/uncached_VERSION_all.deb (default: build) from dist/, as `npm run deb` has built it, and debian/: the
# program and what it reads. Libraries for Node.js are in the npm package. The same commit gives the same bytes. Needs debhelper.
set -euo pipefail
cd "$(dirname "$0")/.."
directory=$(realpath "${1:-build}")
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
umask 022

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
source=$stage/uncached
mkdir "$source"
npm pack --silent --ignore-scripts --pack-destination "$stage" >/dev/null
# With --touch, because dpkg-deb sets back only times after SOURCE_DATE_EPOCH.
tar -xzf "$stage"/uncached-*.tgz -C "$source" --strip-components=1 --touch
cp -R debian "$source"
node scripts/man.js "$source/man"

cd "$source"
# For a site's own programs, which would not find them here.
rm -r dist/{core,daemon,memory-cache,page-cache,postgres}

# 1.0.0~rc.1 is older than 1.0.0 to dpkg.
version=$(node -p 'require("./package.json").version.replace("-", "~")')
cat >debian/changelog <<END_OF_CHANGELOG
uncached ($version) unstable; urgency=medium

  * CHANGELOG.md has what is new.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
END_OF_CHANGELOG
dpkg-buildpackage --build=binary --unsigned-changes --unsigned-buildinfo >"$stage/log" 2>&1 || { cat "$stage/log" >&2; exit 1; }
mkdir -p "$directory"
mv "$stage/uncached_${version}_all.deb" "$directory"
echo "$directory/uncached_${version}_all.deb"
