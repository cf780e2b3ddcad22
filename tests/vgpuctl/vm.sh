#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vgpuctl with a real kernel: every command, its JSON, its errors, its events.
#
#	tests/vgpuctl/vm.sh FOLDER	where vgpuctl is; as root, vgpu_soft gpus=2 loaded
set -u

ctl=${1:?folder of vgpuctl}/vgpuctl
# shellcheck source=tests/vgpuctl/lib.sh
. "$VGPU_TOP/tests/vgpuctl/lib.sh"

uuid=$(cat /proc/sys/kernel/random/uuid)

echo "TAP version 13"
t "gpu list" says soft1 0 "$ctl" gpu list
t "gpu list -j" json 'len(j["gpus"]) == 2 and j["gpus"][0]["unplugged"] is False' "$ctl" -j gpu list
t "gpu show" says "Compute units" 0 "$ctl" gpu show 0
t "gpu show -j" json 'j["gpu"]["index"] == 1 and j["gpu"]["engine"]' "$ctl" -j gpu show gpu1
t "gpu show of pools" json '[p["bytes"] for p in j["gpu"]["vram"]["pool"]] == [4096 << k for k in range(8)] and j["gpu"]["vram"]["retired"] == 0' "$ctl" -j gpu show 0
t "gpu show of none" says "no GPU 9" 3 "$ctl" gpu show 9
t "gpu set" says "5 ms" 0 "$ctl" gpu set 0 --policy rr --slice 5ms
t "gpu set -j" json 'j["gpu"]["policy"] == "fair"' "$ctl" -j gpu set 0 --policy fair --slice 2ms --preempt-timeout 800ms
t "gpu set of no policy" says "no policy" 1 "$ctl" gpu set 0 --policy nonsense
t "gpu set of a strategy" json 'j["gpu"]["strategy"] == "buddy" and j["gpu"]["policy"] == "fair"' "$ctl" -j gpu set 0 --strategy buddy
t "gpu set of no strategy" says "no strategy" 1 "$ctl" gpu set 0 --policy rr --strategy nonsense
t "gpu set of a strategy and no policy" says "no policy" 1 "$ctl" gpu set 0 --policy nonsense --strategy first
t "and then nothing was set" json 'j["gpu"]["strategy"] == "buddy" and j["gpu"]["policy"] == "fair"' "$ctl" -j gpu show 0
t "gpu set of switches" json 'j["gpu"]["switch"] == ["incremental"] and j["gpu"]["max_contexts"] == 7' \
	"$ctl" -j gpu set 0 --switch incremental --max-contexts 7
t "gpu set of full switches" json 'j["gpu"]["switch"] == [] and "bytes_skipped" in j["gpu"]["switching"]' "$ctl" -j gpu set 0 --switch full
t "gpu set of no such switches" says "give full, or incremental" 2 "$ctl" gpu set 0 --switch lazy,
t "gpu set of one owner at a time" json 'j["gpu"]["serialize"] == 1' "$ctl" -j gpu set 0 --serialize on
t "gpu set of that, wrong" says "give on or off" 2 "$ctl" gpu set 0 --serialize maybe
t "gpu set of all owners at once" json 'j["gpu"]["serialize"] == 0' "$ctl" -j gpu set 0 --serialize off
t "gpu set of all switches" says "incremental, lazy" 0 "$ctl" gpu set 0 --switch incremental,lazy --max-contexts 1024
t "gpu set --degrade-after" json '[j["gpu"][x] for x in ("basic_after", "deny_after", "stop_after", "degrade_window", "degrade")] == [2, 4, 8, 30, "normal"]' \
	"$ctl" -j gpu set 0 --degrade-after 2,4,8 --degrade-window 30
t "gpu set --degrade-after of nonsense" says "give three numbers" 2 "$ctl" gpu set 0 --degrade-after 3,6
t "gpu set --degrade-after that falls" says "that do not fall" 1 "$ctl" gpu set 0 --degrade-after 3,2,1
t "gpu set --degrade" says "basic-limit" 0 "$ctl" gpu set 0 --degrade basic-limit
t "then nothing new comes in" says "nothing new comes in" 1 "$ctl" vgpu create --type "$type" --gpu 0
t "gpu set --degrade leads down only" says "gpu recover brings it back" 1 "$ctl" gpu set 0 --degrade normal
t "gpu set --degrade of nonsense" says "give basic-limit, deny-all or stop" 2 "$ctl" gpu set 0 --degrade off
t "gpu recover" json 'j["gpu"]["degrade"] == "normal" and j["gpu"]["degrade_failures"] == 0' "$ctl" -j gpu recover 0
t "gpu recover of none" says "no GPU 9" 3 "$ctl" gpu recover 9
t "gpu set --degrade-after as it was" says "normal" 0 "$ctl" gpu set 0 --degrade-after 3,6,12 --degrade-window 60
t "gpu set out of range" says "slice-ns is out of range" 1 "$ctl" gpu set 0 --slice 10s
t "type list" says "$type" 0 "$ctl" type list
t "type list -j" json 'all(x["gpu"] == 1 and x["available"] for x in j["types"])' "$ctl" -j type list --gpu 1
t "gpu scan finds vgpu's GPUs" says "GPU 1" 0 "$ctl" gpu scan
t "gpu scan -j" json '[(d["address"], d["vgpu"]["name"], d["vram_from"], d["driver"]) for d in j["devices"] if "vgpu" in d] == [("1f600:00:00.0", "soft0", "vgpu", "vgpu_soft"), ("1f601:00:00.0", "soft1", "vgpu", "vgpu_soft")]' \
	"$ctl" -j gpu scan
