#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What `vgpuctl metrics` prints, as Prometheus's own programs see it: promtool has nothing to
# say, and node_exporter shows every series with its value.
#
#	tests/vgpuctl/prometheus.sh FILE	metrics, e.g. golden/metrics.txt
set -u

file=${1:?file of metrics}
work=$(mktemp -d)
exporter=
trap '[ -z "$exporter" ] || kill "$exporter"; rm -rf "$work"' EXIT

n=0
t() { # what, command...
	local what=$1; shift
	n=$((n + 1))
	if "$@" >"$work/out" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		sed 's/^/# /' "$work/out" | head -20
	fi
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }

# It says on which port it listens, and answers a moment later.
start() {
	local i port
	prometheus-node-exporter --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$work/dir" --web.disable-exporter-metrics \
		--web.listen-address=127.0.0.1:0 >"$work/exporter" 2>&1 & exporter=$!
	for ((i = 0; i < 300; i++)); do
		port=$(sed -n 's/.*[Ll]istening on.*address=127.0.0.1:\([0-9]*\).*/\1/p' "$work/exporter")
		[ -n "$port" ] && get "$port" >"$work/page" && return 0
		sleep 0.2
	done
	cat "$work/exporter"
	return 1
}
get() { /usr/bin/python3 -c 'import sys, urllib.request as u; print(u.urlopen("http://127.0.0.1:%s/metrics" % sys.argv[1]).read().decode())' "$1"; }

same() {
	/usr/bin/python3 - "$file" "$work/page" <<'PY'
import re, sys

def series(path):
    found = {}
    for line in open(path):
        m = re.match(r'(vgpu_\w+)\{(.*)\} (\S+)$', line)
        if m:
            labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m[2])
            # bounds are numbers, which either side may write as it likes
            labels = [(k, str(float(v)) if k == "le" else v) for k, v in labels]
            found[m[1], tuple(sorted(labels))] = float(m[3])
    return found

want, got = series(sys.argv[1]), series(sys.argv[2])
assert len(want) > 50, len(want)
assert want == got, sorted(set(want.items()) ^ set(got.items()))[:5]
PY
}

echo "TAP version 13"
if command -v promtool >/dev/null; then
	t "promtool has nothing to say" promtool check metrics <"$file"
else
	skip "promtool has nothing to say" "there is no promtool (scripts/setup)"
fi
if command -v prometheus-node-exporter >/dev/null; then
	mkdir "$work/dir"
	cp "$file" "$work/dir/vgpu.prom"
	t "node_exporter starts" start
	t "it could read all" grep -qx "node_textfile_scrape_error 0" "$work/page"
	t "it shows the same series and values" same
else
	skip "node_exporter shows the same series" "there is none (scripts/setup)"
fi
echo "1..$n"
