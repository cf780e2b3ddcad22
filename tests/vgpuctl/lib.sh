# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For tests of vgpuctl with a real kernel: TAP, one command a line.
. "$VGPU_TOP/tests/jobs/json.sh"
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# shellcheck source=tests/vgpuctl/tap.sh
. "$VGPU_TOP/tests/vgpuctl/tap.sh"
# An expression over the JSON (j) that a command prints.
json() { # expression, command...
	local expression=$1; shift
	"$@" >"$work/json" || { echo "exit status $?"; return 1; }
	holds 'all(x["schema"] == 1 for x in (j if isinstance(j, list) else [j]))' "$work/json" &&
		holds "$expression" "$work/json"
}
value() { # expression, command...: prints it
	local expression=$1; shift
	"$@" >"$work/value" && evaluate "$expression" "$work/value"
}
somebody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

type=$(value 'j["types"][0]["name"]' "$ctl" -j type list)