t "gpu scan of types" json 'all(m["available"] for d in j["devices"] if "vgpu" in d for m in d["mdev_types"])' "$ctl" -j gpu scan
t "gpu select: the software GPU is all there is" json '(j["chosen"]["mode"], j["chosen"]["address"], j["chosen"]["fallback"]) == ("soft", "1f600:00:00.0", True)' "$ctl" -j gpu select
t "gpu select of what there is not" says "no GPU fits" 3 "$ctl" gpu select --mode passthrough
t "somebody: gpu scan" says "1f601:00:00.0" 0 somebody "$ctl" gpu scan
t "list without vGPUs says how to make one" says "vgpu create --type" 0 "$ctl" list

t "create of no type lists what there is" says "available: $type" 1 "$ctl" vgpu create --type 9x --gpu 0
t "create" says "$uuid" 0 "$ctl" vgpu create --type "$type" --gpu 0 --uuid "$uuid" --weight 300 --priority 6 --bandwidth 900
t "create of the same UUID" says "has that UUID" 1 "$ctl" vgpu create --type "$type" --uuid "$uuid"
id=$(value 'j["vgpu"]["id"]' "$ctl" -j vgpu show "$uuid")
t "show by number" says "$uuid" 0 "$ctl" vgpu show "$id"
t "show by name" says "$uuid" 0 "$ctl" vgpu show "v$id"
t "show -j has what create was given" json \
	'[j["vgpu"][x] for x in ("weight", "priority", "bandwidth_mbps", "gpu", "state")] == [300, 6, 900, 0, "created"]' \
	"$ctl" -j vgpu show "$uuid"
t "show of none" says "no vGPU" 3 "$ctl" vgpu show v4000
t "the JSON of errors" sh -c '"$1" -j vgpu show v4000 | grep -q "\"errno\":\"ENODEV\""' _ "$ctl"
t "list" says "v$id" 0 "$ctl" list
t "list -j" json 'j["vgpus"][0]["node"].endswith(str(j["vgpus"][0]["id"])) and j["gpus"]' "$ctl" -j list
t "list --gpu" json 'not j["vgpus"] and [g["index"] for g in j["gpus"]] == [1]' "$ctl" -j vgpu list --gpu 1
t "list -p is JSON for people" sh -c '"$1" -p list | grep -q "^  \"vgpus\""' _ "$ctl"
t "list of a GPU that is not there" says "no GPU 9" 3 "$ctl" list --gpu 9

t "pause before start" says "it is created" 1 "$ctl" vgpu pause "v$id"
t "start" says "is running" 0 "$ctl" vgpu start "v$id"
t "pause" says "is paused" 0 "$ctl" vgpu pause "$uuid"
t "what runs on it gives up in time" says "was paused for all of the 0.3 s" 4 "$ctl" run --vgpu "v$id" --timeout 0.3 saxpy
t "and as JSON" json 'j["result"] == "timeout" and "paused" in j["message"]' sh -c '"$1" -j run --vgpu "$2" --timeout 0.3 saxpy || [ $? = 4 ]' _ "$ctl" "v$id"
t "resume -j" json 'j["vgpus"][0]["state"] == "running"' "$ctl" -j vgpu resume "v$id"
t "stop" says "is stopped" 0 "$ctl" vgpu stop "v$id"
t "start again" says "is running" 0 "$ctl" vgpu start "v$id"
t "set" says "weight 77, priority 1, memory 8 MiB" 0 "$ctl" vgpu set "v$id" --weight 77 --priority 1 --bandwidth 0 --vram 8M
t "set -j" json 'j["vgpu"]["weight"] == 300' "$ctl" -j vgpu set "v$id" --weight 300
t "set --allow" json '"share" not in j["vgpu"]["allow"] and "map" in j["vgpu"]["allow"]' "$ctl" -j vgpu set "v$id" --allow all,-share
t "what it may ask for is shown" says "May ask for" 0 "$ctl" vgpu show "v$id"
t "set --allow of what is none" says "NAME to take one away" 2 "$ctl" vgpu set "v$id" --allow all,nothing
t "set --pad" json 'j["vgpu"]["pad_ns"] == 100000 and j["vgpu"]["pad_jitter_ns"] == 20000' "$ctl" -j vgpu set "v$id" --pad 100us --pad-jitter 20us
t "set --pad over what there is" says "out of range" 1 "$ctl" vgpu set "v$id" --pad 200ms
t "set --pad-jitter over --pad" says "not be over" 1 "$ctl" vgpu set "v$id" --pad-jitter 1ms
t "set --pad 0" json 'not j["vgpu"]["pad_ns"] and not j["vgpu"]["pad_jitter_ns"]' "$ctl" -j vgpu set "v$id" --pad 0
t "set --allow all" json 'len(j["vgpu"]["allow"]) == 9' "$ctl" -j vgpu set "v$id" --allow all
t "set --on-quota" json '[j["vgpu"][x] for x in ("on_memory", "on_bandwidth", "on_contexts", "quota_wait_ns")] == ["queue", "preempt", "reject", 250000000]' \
	"$ctl" -j vgpu set "v$id" --on-quota memory=queue,bandwidth=preempt --quota-wait 250ms
