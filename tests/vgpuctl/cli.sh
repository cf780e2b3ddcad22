#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vgpuctl's command line on a machine without vgpu: help, manual page,
# completion and table agree; bad lines are refused with exit status 2 and a
# hint; without a module it says what to do.
#
#	tests/vgpuctl/cli.sh FOLDER	where vgpuctl and vgpuctl.d are
set -u

bin=$(cd "${1:?folder of vgpuctl}" && pwd)
ctl=$bin/vgpuctl
man=$bin/vgpuctl.d/vgpuctl.8
bash_completion=$bin/vgpuctl.d/vgpuctl.bash
py=/usr/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck source=tests/vgpuctl/tap.sh
. "$(dirname "$0")/tap.sh"

echo "TAP version 13"

# --- the table, and what is made of it ---------------------------------------
"$ctl" help --format json >"$work/table.json"
t "the table is JSON" "$py" -m json.tool "$work/table.json"
"$py" - "$work/table.json" >"$work/lines" <<'PY'
import json, sys
table = json.load(open(sys.argv[1]))
assert table["schema"] == 1
for c in table["commands"]:
    opts = " ".join(o["name"] for o in c["options"])
    print(f'{c["noun"]}|{c.get("verb", "")}|{opts}|{c["help"]}')
PY
"$py" - "$work/table.json" >"$work/values" <<'PY'
import json, sys
for c in json.load(open(sys.argv[1]))["commands"]:
    name = f'{c["noun"]}|{c.get("verb", "")}'
    print(f'{name}||{" ".join(c.get("values", []))}')
    for o in c["options"]:
        print(f'{name}|--{o["name"]}|{" ".join(o.get("values", []))}')
PY
nroff -man "$man" 2>/dev/null | col -b >"$work/man.txt"
"$ctl" --help >"$work/overview.txt"

in_help() { # noun verb options
	local o text
	# shellcheck disable=SC2086
	text=$("$ctl" $1 $2 --help) || return 1
	for o in $3; do
		grep -q -- "--$o" <<<"$text" || { echo "help lacks --$o"; return 1; }
	done
}
in_overview() { grep -q "^  $1 ${2:+$2 }*" "$work/overview.txt"; }
in_man() {
	local o
	grep -qE "^ +vgpuctl $1${2:+ $2}( |$)" "$work/man.txt" || { echo "no section"; return 1; }
	for o in $3; do
		grep -q -- "--$o" "$work/man.txt" || { echo "man lacks --$o"; return 1; }
	done
}
completes() { # words to type, expected completion
	bash -c '
		. "$1"; shift
		COMP_WORDS=(vgpuctl "${@:1:$#-1}"); COMP_CWORD=$(($# - 1))
		_vgpuctl
		printf "%s\n" "${COMPREPLY[@]}" | grep -qx -- "${!#}"' _ "$bash_completion" "$@"
}
while IFS='|' read -r noun verb options help; do
	name="$noun${verb:+ $verb}"
	t "$name: --help has its options" in_help "$noun" "$verb" "$options"
	t "$name: in the overview" in_overview "$noun" "$verb"
	t "$name: in the manual page, with its options" in_man "$noun" "$verb" "$options"
	t "$name: 'help $name' is the same as --help" \
		cmp <("$ctl" help $noun $verb) <("$ctl" $noun $verb --help)
	t "$name: completion knows the noun" completes "" "$noun"
	[ -z "$verb" ] || t "$name: completion knows the verb" completes "$noun" "" "$verb"
	for o in $options; do
		if [ -n "$verb" ]; then
			t "$name: completion knows --$o" completes "$noun" "$verb" "--" "--$o"
		else
			t "$name: completion knows --$o" completes "$noun" "--" "--$o"
		fi
	done
done <"$work/lines"
t "completion offers values" completes events --group "" health
while IFS='|' read -r noun verb option values; do
	# what is offered is explained, and the other way round for what the help lists
	for v in $values; do
		# shellcheck disable=SC2086 # words
		t "$noun${verb:+ $verb} $option: completion offers $v" completes $noun $verb $option "" "$v"
		# shellcheck disable=SC2086
		t "$noun${verb:+ $verb} $option: help names $v" sh -c '"$@" | tr "\n" " " | grep -qw -- "$0"' "$v" "$ctl" $noun $verb --help
	done
done <"$work/values"
"$ctl" run --help >"$work/run"
for w in $(sed -n 's/^  \(--[a-z-]*\).*/\1/p' "$work/run"); do
	t "run: completion knows $w" completes run "--" "$w"
done
for w in $(sed -n '/^Programs:/,$s/^  \([a-z][a-z0-9-]*\).*/\1/p' "$work/run"); do
	t "run: completion knows the program $w" completes run "" "$w"
done
t "run: completion knows both programs of a line" completes run "" isaxpy
t "completion is not led astray by --color" completes --color never gpu "" list
# what there is on a machine, by commands that tell
mkdir "$work/bin"
cat >"$work/bin/vgpuctl" <<'FAKE'
#!/bin/sh
case "$*" in
"-j gpu list") echo '{"schema":1,"gpus":[{"index":0,"name":"soft0"},{"index":12,"name":"soft12"}]}' ;;
"-j type list") echo '{"schema":1,"types":[{"name":"1g.32m","gpu":0},{"name":"1g.32m","gpu":1}]}' ;;
esac
FAKE
chmod +x "$work/bin/vgpuctl"
PATH=$work/bin:$PATH t "completion asks for GPUs" completes gpu show "" 12
PATH=$work/bin:$PATH t "completion asks for types" completes vgpu create --type "" 1g.32m

