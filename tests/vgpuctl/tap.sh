# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# TAP, one command a line; $work is a folder of who has this.
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