t "set --on-quota of what makes no sense" says "a client would wait for itself" 1 "$ctl" vgpu set "v$id" --on-quota memory=reject,handles=queue
t "and then nothing was set of it" json 'j["vgpu"]["on_memory"] == "queue"' "$ctl" -j vgpu show "v$id"
t "set --on-quota of nonsense" says "give memory, bandwidth" 2 "$ctl" vgpu set "v$id" --on-quota memory
t "set --quota-wait out of range" says "quota-wait-ns is out of range" 1 "$ctl" vgpu set "v$id" --quota-wait 61s
t "set --on-quota as it was" says "weight" 0 "$ctl" vgpu set "v$id" --on-quota memory=reject,bandwidth=throttle --quota-wait 5s
t "violations of one who never did" says "never asked for more" 0 "$ctl" vgpu violations "v$id"
t "violations -j" json 'j["violations"]["violation"] == [] and j["violations"]["violations"] == 0' "$ctl" -j vgpu violations "$uuid"
t "violations of none" says "no vGPU" 3 "$ctl" vgpu violations v4000

# images
saved=$(value 'j["vgpu"]["id"]' "$ctl" -j vgpu create --type "$type" --weight 321 --start)
t "vgpu save" says "v$saved is in $work/image" 0 "$ctl" vgpu save "v$saved" "$work/image"
t "vgpu save -j" json 'j["bytes"] > 100 and j["vgpu"]["state"] == "stopped"' "$ctl" -j vgpu save "v$saved" "$work/image2" --stop
t "vgpu save of what does not run" says "nothing to save" 1 "$ctl" vgpu save "v$saved" "$work/image3"
t "and then there is no file" exits 1 test -e "$work/image3"
t "image show" says "$type of vgpu_soft" 0 "$ctl" image show "$work/image"
t "image show -j" json 'j["whole"] and j["records"][-1]["what"] == "end"' "$ctl" -j image show "$work/image"
t "vgpu restore beside it" says "destroy the other one" 1 "$ctl" vgpu restore "$work/image"
t "vgpu destroy of it" says "v$saved" 0 "$ctl" vgpu destroy "v$saved"
restored=$(value 'j["id"]' "$ctl" -j vgpu restore "$work/image" --gpu 1)
t "vgpu restore -j" json 'j["vgpu"]["gpu"] == 1 and j["vgpu"]["weight"] == 321 and j["vgpu"]["state"] == "running"' "$ctl" -j vgpu show "v$restored"
t "vgpu destroy of what was restored" says "v$restored" 0 "$ctl" vgpu destroy "v$restored"
head -c 100 "$work/image" >"$work/cut"
t "vgpu restore of half an image" says "in the middle" 1 "$ctl" vgpu restore "$work/cut"

for bad in "perhaps" "allow --uid 1 --gid 1" "allow --uid 4294967295" "allow --uid nobody-here" \
	"allow --cgroup /no/such" "allow --gpu 64" "allow --days none" "allow --from 24:00 --to 1:00" "allow --from 1:00"; do
	# shellcheck disable=SC2086 # words
	t "access add $bad" says "vgpuctl" 2 "$ctl" access add $bad
done
t "access add of what has no place" says "not so many rules" 1 "$ctl" access add allow --at 1
t "access add" json 'j["cut"] == 0 and not j["dry_run"]' "$ctl" -j access add allow --uid root --days all,-sun --from 20:00 --to 06:00
t "access add --dry-run" says "would cut off" 0 "$ctl" access add deny --at 0 --vgpu "v$id" --dry-run
t "access list" says "mon,tue,wed,thu,fri,sat 20:00 to 06:00" 0 "$ctl" access list
t "access list -j" json 'len(j["rules"]) == 2 and j["rules"][0]["to"] == 360 and "position" not in j["rules"][1]' "$ctl" -j access list
t "access delete of none" says "there is no rule 1" 1 "$ctl" access delete 1
t "access delete" json 'j["cut"] == 0' "$ctl" -j access delete all
t "set of too much memory" says "vram-limit" 1 "$ctl" vgpu set "v$id" --vram 1T

t "sched show" says "engine 0  fair" 0 "$ctl" sched show
t "sched show of one GPU" json '[g["index"] for g in j["gpus"]] == [1] and not j["gpus"][0]["vgpus"]' "$ctl" -j sched show 1
t "sched show -j" json '{"idle_ns", "switch_ns", "ejections", "figures"} <= set(j["gpus"][0]["engines"][0]) and {"wake", "wait", "overshoot_ns", "entitled_permille"} <= set(j["gpus"][0]["vgpus"][0])' "$ctl" -j sched show
t "sched show of none" says "no GPU 9" 3 "$ctl" sched show 9
t "sched set of a GPU" says "prio, 100 us slices" 0 "$ctl" sched set 0 --policy prio --slice 100us
t "mlfq shows its levels" json '"level0_queued" in j["gpus"][0]["engines"][0]["figures"]' \
	"$ctl" -j sched set gpu0 --policy mlfq --slice 100ms
