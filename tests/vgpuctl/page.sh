#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The page that `vgpuctl report --html` makes: well-formed, by itself, and nothing that a
# tenant is called is part of what it is made of.
#
#	tests/vgpuctl/page.sh FILE	a page, with the hostile name of unit.c in it
set -u

file=${1:?file of a page}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck source=tests/vgpuctl/tap.sh
. "$(dirname "$0")/tap.sh"

same_as() { [ "$("${@:2}")" = "$1" ]; }
charts() { xmllint --xpath "count(//svg[@role='img'])" "$file"; }
series() { xmllint --xpath "count(//figure[figcaption[starts-with(., '$1')]]//path[title])" "$file"; }

echo "TAP version 13"
if ! command -v xmllint >/dev/null; then
	echo "ok 1 - the page # SKIP no xmllint"
	echo "1..1"
	exit
fi
t "it is well-formed" xmllint --noout "$file"
t "it refers to nothing outside" sh -c '! grep -nE "https?:|//|src=|href=|url\(|@import|<(script|link|iframe|object|img|base)" "$1"' _ "$file"
t "nothing else may be loaded" grep -q "default-src 'none'" "$file"
t "it is plain ASCII" sh -c '! LC_ALL=C grep -nP "[^\x20-\x7e\t]" "$1"' _ "$file"
t "nobody's name is a tag" same_as 1 xmllint --xpath 'count(//title[not(ancestor::svg)])' "$file"
t "but it is shown" grep -q '&lt;/title&gt;&lt;script&gt;&quot;&amp;&#39;???x' "$file"
t "dark and light" grep -q "prefers-color-scheme:dark" "$file"
t "nine charts" same_as 9 charts
t "two vGPUs had the engines" same_as 3 series "Who had the engines"
t "each chart says what it shows" same_as 9 xmllint --xpath "count(//figure[figcaption/small]/svg[@aria-label])" "$file"
t "each chart has a key" same_as 9 xmllint --xpath "count(//figure[ul/li])" "$file"
echo "1..$n"
