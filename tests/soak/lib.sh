# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For jobs, after jobs/lib.sh: one soak, from loading the modules to what is left.
# It prints TAP.  With soak_guests=1, who called has soak_guests_begin and soak_guests_end.

soak_seed=${VGPU_SEED:-$RANDOM}
soak_seconds=45 soak_tenants=64 soak_least=3 soak_patience=1 soak_gpus=3 soak_guests=0
soak_work=$(mktemp -d)
soak_ctl=$VGPU_TOP/build/tools/vgpuctl
export VGPU_PROGRAMS=$VGPU_TOP/build/programs

soak_n=0
soak_ok() {	# status, name
	soak_n=$((soak_n + 1))
	if [ "$1" = 0 ]; then echo "ok $soak_n - $2"; else echo "not ok $soak_n - $2"; fi
}

# KiB of the machine's memory that is free, or could be at once, and that the kernel's slabs keep
soak_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemAvailable:/ { a = $2 } /^SUnreclaim:/ { s = $2 } END { print a, s }' /proc/meminfo
}

# Whatever should be nought when nobody is there.
soak_nothing_left() {
	local gpu
	for gpu in $(seq 0 $((soak_gpus - 1))); do
		"$soak_ctl" -j gpu show "$gpu" >"$soak_work/gpu" && "$soak_ctl" -j mem show "$gpu" >"$soak_work/mem" &&
			python3 - "$soak_work/gpu" "$soak_work/mem" "$soak_work/evictions" <<'P' || return 1
import json, sys
gpu = json.load(open(sys.argv[1]))["gpu"]
mem = json.load(open(sys.argv[2]))["mem"]
left = {k: gpu[k] for k in ("instances", "contexts", "vram_committed") if gpu[k]}
# frames that are free are kept for the next time
kept = mem["paging"]["frames_free"] * 65536
left |= {k: mem["vram"][k] for k in ("used",) if mem["vram"][k] != kept}
left |= {k: mem["paging"][k] for k in ("resident", "evicted", "stored", "same", "plain", "packed", "system", "cold")
         if mem["paging"][k]}
left |= {f"engine {e['index']}": e["queued"] for e in gpu["engine"] if e["queued"]}
left |= {k: v for k, v in mem["map"]["use"].items() if k in ("used", "pinned", "tables") and v}
print(f"# GPU {gpu['index']}:", left or "nothing left", "-",
      {k: sum(e[k] for e in gpu["engine"]) for k in ("jobs", "switches", "preemptions", "resets")},
      {k: mem["paging"][k] for k in ("evictions", "restores", "cold_stores")}, "moves", mem["defrag"]["moves"])
with open(sys.argv[3], "a") as f:
    print(mem["paging"]["evictions"], file=f)
sys.exit(bool(left))
P
	done
}

soak_evicted() { awk '{ n += $1 } END { print n + 0 }' "$soak_work/evictions"; }

soak() {
	local before after events gpu status=0 slack
	# what the kernel keeps of a first time is not counted
	load vgpu_soft "gpus=$soak_gpus" vram_mb=32 && rmmod vgpu_soft vgpu || exit 1
	read -r -a before < <(soak_memory)
	load vgpu_soft "gpus=$soak_gpus" vram_mb=32 || exit 1
	for gpu in $(seq 0 $((soak_gpus - 1))); do
		"$soak_ctl" mem set "$gpu" --overcommit 4 >/dev/null || exit 1
	done
	"$soak_ctl" events -j >"$soak_work/events" 2>"$soak_work/events.err" &
	events=$!
	[ $soak_guests = 0 ] || soak_guests_begin
	"$VGPU_TOP/build/tools/soak/soak" --seed "$soak_seed" --seconds "$soak_seconds" --tenants "$soak_tenants" \
		--gpus "$soak_gpus" --least "$soak_least" --patience $((soak_patience * ${VGPU_PATIENCE:-1})) \
		--vgpuctl "$soak_ctl" || status=1

	echo "TAP version 13"
	echo "1..$((6 + soak_guests))"
	if [ $soak_guests = 1 ]; then
		soak_guests_end
		soak_ok $? "guests computed what they should, and were killed"
	fi
	kill -0 $events 2>/dev/null
	soak_ok $? "events are followed to the end: $(wc -l <"$soak_work/events") of them"
	kill $events 2>/dev/null
	python3 - "$soak_work/events" <<'P'
import collections, json, sys
kinds = collections.Counter(json.loads(line).get("event") for line in open(sys.argv[1]) if line.endswith("\n"))
print("# events:", dict(kinds))
sys.exit(not (all(kinds[k] for k in ("created", "destroyed", "state", "set"))))
P
	soak_ok $? "they are of vGPUs that come, change and go"
	for gpu in $(seq 0 $((soak_gpus - 1))); do
		until_true 30 "$soak_ctl" mem set "$gpu" --overcommit 1 >/dev/null || status=1
	done
	until_true 20 soak_nothing_left >/dev/null
	rm -f "$soak_work/evictions"
	soak_nothing_left
	soak_ok $? "everything was given back"
	[ "$soak_least" = 0 ] || [ "$(soak_evicted)" -gt 0 ]
	soak_ok $? "memory was evicted meanwhile: $(soak_evicted) times"
	rmmod vgpu_soft vgpu
	soak_ok $? "the modules go"
	read -r -a after < <(soak_memory)
	# Slabs: caches keep empty pages of each CPU and node.  Available: page tables and
	# stacks of the last tenants, per-CPU lists of free pages, the log.  Sanitizers keep
	# what was freed for a while.
	slack=8
	case $VGPU_KERNEL in debug*) slack=128 ;; esac
	echo "# memory available: ${before[0]} KiB before, ${after[0]} KiB after; in slabs: ${before[1]}, ${after[1]}"
	[ $((before[0] - after[0])) -lt $((slack * 2048)) ] && [ $((after[1] - before[1])) -lt $((slack * 1024)) ]
	soak_ok $? "and so does what they took of the machine's memory, up to $slack MiB in slabs and $((2 * slack)) in all"
	rm -rf "$soak_work"
	return $status
}