t "sched set -j" json 'j["gpus"][0]["policy"] == "fair"' "$ctl" -j sched set 0 --policy fair --slice 2ms
t "sched set out of range: 99us" says "100000 to 100000000" 1 "$ctl" sched set 0 --slice 99us
t "sched set out of range: 101ms" says "100000 to 100000000" 1 "$ctl" sched set 0 --slice 101ms
t "sched set of a governor" says "fair, 4 ms slices" 0 "$ctl" sched set 0 --governor power-save --slice 0
t "sched show has its mode" says "governor power-save: power-save, threshold 2 ms" 0 "$ctl" sched show 0
t "sched show -j has it too" json 'next((g["governor"], g["mode"], g["slice_ns"], g["own_slice_ns"], g["threshold_ns"], [m["mode"] for m in g["governor_figures"]["mode"] if m["entered"]]) for g in j["gpus"]) == ("power-save", "power-save", 4000000, 0, 2000000, ["power-save"])' \
	"$ctl" -j sched show 0
t "a slice set by hand stays under a governor" says "fair, 2 ms slices by hand" 0 "$ctl" sched set 0 --slice 2ms
t "sched set of a governor there is not" says "off, auto, emergency, performance, balanced or power-save" 1 \
	"$ctl" sched set 0 --governor turbo --slice 3ms
t "what was refused changed nothing" json '[(g["governor"], g["slice_ns"]) for g in j["gpus"]] == [("power-save", 2000000)]' "$ctl" -j sched show 0
t "sched set of a governor: off" json '[(g["governor"], "mode" in g, g["threshold_ns"]) for g in j["gpus"]] == [("off", False, 0)]' \
	"$ctl" -j sched set 0 --governor off
t "sched set of no policy lists what there is" says "rr,fair,prio,mlfq,fixed,burst" 1 "$ctl" sched set 0 --policy lottery
t "sched set of a vGPU" says "slice 500 us of its own, cap 12.50 %, group acme of weight 300" 0 \
	"$ctl" sched set "v$id" --cap 12.5% --slice 500us --group acme --group-weight 300
t "a cap that no policy keeps is no secret" says "policy fair keeps no caps" 0 "$ctl" sched set "v$id" --cap 12.5%
t "sched set of a vGPU -j" json '[j["vgpu"][x] for x in ("cap", "own_slice_ns", "group")] == [0, 0, ""]' \
	"$ctl" -j sched set "$uuid" --cap 0 --slice 0 --group none
while IFS='|' read -r line words; do
	# shellcheck disable=SC2086
	t "refused: sched set $line" says "$words" 2 "$ctl" sched set $line
done <<'LINES'
v0 --slice 5|give a time with its unit
v0 --cap 101%|give a per cent
v0 --cap 0.001|give a per cent
v0 --group-weight 0|give a number from 1 to 10000
LINES
t "somebody: sched show" says "CAP_SYS_ADMIN" 3 somebody "$ctl" sched show
t "somebody: sched set" says "CAP_SYS_ADMIN" 3 somebody "$ctl" sched set 0 --policy rr

plain_map() {
	LC_ALL=C exits 0 "$ctl" mem show 0 && ! LC_ALL=C grep -q '[^ -~]' "$work/out"
}
held() {
	local status=0
	exec 9<>"/dev/vgpu/v$id" || return 1
	says "is held by PID $$ (" 1 "$ctl" vgpu destroy "v$id" || status=1
	json "j['vgpus'][0]['holder_pid'] == $$" "$ctl" -j list || status=1
	exec 9>&-
	return $status
}
t "destroy of one that is held names the holder" held

t "mem show draws a map" says "free " 0 "$ctl" mem show 0
t "mem show, plain" plain_map
t "mem show -j" json 'j["mem"]["map"]["use"]["free"] <= j["mem"]["map"]["total"] == j["mem"]["vram_bytes"] and len(j["mem"]["map"]["cells_permille"]) <= 256 and j["mem"]["defrag_threshold"] == 300 and j["mem"]["vgpus"][0]["vram_peak"] >= 0' \
	"$ctl" -j mem show 0
t "mem defrag" says "fragmentation " 0 "$ctl" mem defrag 0
t "mem defrag -j" json 'j["defrag"]["running"] == 0 and j["defrag"]["runs"] >= 2' "$ctl" -j mem defrag 0
t "mem set" says "above 50.0 %, every 60 s" 0 "$ctl" mem set 0 --defrag-threshold 50% --defrag-interval 60
t "mem set, never" says "unasked: never" 0 "$ctl" mem set 0 --defrag-interval 0
t "mem set, as it was" says "above 30.0 %, every 300 s" 0 "$ctl" mem set 0 --defrag-threshold 30 --defrag-interval 300
t "mem set, not ahead" says "reads ahead: never" 0 "$ctl" mem set 0 --read-ahead 0
t "mem set, ahead" says "reads ahead: 512 KiB" 0 "$ctl" mem set 0 --read-ahead 8
t "mem set, no files" says "moves on to files: never" 0 "$ctl" mem set 0 --tier-limit 0
t "mem set, files" says "moves on to files: above 32 MiB" 0 "$ctl" mem set 0 --tier-limit 32M
t "somebody: mem defrag" says "CAP_SYS_ADMIN" 3 somebody "$ctl" mem defrag 0
t "somebody: mem show" says "need root" 1 somebody "$ctl" mem show 0
t "stats" says "busy_ns" 0 "$ctl" stats
t "stats -j" json 'j["time_ns"] and j["gpus"] and "wait_p99_ns" in j["vgpus"][0]' "$ctl" -j stats
t "stats of one" json 'len(j["vgpus"]) == 1 and "gpus" not in j' "$ctl" -j stats "v$id"
t "top -b" says "RECEIVED" 0 "$ctl" top -b -n 2 -d 0.1
t "top -j prints a line a sample" json 'len(j) == 3 and j[2]["time_ns"] > j[1]["time_ns"]' "$ctl" -j top -n 3 -d 0.1