# --- colours ----------------------------------------------------------------------
terminal() { # command...: its output on a terminal
	"$py" -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@"
}
coloured() { "$@" 2>&1 </dev/null | grep -q $'\033'; }
plain() { ! coloured "$@"; }
t "colours on a terminal" coloured terminal "$ctl" help gpu scan
t "none in a pipe" plain "$ctl" help gpu scan
t "none with NO_COLOR" plain env NO_COLOR=1 "$py" -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$ctl" help gpu scan
t "none with --color never" plain terminal "$ctl" --color never help gpu scan
t "in a pipe with --color always" coloured "$ctl" --color always help gpu scan
t "none in JSON" plain "$ctl" -p --color always gpu scan --root "$work"

# --- exit statuses -----------------------------------------------------------------
for code in 0 1 2 3 4; do
	t "the manual page explains exit status $code" sh -c 'sed -n "/^EXIT STATUS/,/^ENVIRONMENT/p" "$1" | grep -q "^ *$2 "' _ "$work/man.txt" "$code"
done
t "the completion is clean bash" bash -n "$bash_completion"
if command -v mandoc >/dev/null; then
	# long lines and a date that is left empty are no faults
	t "the manual page is clean" \
		sh -c '! mandoc -T lint -W warning "$1" | grep -v "missing date"' _ "$man"
fi

# --- bad lines ------------------------------------------------------------------
while IFS='|' read -r line words; do
	# shellcheck disable=SC2086
	t "refused: vgpuctl $line" says "$words" 2 "$ctl" $line
done <<'LINES'
frobnicate|there is no command 'frobnicate'
vgpu frobnicate|vgpu has no verb 'frobnicate'
vgpu delete v0|destroy,
create --type 1g.32m|perhaps `vgpuctl vgpu create`
show|`vgpuctl gpu show` or
vgpu show|vgpu show needs VGPU
vgpu show x|'x' is no vGPU
vgpu show v0 v1|too much: 'v1'
gpu show v0|'v0' is no GPU
gpu set 0|nothing to set
vgpu set v0|nothing to set
vgpu set v0 --weight|--weight needs a value
sched show x|'x' is no GPU
sched set x --weight 1|neither a GPU (0) nor a vGPU
sched set 0|nothing to set
sched set v0|nothing to set
sched set 0 --weight 3|'0' means a GPU: say v0
sched set v0 --policy rr|--policy is of a GPU
sched set v0 --governor auto|--governor is of a GPU
vgpu create|--type is missing
vgpu create --type a --uuid 123|is no UUID
vgpu create --type a --mdev --start|starts when a VM opens it
vgpu list --gpu x|is no GPU
vgpu list --frob|unknown option --frob
vgpu list -x|unknown option -x
list --color maybe|give auto, always or never
events --count 0|give a number from 1 on
mem set 0|nothing to set
mem set 0 --overcommit 9|give a ratio from 1 to 8
mem set 0 --defrag-threshold 101%|give a part in per cent
mem set 0 --defrag-interval 86401|give a number from 0 to 86400
mem set 0 --read-ahead 33|give a number from 0 to 32
mem set 0 --tier-limit much|give a size, as 512M or 2G, or 0
mem defrag x|is no GPU
events --group all|give lifecycle, quota, health, governor, memory or performance
events --timeout x|give seconds
top --delay 0|give seconds
stats v0 --gpu 1|not both
trace x|is no vGPU
trace --seconds 0|give seconds
qemu|qemu needs VGPU
qemu x|is no vGPU
-j metrics|metrics have a format of their own
-j cdi|a CDI spec is JSON of its own
cdi --gpu x|'x' is no GPU
cdi v0|too much: 'v0'
dump show ./x --clear|--clear is of a GPU's dump
monitor show|monitor show needs GPU
monitor show 0 --last 0|give a number from 1 on
monitor show 0 --from x|give the number of a sample
monitor set 0|nothing to set
report --gpu x|is no GPU
help --format html|give text, man, bash or json
LINES
t "no command: the overview, and exit status 2" says "Usage:" 2 "$ctl"
t "--version" says "vgpuctl " 0 "$ctl" --version

json_error() {
	exits 2 "$ctl" -j vgpu show x && "$py" - "$work/out" <<'PY'
import json, sys
e = json.load(open(sys.argv[1]))
assert e["schema"] == 1 and e["error"]["exit"] == 2 and e["error"]["hint"], e
PY
}
t "-j: errors are JSON as well" json_error

# --- no module ------------------------------------------------------------------
if [ ! -e /sys/module/vgpu ] && [ ! -e /sys/module/vgpu_guest ]; then
	for line in list "gpu list" "gpu show 0" "type list" "vgpu list" "vgpu show 0" \
		"vgpu create --type x" "vgpu start 0" "vgpu destroy 0" "vgpu set 0 --weight 1" \
		"gpu set 0 --policy rr" "sched show" "sched set 0 --policy rr" "sched set v0 --cap 5%" "top -n 1" "events --timeout 1" "stats" "trace" "qemu 0" "metrics" "cdi" "dump show 0" "config save -" "monitor show 0" "monitor set 0 --period 1s" "report" "report --html $work/none.html"; do
		# shellcheck disable=SC2086
		t "no module: vgpuctl $line" says 'run `modprobe vgpu_soft`' 3 "$ctl" $line
	done
else
	n=$((n + 1)); echo "ok $n - no module # SKIP vgpu is loaded here"
fi
echo "1..$n"
