# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For tests of vgpuctl with a real kernel: TAP, one command a line.
. "$VGPU_TOP/tests/jobs/json.sh"
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

n=0
t() { # what, command...
	local what=$1; shift
	n=$((n + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		sed 's/^/# /' "$work/log" | head -20
	fi
}
exits() { # status, command...
	local want=$1 got; shift
	"$@" >"$work/out" 2>"$work/err"; got=$?
	cat "$work/out" "$work/err"
	[ "$got" = "$want" ] || { echo "exit status $got, not $want"; return 1; }
}
says() { # words, status, command...
	local words=$1; shift
	exits "$@" && grep -qF -- "$words" "$work/out" "$work/err"
}
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