# --- shares, with real work -----------------------------------------------------
shares() {
	local other a b status
	other=$(value 'j["vgpu"]["id"]' "$ctl" -j vgpu create --type "$type" --gpu 0 --weight 100 --start) || return 1
	"$ctl" run --vgpu "v$id" --timeout 12 spin >/dev/null 2>&1 & a=$!
	"$ctl" run --vgpu "v$other" --timeout 12 spin >/dev/null 2>&1 & b=$!
	sleep 3
	json "[abs(v['received_permille'] - v['entitled_permille']) <= 100 and abs(v['entitled_permille'] - w) <= 20 and v['holder'] == 'vgpuctl' for v in j['vgpus'] for w in [{$id: 750, $other: 250}[v['id']]]] == [True, True]" \
		"$ctl" -j top -n 1 -d 3
	status=$?
	wait $a $b
	"$ctl" vgpu destroy "v$other" || status=1
	return $status
}
if [ -e "${VGPU_PROGRAMS:-/nowhere}/spin.elf" ]; then
	t "top shows 3:1 as entitled and received" shares
	t "run --verify" says "verified" 0 "$ctl" run --vgpu "v$id" --verify saxpy
	t "run -j" json 'j["result"] == "ok" and j["verified"]' "$ctl" run --vgpu "v$id" --verify -j saxpy

	# --- what a fault leaves
	fault() {	# a write to 0xded03008, where nothing is
		! "$ctl" run --vgpu "v$1" elf "$VGPU_PROGRAMS/fault.elf" --entry fault_write \
			--args 0830d0de000000002a00000000000000"$(printf '%016d' 0)" >"$work/fault" 2>&1
	}
	next=$(value 'j["vgpu"]["id"]' "$ctl" -j vgpu create --type "$type" --gpu 0 --start)
	t "no dump" says "has left no dump" 1 "$ctl" dump show 0
	t "set --dump-limit" json 'j["vgpu"]["dump_limit"] == 1' "$ctl" -j vgpu set "v$id" --dump-limit 1
	t "set --dump-limit out of range" says "give a number from 0 to 3600" 2 "$ctl" vgpu set "v$id" --dump-limit 3601
	t "a fault" fault "$id"
	t "its dump" says "A fault of GPU 0" 0 "$ctl" dump show 0
	t "where it was" json '[j["dump"]["context"][x] for x in ("fault_va", "fault_access")] == ["0xded03008", "-w-"]' \
		"$ctl" -j dump show 0
	t "by which instruction" holds '0 < int(j["dump"]["context"]["pc"], 16) and j["dump"]["context"]["mask"] == "0x1"' "$work/json"
	t "whose" holds 'j["dump"]["vgpu"]["uuid"] == "'"$uuid"'" and j["dump"]["context"]["holder"] == "vgpuctl"' "$work/json"
	t "what it did" holds '[c["op"] for c in j["dump"]["commands"] if c["state"] == "this" and c["error"] == "EFAULT"] == ["launch"]' "$work/json"
	t "and found on its way" holds 'j["dump"]["walk"]["step"] and int(j["dump"]["walk"]["step"][-1]["entry"], 16) == 0' "$work/json"
	t "of nobody else" sh -c '! grep -q "$1" "$2"' _ "$(value 'j["vgpu"]["uuid"]' "$ctl" -j vgpu show "v$next")" "$work/json"
	t "somebody: no dump" exits 1 somebody cat /sys/class/devcoredump/devcd*/data
	t "a second fault" fault "$id"
	t "makes none, by the limit" json '[j["vgpu"][x] for x in ("faults", "dumps", "dumps_missed")] == [2, 1, 1]' \
		"$ctl" -j vgpu show "v$id"
	cat /sys/class/devcoredump/devcd*/data >"$work/dump"
	t "a copy of it" json 'j["dump"]["reason"]["number"] == 1' "$ctl" -j dump show "$work/dump"
	truncate -s -1 "$work/dump"
	t "one that is cut off" says "it is cut off" 1 "$ctl" dump show "$work/dump"
	t "dump show --clear" says "A fault" 0 "$ctl" dump show 0 --clear
	until_gone() { local i; for i in $(seq 100); do "$ctl" dump show 0 >/dev/null 2>&1 || return 0; sleep 0.2; done; return 1; }
	t "it is gone" until_gone
	t "a fault of another vGPU" fault "$next"
	t "makes the next one" json 'j["dump"]["vgpu"]["id"] == '"$next"' and j["dump"]["reason"]["number"] == 2 and j["dump"]["reason"]["missed"] == 1' \
		"$ctl" -j dump show 0
	"$ctl" vgpu destroy "v$next" >/dev/null
	# the dump stays while the modules go, below
