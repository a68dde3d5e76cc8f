#!/bin/sh
# What the tests talk to: Debian's prometheus (with promtool), postgresql and chromium.
set -eu
missing=""
command -v promtool >/dev/null && command -v prometheus >/dev/null || missing="$missing prometheus"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v chromium >/dev/null || missing="$missing chromium"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need$missing: install with your package manager, then run again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# The package starts a server of its own on port 9090; the tests only want the programs.
policy=/usr/sbin/policy-rc.d
made=""
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  made=yes
fi
status=0
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null || status=$?
[ -z "$made" ] || rm -f "$policy"
exit "$status"
