#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vgpuctl config: what was set is there again after the modules went, as after a boot; a file
# that makes no sense changes nothing.
#
#	tests/vgpuctl/config.sh FOLDER	where vgpuctl is; as root, vgpu_soft gpus=2 loaded
set -u

ctl=${1:?folder of vgpuctl}/vgpuctl
# shellcheck source=tests/vgpuctl/lib.sh
. "$VGPU_TOP/tests/vgpuctl/lib.sh"
# shellcheck source=tests/jobs/lib.sh
. "$VGPU_TOP/tests/jobs/lib.sh"

file=$work/config.json
node=11111111-2222-4333-8444-555555555555
paused=21111111-2222-4333-8444-555555555555
idle=31111111-2222-4333-8444-555555555555
own=41111111-2222-4333-8444-555555555555
mdev=51111111-2222-4333-8444-555555555555

# All that could be in the file, as the kernel has it.
state() { "$ctl" config save -; }
reload() {
	rmmod vgpu_soft && rmmod vgpu_vfio && rmmod vgpu &&
		insmods vgpu vgpu_vfio vgpu_soft gpus=2
}
insmods() { # as load of jobs/lib.sh, quietly
	load "$@" >/dev/null 2>&1
}

set_up() {
	"$ctl" gpu set 0 --policy rr --slice 5ms --preempt-timeout 800ms --strategy best --switch lazy \
		--max-contexts 900 --serialize on --degrade-after 4,8,16 --degrade-window 30 &&
	"$ctl" mem set 0 --overcommit 2.5 --read-ahead 3 --tier-limit 64M --defrag-threshold 44% --defrag-interval 77 &&
	"$ctl" sched set 1 --policy fixed --governor balanced &&
	"$ctl" vgpu create --type "$type" --gpu 0 --uuid $node --weight 321 --priority 6 --bandwidth 123 --start &&
	"$ctl" vgpu set $node --vram 5M --allow all,-share --on-quota memory=queue,bandwidth=preempt \
		--quota-wait 70ms --pad 200us --pad-jitter 20us --dump-limit 7 &&
	"$ctl" sched set $node --slice 3ms --group acme --group-weight 77 &&
	"$ctl" vgpu create --type "$type" --gpu 1 --uuid $paused --start &&
	"$ctl" sched set $paused --cap 12.5% &&
	"$ctl" vgpu pause $paused &&
	"$ctl" vgpu create --type "$type" --gpu 1 --uuid $idle &&
	"$ctl" vgpu create --type "$type" --gpu 0 --uuid $own --units 1 &&
	"$ctl" vgpu create --type "$type" --gpu 1 --uuid $mdev --mdev --weight 55 &&
	"$ctl" access add allow --gid 7 --days mon,tue --from 20:00 --to 06:00 &&
	"$ctl" access add deny --uid 1234 --vgpu $node &&
	mkdir -p /sys/fs/cgroup/kept.slice &&
	"$ctl" access add allow --cgroup /kept.slice --gpu 0,1
}

echo "TAP version 13"
state >"$work/fresh"
t "much is set" set_up
t "config save" says "2 GPUs, 5 vGPUs, 3 rules" 0 "$ctl" config save "$file"
t "nobody else reads it" test "$(stat -c %a "$file")" = 600
t "it is one file, whole" test "$(find "$work" -name "config*" | wc -l)" = 1
t "every setting of a request is in it" python3 - "$file" "$VGPU_TOP/Documentation/netlink/specs/vgpu.yaml" <<'P'
import json, sys, yaml
config, spec = json.load(open(sys.argv[1])), yaml.safe_load(open(sys.argv[2]))
ops = {o["name"]: o for o in spec["operations"]["list"]}
names = lambda op, but: {a.replace("-", "_") for a in ops[op]["do"]["request"]["attributes"]} - but
missing = names("gpu-set", {"index", "degrade"}) - set(config["gpus"][0]["set"])
v = {k for one in config["vgpus"] for k in one["set"]}
missing |= names("vgpu-set", {"id", "uuid"}) - v
print("missing:", missing)
sys.exit(bool(missing))
P
t "load of what is there changes nothing" says "all is as in the file" 0 "$ctl" config load "$file"
t "--dry-run says what would be changed" sh -c "
	'$ctl' vgpu set $node --weight 9 && '$ctl' config load --dry-run '$file' | grep -q 'weight 9 -> 321 (would be)' &&
	'$ctl' -j vgpu show $node | grep -q '\"weight\":9,'"