fi

# --- for Prometheus ---------------------------------------------------------------
# Nothing runs: the same figures as those of stats.
metrics() {
	local busy done_
	"$ctl" -j stats >"$work/json" && "$ctl" metrics --output "$work/vgpu.prom" || return 1
	busy=$(evaluate '["%d.%09d" % divmod(v["busy_ns"], 10**9) for v in j["vgpus"] if v["uuid"] == "'"$uuid"'"][0]' "$work/json")
	done_=$(evaluate '[v["completed"] for v in j["vgpus"] if v["uuid"] == "'"$uuid"'"][0]' "$work/json")
	grep -x "vgpu_instance_busy_seconds_total{gpu=\"0\",vgpu=\"$id\",uuid=\"$uuid\"} $busy" "$work/vgpu.prom" &&
		grep -x "vgpu_instance_commands_completed_total{.*uuid=\"$uuid\"} $done_" "$work/vgpu.prom" &&
		grep "vgpu_instance_wakeup_seconds_bucket{.*uuid=\"$uuid\",le=\"+Inf\"}" "$work/vgpu.prom"
}
t "metrics are what stats says" metrics
t "promtool has nothing to say to them" sh -c '! command -v promtool || promtool check metrics <"$1"' _ "$work/vgpu.prom"
t "they are written whole or not at all" test "$(find "$work" -name "vgpu.prom*" | wc -l)" = 1
t "anybody may collect them" test "$(stat -c %a "$work/vgpu.prom")" = 644
t "metrics to where nothing can be" says "cannot write" 1 "$ctl" metrics --output /nowhere/vgpu.prom
t "somebody: metrics" says "try with sudo" 3 somebody "$ctl" metrics

# --- the monitor ------------------------------------------------------------------
t "monitor set of a period" says "each 200 ms" 0 "$ctl" monitor set 0 --period 200ms
t "monitor set of a period that is too short" says "monitor-period is 0, or 50" 1 "$ctl" monitor set 0 --period 49ms
t "monitor set of no period" says "give a time with its unit" 2 "$ctl" monitor set 0 --period 200
t "monitor set of limits" says "busy 50.0 %, wait 20 ms" 0 "$ctl" monitor set 0 --limit busy=50%,wait=20ms,memory=off
t "monitor set of limits, wrong" says "give busy, memory" 2 "$ctl" monitor set 0 --limit busy=50%,
t "monitor set of a limit without its unit" says "give busy, memory" 2 "$ctl" monitor set 0 --limit wait=20
t "monitor set of no limits" json '[v for k, v in j["settings"].items() if k.startswith("limit")] == [0] * 6' \
	"$ctl" -j monitor set 0 --limit busy=off,wait=off
t "monitor set of anomalies" json 'j["settings"]["anomalies"] == 1' "$ctl" -j monitor set 0 --anomalies on
t "monitor set of anomalies, wrong" says "give on or off" 2 "$ctl" monitor set 0 --anomalies maybe
t "monitor set of none" says "no GPU 9" 3 "$ctl" monitor set 9 --anomalies off
t "gpu set of tuning" says "Tuning of slice" 0 "$ctl" gpu set 0 --tune-slice dry-run --tune-bounds slice=1ms-8ms,batch=50-200
t "gpu set -j of tuning" json '[j["gpu"][x] for x in ("tune_slice", "tune_batch", "tune_slice_min", "tune_batch_max", "slice_ns", "batch")] == ["dry-run", "on", 1000000, 200, 2000000, 100]' \
	"$ctl" -j gpu set 0 --tune-batch on
t "gpu set of bounds that are none" says "the bounds of tune-slice" 1 "$ctl" gpu set 0 --tune-pool on --tune-bounds slice=8ms-1ms
t "and then nothing was set" json '(j["gpu"]["tune_pool"], j["gpu"]["tune_slice_max"]) == ("off", 8000000)' "$ctl" -j gpu show 0
t "gpu set of bounds, wrong" says "give slice, threshold" 2 "$ctl" gpu set 0 --tune-bounds slice=1ms
t "gpu set of tuning, wrong" says "give off, dry-run or on" 2 "$ctl" gpu set 0 --tune-slice maybe
t "gpu set of tuning: off" json '[j["gpu"][x] for x in ("tune_slice", "tune_batch", "batch")] == ["off", "off", 100]' \
	"$ctl" -j gpu set 0 --tune-slice off --tune-batch off --tune-bounds slice=500us-16ms,batch=25-400
