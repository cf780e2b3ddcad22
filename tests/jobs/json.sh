# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Expressions over JSON for jobs, all of them in one Python: to start one takes
# half a second in an emulated machine. . "$VGPU_TOP/tests/jobs/json.sh", then
#
#	evaluate EXPRESSION [FILE]	prints what EXPRESSION gives
#	holds EXPRESSION [FILE]		succeeds if it is true, and prints why not
#
# j is the JSON of FILE, or of standard input; a list, if that has several lines
# with a value each. One asks at a time: no questions from what runs in the background.

coproc JSON { exec python3 -u -c '
import json, sys

def ask(what, path, expression):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    try:
        j = json.loads(text)
    except ValueError:
        j = [json.loads(line) for line in text.splitlines()]
    value = eval(expression, {"j": j})
    if what == "evaluate":
        return 0, value
    return (0, "") if value else (1, f"not true: {expression}: {text}")

for line in sys.stdin:
    try:
        status, answer = ask(*line.rstrip("\n").split("\t", 2))
    except Exception as e:
        status, answer = 1, f"{type(e).__name__}: {e}: {line}"
    print(status, " ".join(str(answer).split("\n")))
'; }
# subshells inherit copies, not the originals
# shellcheck disable=SC2153
exec {json_to}>&"${JSON[1]}" {json_from}<&"${JSON[0]}"
# a job that waits for its children does not mean this one
disown "$JSON_PID"

json_ask() {	# evaluate|holds, expression, file
	local file=${3:-} status answer
	if [ -z "$file" ]; then
		file=$(mktemp)
		cat >"$file"
	fi
	printf '%s\t%s\t%s\n' "$1" "$file" "$2" >&"$json_to"
	read -r status answer <&"$json_from" || status=1
	[ -n "${3:-}" ] || rm -f "$file"
	[ -z "$answer" ] || printf '%s\n' "$answer"
	return "$status"
}
evaluate() { json_ask evaluate "$@"; }
holds() { json_ask holds "$@"; }