t "load changes that and nothing else" json '[c["setting"] for c in j["changes"]] == ["weight"] and j["changes"][0]["to"] == 321' \
	"$ctl" -j config load "$file"

"$ctl" vgpu stop $node $paused >/dev/null
for u in $node $paused $idle $own $mdev; do "$ctl" vgpu destroy $u >/dev/null; done
t "the modules go and come" reload
state >"$work/after"
t "then nothing is left" cmp "$work/fresh" "$work/after"
t "config load brings it back" exits 0 "$ctl" config load --wait 5 "$file"
state >"$work/again"
same() { # rules of access and vGPUs have their order; numbers of control groups had not
	python3 - "$file" "$work/again" <<'P'
import json, sys
a, b = (json.load(open(f)) for f in sys.argv[1:])
for x in (a, b):
    x["vgpus"].sort(key=lambda v: v["uuid"])
for k in a:
    if a[k] != b.get(k):
        print(k, "was", json.dumps(a[k]))
        print(k, "is ", json.dumps(b.get(k)))
sys.exit(a != b)
P
}
t "all is as it was: UUIDs, types, settings, states, rules" same
t "once more, and nothing is to be done" says "all is as in the file" 0 "$ctl" config load "$file"
t "of standard input, too" says "all is as in the file" 0 sh -c "'$ctl' config load - <'$file'"

# --- what can't be ---------------------------------------------------------------------
broken() { # expression over the file (j), words: load says them, does the rest, and fails
	python3 - "$file" "$1" >"$work/bad.json" <<'P'
import json, sys
j = json.load(open(sys.argv[1]))
exec(sys.argv[2])
print(json.dumps(j))
P
	says "$2" 1 "$ctl" config load "$work/bad.json"
}
by='next(v for v in j["vgpus"] if v["uuid"][0] == "1")'
t "a GPU that is not there" broken 'j["gpus"][0]["device"] = "0000:ff:1f.7"' "there is no such GPU"
t "a type that no GPU has" broken 'j["vgpus"].append(dict(j["vgpus"][0], uuid="61111111-2222-4333-8444-555555555555", type="9g.9m"))' "9g.9m"
t "and was not made" exits 3 "$ctl" vgpu show 61111111-2222-4333-8444-555555555555
t "another type than the one that is there" broken "${by}['type'] = '2g.64m'" "there is one already"
t "a value out of range" broken "${by}['set']['weight'] = 10001" "weight"
t "a value below 0" broken "${by}['set']['weight'] = -1" "no value of it"
t "a word for a number" broken "${by}['set']['weight'] = 'much'" "no value of it"
t "a setting that there is not" broken "${by}['set']['colour'] = 'red'" "can't be set"
t "what is shown and can't be set" broken "${by}['set']['vram_used'] = 5" "can't be set"
t "a policy that is not there" broken 'j["gpus"][0]["set"]["policy"] = "nonsense"' "no policy"
t "no UUID" broken "${by}['uuid'] = 'v0'" "no UUID"
t "other rules than those that are there" broken 'j["access"].pop()' "they stay"
t "a newer file" broken 'j["schema"] = 99' "newer"
t "no such file" says "cannot read" 1 "$ctl" config load "$work/none"
head -c 300 "$file" >"$work/half"
t "half a file" says "cannot read" 1 "$ctl" config load "$work/half"
echo '[]' >"$work/list"
t "JSON, but no configuration" says "no configuration" 1 "$ctl" config load "$work/list"
state >"$work/again"
t "after all that, all is as it was" same
t "somebody: save" says "needs root" 3 somebody "$ctl" config save "$work/x"
t "a folder that is not there" says "make its folder first" 1 "$ctl" config save "$work/none/x"
full() { mkdir -p "$work/full" && mount -t tmpfs -o size=4k none "$work/full" && cp /dev/null "$work/full/config.json" &&
	head -c 4096 /dev/zero >"$work/full/fill"
	says "No space left" 1 "$ctl" config save "$work/full/config.json" && [ "$(ls "$work/full" | wc -l)" = 2 ]; }
t "a disk that is full: the old file stays" full
umount "$work/full" 2>/dev/null
echo "1..$n"