t "monitor show of none" says "no GPU 9" 3 "$ctl" monitor show 9
t "somebody: monitor show" says "root" 3 somebody "$ctl" monitor show 0
t "somebody: report" exits 3 somebody "$ctl" report
monitored() {
	local p count
	"$ctl" monitor set 0 --limit busy=50% --anomalies off >"$work/null" || return 1
	# it begins to listen before there is anything to hear, or hears of the next load
	"$ctl" -j events --group performance --count 2 --timeout 100 >"$work/heard" & p=$!
	while kill -0 $p 2>/dev/null; do
		"$ctl" run --vgpu "v$id" --timeout 3 spin >"$work/null" 2>&1
		sleep 1
	done
	wait $p || { echo "events: exit status $?"; cat "$work/heard"; return 1; }
	grep -q '"event":"limit",' "$work/heard" && grep -q '"event":"limit-over"' "$work/heard" &&
		grep -q '"figure":"busy"' "$work/heard" && grep -q '"limit":500' "$work/heard" || { cat "$work/heard"; return 1; }
	"$ctl" monitor set 0 --limit busy=off >"$work/null"
}
# One long command, then many short ones beside it: unlike before, and usual after a
# while.  An idle GPU takes no samples, so none of it is.
unlike() {
	local p a b i status=1
	"$ctl" monitor set 0 --period 50ms --anomalies on >"$work/null" || return 1
	"$ctl" run --vgpu "v$id" --timeout 200 spin >/dev/null 2>&1 & a=$!
	"$ctl" -j events --group performance --timeout 100 >"$work/heard" & p=$!
	sleep 5		# what is usual takes 32 samples
	"$ctl" run --vgpu "v$id" --repeat 1000000 copy 4k >/dev/null 2>&1 & b=$!
	for ((i = 0; i < 60; i++)); do
		sleep 1
		grep -q '"anomaly-over".*"commands"' "$work/heard" && status=0 && break
	done
	kill $a $b $p
	wait $a $b $p
	[ $status = 0 ] && json '[(e["event"], e["value"] > e["mean"]) for e in j if e["figure"] == "commands"][0] == ("anomaly", True)' \
		cat "$work/heard" || { echo "heard:"; cat "$work/heard"; "$ctl" monitor show 0 --last 30; status=1; }
	"$ctl" monitor set 0 --period 200ms --anomalies off >"$work/null" || status=1
	return $status
}
if [ -e "${VGPU_PROGRAMS:-/nowhere}/spin.elf" ]; then
	t "a limit is told of: once up, once down" monitored
	t "monitor show" says "v$id " 0 "$ctl" monitor show 0
	t "monitor show -j" json 'len(j["history"]) > 2 and [s["seq"] for s in j["history"]] == list(range(j["history"][0]["seq"], j["history"][0]["seq"] + len(j["history"]))) and max(s["busy_permille"] for s in j["history"]) > 500 and any(x["received_permille"] > 500 for s in j["history"] for x in s.get("share", []) if x["id"] == '"$id"')' \
		"$ctl" -j monitor show 0
	t "monitor show from a number on" json 'j["history"][0]["seq"] == 3' "$ctl" -j monitor show 0 --from 3
	t "monitor show of the last" json 'len(j["history"]) == 2' "$ctl" -j monitor show 0 --last 2
	t "monitor show of what is to come" json 'j["history"] == []' "$ctl" -j monitor show 0 --from 1000000
	t "report" says "busiest engine" 0 "$ctl" report --gpu 0
	t "report -j" json 'j["gpus"][0]["history"] and any(v["id"] == '"$id"' for v in j["gpus"][0]["vgpus"])' "$ctl" -j report --gpu 0
	t "report --html" says "open it in a browser" 0 "$ctl" report --html "$work/report.html"
	t "the page is well-formed" "$(command -v python3 || echo /usr/bin/python3)" -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$work/report.html"
	t "it has what ran" grep -q "<title>v$id " "$work/report.html"
	t "and refers to nothing else" sh -c '! grep -qE "https?:|//|src=|href=|url\(|@import|<script" "$1"' _ "$work/report.html"
	t "report to nowhere" says "cannot write" 1 "$ctl" report --html "$work/none/x.html"
	t "a load that is unlike before is told of, and that it is usual" unlike
fi
t "monitor set: off" says "no samples are taken" 0 "$ctl" monitor set 0 --period off
t "monitor set as it was" says "each 1 s" 0 "$ctl" monitor set 0 --period 1s

# --- events ----------------------------------------------------------------------
events() {
	local p
	"$ctl" -j events --count 4 --timeout 30 >"$work/events" & p=$!
	sleep 1
	"$ctl" vgpu pause "v$id" && "$ctl" vgpu resume "v$id" && "$ctl" vgpu set "v$id" --weight 9 &&
		"$ctl" gpu set 0 --slice 2ms || return 1
	wait $p || { echo "events: exit status $?"; return 1; }
	json "[(e['event'], e.get('state')) for e in j] == [('state', 'paused'), ('state', 'running'), ('set', None), ('policy', None)] and all(e['time'].endswith('Z') and e['group'] == 'lifecycle' for e in j)" \
		cat "$work/events"
}
t "events come in order, as JSON" events
only() {
	local p
	"$ctl" -j events --count 1 --timeout 30 "$uuid" >"$work/events" & p=$!
	sleep 1
	"$ctl" gpu set 0 --slice 2ms && "$ctl" vgpu set "v$id" --weight 8 || return 1
	wait $p && json "j['event'] == 'set' and j['uuid'] == '$uuid'" cat "$work/events"
}
t "events of one vGPU" only
ecc() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug || return 1
	"$ctl" -j events --group health --count 1 --timeout 30 >"$work/events" & p=$!
	sleep 1
	echo 0x5000 >/sys/kernel/debug/vgpu_soft/soft1/ecc
	wait $p && json "j['event'] == 'ecc' and j['gpu'] == 1 and j['address'] == 0x5000" cat "$work/events" &&
		json 'j["gpu"]["vram"]["retired"] == 4096' "$ctl" -j gpu show 1
}
t "a page of VRAM goes bad" ecc
storm() { # to begin to listen while there is much to be heard
	local p i status=0
	while [ ! -e "$work/calm" ]; do
		"$ctl" vgpu set "v$id" --weight 8
	done >/dev/null & p=$!
	for i in {1..16}; do
		"$ctl" events --count 1 --timeout 30 || { status=1; break; }
	done
	touch "$work/calm"
	wait $p
	return $status
}
t "who begins to listen in the middle of events hears them" storm
t "events that do not come: exit status 4" says "0 of 2 events" 4 "$ctl" events --count 2 --timeout 0.3
t "events --timeout alone ends well" exits 0 "$ctl" events --timeout 0.3

# --- without privileges --------------------------------------------------------------
t "somebody: top" says "need root" 3 somebody "$ctl" -j top -n 1
t "somebody: list" says "need root" 0 somebody "$ctl" list
t "somebody: list -j has no figures" json \
	'"weight" not in j["vgpus"][0] and "vram" not in j["gpus"][0] and j["vgpus"][0]["state"] == "running"' \
	somebody "$ctl" -j list
t "somebody: create" says "CAP_SYS_ADMIN" 3 somebody "$ctl" vgpu create --type "$type"
t "somebody: destroy" says "CAP_SYS_ADMIN" 3 somebody "$ctl" vgpu destroy "v$id"
t "somebody: gpu set" says "CAP_SYS_ADMIN" 3 somebody "$ctl" gpu set 0 --policy rr
t "somebody: events of health" says "needs root" 3 somebody "$ctl" events --group health
t "somebody: events" says "only lifecycle" 4 somebody "$ctl" events --count 1 --timeout 0.3
t "in another network namespace: says so" says "network namespace" 3 unshare -n "$ctl" gpu list
t "there list asks the nodes, as in a VM" json 'j["vgpus"][0]["uuid"] == "'"$uuid"'" and "gpus" not in j' \
	unshare -n "$ctl" -j list
t "and so does show" says "$uuid" 0 unshare -n "$ctl" vgpu show "v$id"

# --- mediated devices -------------------------------------------------------------------
if [ -d /sys/class/mdev_bus ]; then
	m=$(cat /proc/sys/kernel/random/uuid)
	t "create --mdev" says "vfio-pci,sysfsdev=" 0 "$ctl" vgpu create --mdev --type "$type" --gpu 1 --uuid "$m" --weight 42
	cp "$work/out" "$work/created"
	t "the mdev is there, with its weight" json 'j["vgpu"]["weight"] == 42 and j["vgpu"]["flags"] == ["mdev"]' \
		"$ctl" -j vgpu show "$m"
	t "its folder is where it says" test -d "$(value 'j["vgpu"]["mdev"]' "$ctl" -j vgpu show "$m")"
	t "create --mdev of the same UUID" says "UUID" 1 "$ctl" vgpu create --mdev --type "$type" --gpu 1 --uuid "$m"
	t "somebody: create --mdev" exits 3 somebody "$ctl" vgpu create --mdev --type "$type"
	t "qemu" says "-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/$m" 0 "$ctl" qemu "$m"
	as_created() { grep -qF -- "$("$ctl" qemu "$m")" "$work/created"; }
	t "qemu says what create said" as_created
	t "qemu by number" json "j['uuid'] == '$m'" "$ctl" -j qemu "v$(value 'j["vgpu"]["id"]' "$ctl" -j vgpu show "$m")"
	t "somebody: qemu --libvirt" says "<address uuid='$m'/>" 0 somebody "$ctl" qemu --libvirt "$m"
	t "qemu of one that is no mdev" says "vgpu create --type TYPE --mdev" 1 "$ctl" qemu "v$id"
	t "qemu of none" says "no vGPU" 3 "$ctl" qemu v4000
	t "destroy of an mdev" says "is no more" 0 "$ctl" vgpu destroy "$m"
	t "the mdev is gone" test ! -e "/sys/bus/mdev/devices/$m"
fi

t "destroy -j" json "j['destroyed'][0]['uuid'] == '$uuid'" "$ctl" -j vgpu destroy "$uuid"
t "destroy again" says "no vGPU" 3 "$ctl" vgpu destroy "$uuid"
t "nothing is left" json 'not j["vgpus"] and not any(g["vram_committed"] for g in j["gpus"])' "$ctl" -j list

if rmmod vgpu_soft 2>/dev/null; then
	t "without a GPU: says what to load" says "modprobe vgpu_soft" 0 "$ctl" list
	t "without a GPU: create" says "there is no GPU" 3 "$ctl" vgpu create --type "$type"
	rmmod vgpu_vfio 2>/dev/null
	t "the modules go" rmmod vgpu
	t "without a module: says what to load" says 'run `modprobe vgpu_soft`' 3 "$ctl" list
fi
echo "1..$n"
