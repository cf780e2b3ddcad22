# SPDX-License-Identifier: GPL-2.0
"""More memory promised than there is: what paging costs whom.

Two things are measured, on a GPU of 8 MiB. First one tenant alone, with a set of pages
of 1 to 3 times the memory that it can have, which it goes over in order, at random or
by Zipf's law (in order also with reading ahead switched off). Then a tenant that keeps within its share, beside one of 3 times that
memory: how much it gets done while nobody pages, and meanwhile. Every page is looked
at when it is used, and all of them afterwards.

The software GPU's engine is a thread. In a machine of one processor it waits while
that compresses somebody's memory, which an engine of silicon would not. So the speed
of who stays resident is what gets done in the time that the engine had a processor or
wanted none; what the wall clock makes of it is told beside that."""
import csv
import json
import os

BASE = 80                       # chunks of 64 KiB, which are always there
RATIOS = [1, 1.1, 1.25, 1.5, 2, 3]
PATTERNS = ["sequential", "random", "zipf"]
OFF = "sequential, nothing ahead"
ALONE_PATTERNS = PATTERNS + [OFF]
COLOURS = {"sequential": "#1f77b4", "random": "#d62728", "zipf": "#2ca02c", OFF: "#7f7f7f"}
KEEPS = 0.95

PROLOGUE = r"""
load vgpu_soft vram_mb=8
export VGPU_PROGRAMS=$VGPU_TOP/build/programs VGPUCTL=$VGPU_TOP/build/tools/vgpuctl
ws=$VGPU_TOP/build/tools/selftests/workset
export VGPU_UNTIL=$VGPU_OUT/until
"""

# Others hold 2.25 MiB, which are not pageable: nobody else pages, so nobody waits for that.
ALONE = PROLOGUE + r"""
VGPU_CHUNKS=36 "$ws" ballast >"$VGPU_OUT/ballast" & other=$!
until_true 60 grep -q there "$VGPU_OUT/ballast"
"$VGPUCTL" mem set 0 --overcommit 3 >/dev/null
while read -r name pattern chunks ahead; do
	"$VGPUCTL" mem set 0 --read-ahead "$ahead" >/dev/null
	export VGPU_FIGURES="'$VGPUCTL' -j mem show 0 >>'$VGPU_OUT/figures-$name'"
	VGPU_CHUNKS=$chunks VGPU_WARM=$((4 * chunks)) VGPU_ACCESSES=$((4 * chunks)) "$ws" "$pattern" >"$VGPU_OUT/$name"
done <<<"$points"
touch "$VGPU_UNTIL"
wait $other
rm "$VGPU_UNTIL"
rmmod vgpu_soft vgpu
"""

BESIDE = PROLOGUE + r"""
"$VGPUCTL" mem set 0 --overcommit 3 >/dev/null
VGPU_ENGINE=$(pgrep -x soft0.0)
export VGPU_ENGINE
for pattern in $patterns; do
	name=beside-$pattern
	VGPU_CHUNKS=36 "$ws" --seconds 600 resident >"$VGPU_OUT/$name-resident" & other=$!
	sleep 1
	"$ws" --seconds 1 nothing >"$VGPU_OUT/$name-nothing"
	export VGPU_FIGURES="'$VGPUCTL' -j mem show 0 >>'$VGPU_OUT/figures-$name'; test -e '$VGPU_OUT/once' && touch '$VGPU_UNTIL'; touch '$VGPU_OUT/once'"
	VGPU_CHUNKS=240 VGPU_WARM=40 "$ws" --seconds 2 "$pattern" >"$VGPU_OUT/$name"
	wait $other
	rm "$VGPU_UNTIL" "$VGPU_OUT/once"
done
rmmod vgpu_soft vgpu
"""


def point_name(pattern, ratio):
    return f"alone-{pattern.split(',')[0]}{'-off' if pattern == OFF else ''}-{round(BASE * ratio)}"


def job(quick):
    """What the machine runs; `quick`: only what is promised."""
    beside = "patterns='random'" if quick else f"patterns='{' '.join(PATTERNS)}'"
    if quick:
        return beside + BESIDE
    points = "\n".join(f"{point_name(p, r)} {p.split(',')[0]} {round(BASE * r)} {0 if p == OFF else 8}"
                       for p in ALONE_PATTERNS for r in RATIOS)
    return f"points='{points}'" + ALONE + beside + BESIDE


def words(path, key):
    with open(path, encoding="ascii") as f:
        return [[int(w) for w in line.split()[2:]] for line in f if line.startswith(f"# {key} ")]


def figures(folder, name):
    """What `mem show` said before and after what counts."""
    with open(os.path.join(folder, "figures-" + name), encoding="utf-8") as f:
        text = f.read().strip()
    found, at = [], 0
    while at < len(text):
        one, at = json.JSONDecoder().raw_decode(text, at)
        found.append(one["mem"]["paging"])
        while at < len(text) and text[at].isspace():
            at += 1
    assert len(found) == 2
    return found


def speed(folder, name):
    """Batches a second: of time in which the engine was not kept waiting, and of all."""
    pattern_done = [t for t, in words(os.path.join(folder, f"beside-{name.split('-')[0]}-resident"), "batch")]
    (_, begin, end, waited), = words(os.path.join(folder, "beside-" + name), "went")
    inside = [t for t in pattern_done if begin <= t <= end]
    assert len(inside) > 20, "who stays resident got nowhere"
    rate = (len(inside) - 1) / (inside[-1] - inside[0]) * 1e9
    return rate * (end - begin) / (end - begin - waited), rate


def belady(trace, frames, there):
    """Faults of the best that can be: what is wanted last has to go."""
    never = len(trace)
    following, last = [never] * len(trace), {}
    for i in range(len(trace) - 1, -1, -1):
        following[i] = last.get(trace[i], never)
        last[trace[i]] = i
    held = {c: last.get(c, never) for c in there}
    missed = []
    for i, c in enumerate(trace):
        if c not in held:
            missed.append(i)
            if len(held) >= frames:
                del held[max(held, key=held.get)]
        held[c] = following[i]
    return missed


def alone(folder, pattern, ratio):
    """One point of the plots."""
    chunks = round(BASE * ratio)
    name = point_name(pattern, ratio)
    path = os.path.join(folder, name)
    warm, count = words(path, "warm"), words(path, "access")
    before, after = figures(folder, name)
    (_, begin, end, _), = words(path, "went")
    (checked,), = words(path, "checked")
    assert checked == chunks * 16
    # one frame has the page that is copied to
    frames = after["resident"] // 65536 - 1
    trace = [c for c, _ in warm + count]
    best = belady(trace, frames, range(max(0, chunks - frames), chunks))
    hist = [b - a for a, b in zip(before["latency_hist"] + [0] * 64, after["latency_hist"])]
    return {"pattern": pattern, "ratio": ratio, "chunks": chunks, "frames": frames, "accesses": len(count),
            "ns_per_access": sum(ns for _, ns in count) // len(count), "seconds": (end - begin) / 1e9,
            "faults": after["faults"] - before["faults"], "belady": len([i for i in best if i >= len(warm)]),
            "refaults": after["refaults"] - before["refaults"], "hist": hist, "latencies": [ns for _, ns in count],
            "trace": trace, **{n: after[n] - before[n] for n in ("ahead", "ahead_used", "ahead_wasted")}}


def knee(points):
    """The first ratio at which an access takes ten times as long as at 1."""
    for p in points:
        if p["ns_per_access"] > 10 * points[0]["ns_per_access"]:
            return p["ratio"]
    return None


def axes(s, x, y, xs, ys, xname, yname):
    """A grid, in words: (value, text) each."""
    for v, text in ys:
        s.append(f'<path d="M{x(xs[0][0]):.1f} {y(v):.1f}H{x(xs[-1][0]):.1f}" stroke="#ddd"/>'
                 f'<text x="{x(xs[0][0]) - 6:.1f}" y="{y(v) + 4:.1f}" text-anchor="end">{text}</text>')
    for v, text in xs:
        s.append(f'<path d="M{x(v):.1f} {y(ys[0][0]):.1f}V{y(ys[-1][0]):.1f}" stroke="#ddd"/>'
                 f'<text x="{x(v):.1f}" y="{y(ys[0][0]) + 16:.1f}" text-anchor="middle">{text}</text>')
    s.append(f'<text x="{(x(xs[0][0]) + x(xs[-1][0])) / 2:.1f}" y="{y(ys[0][0]) + 34:.1f}" text-anchor="middle">{xname}</text>')
    s.append(f'<text x="{x(xs[0][0]):.1f}" y="{y(ys[-1][0]) - 8:.1f}">{yname}</text>')


def svg(points):
    """Slowdown, faults beside Belady's, and how long accesses at 3 times take."""
    import math
    s = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 400" font-family="sans-serif" font-size="12">',
         '<!-- SPDX-License-Identifier: GPL-2.0 -->', '<rect width="1200" height="400" fill="white"/>']
    of = {p: [q for q in points if q["pattern"] == p] for p in ALONE_PATTERNS}

    def line(x, y, at, colour, dashed=""):
        s.append(f'<path d="M{"L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in at)}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>')

    def ratio(left):
        return lambda v: left + (v - 1) / 2 * 300

    def log(lo, hi):
        return lambda v: 340 - math.log10(max(v, lo) / lo) / math.log10(hi / lo) * 300
    grid = [(r, f"{r:g}") for r in (1, 1.5, 2, 2.5, 3)]
    x, y = ratio(60), log(1, 1000)
    axes(s, x, y, grid, [(v, f"{v}") for v in (1, 10, 100, 1000)], "set of pages to memory", "slowdown")
    for p, of_p in of.items():
        line(x, y, [(q["ratio"], q["ns_per_access"] / of_p[0]["ns_per_access"]) for q in of_p], COLOURS[p])
    x = ratio(450)

    def y(v):
        return 340 - v * 300
    axes(s, x, y, grid, [(v, f"{v * 100:.0f} %") for v in (0, .25, .5, .75, 1)], "set of pages to memory", "faults to accesses; dashed: Belady's bound")
    for p, of_p in of.items():
        line(x, y, [(q["ratio"], q["faults"] / q["accesses"]) for q in of_p], COLOURS[p])
        line(x, y, [(q["ratio"], q["belady"] / q["accesses"]) for q in of_p], COLOURS[p], ' stroke-dasharray="4 3"')

    def xt(v):
        return 840 + math.log10(max(v, 1e4) / 1e4) / 4 * 300
    axes(s, xt, y, [(1e4, "10 µs"), (1e5, "100 µs"), (1e6, "1 ms"), (1e7, "10 ms"), (1e8, "100 ms")],
         [(v, f"{v * 100:.0f} %") for v in (0, .25, .5, .75, 1)], "time", "fault-ins at 3 times the memory that took less")
    for i, p in enumerate(ALONE_PATTERNS):
        hist = of[p][-1]["hist"]
        total, sofar, at = max(1, sum(hist)), 0, []
        for n, c in enumerate(hist):
            sofar += c
            at.append((2 << n, sofar / total))
        line(xt, y, [a for a in at if 1e4 <= a[0] <= 1e8], COLOURS[p])
        s.append(f'<path d="M{640 + 110 * i} 390h20" stroke="{COLOURS[p]}" stroke-width="2"/><text x="{664 + 110 * i}" y="394">{p}</text>')
    s.append("</svg>")
    return "\n".join(s) + "\n"


def write(out, points):
    """The tables and the plot of what was measured alone."""
    names = ["pattern", "ratio", "chunks", "frames", "accesses", "ns_per_access", "faults", "belady", "refaults", "ahead", "ahead_used", "ahead_wasted"]
    with open(os.path.join(out, "overcommit.csv"), "w", encoding="ascii", newline="") as f:
        w = csv.writer(f)
        w.writerow(names)
        for p in points:
            w.writerow([p[n] for n in names])
    with open(os.path.join(out, "overcommit-latency.csv"), "w", encoding="ascii", newline="") as f:
        w = csv.writer(f)
        w.writerow(["pattern", "ratio", "below_ns", "fault_ins"])
        for p in points:
            for n, c in enumerate(p["hist"]):
                if c:
                    w.writerow([p["pattern"], p["ratio"], 2 << n, c])
    with open(os.path.join(out, "overcommit-trace.csv"), "w", encoding="ascii", newline="") as f:
        w = csv.writer(f)
        w.writerow(["pattern", "ratio", "access", "chunk"])
        for p in points:
            for n, c in enumerate(p["trace"]):
                w.writerow([p["pattern"], p["ratio"], n, c])
    with open(os.path.join(out, "overcommit.svg"), "w", encoding="utf-8") as f:
        f.write(svg(points))


def promises(folder, out, quick):
    """Rows of (promise, measured, kept); writes what else there is to @out."""
    rows = []
    with open(os.path.join(out, "overcommit-neighbour.csv"), "w", encoding="ascii", newline="") as f:
        w = csv.writer(f)
        w.writerow(["pattern", "alone_per_s", "meanwhile_per_s", "wall_alone_per_s", "wall_meanwhile_per_s", "restores"])
        for pattern in ["random"] if quick else PATTERNS:
            before, after = figures(folder, "beside-" + pattern)
            restores = after["restores"] - before["restores"]
            (checked,), = words(os.path.join(folder, "beside-" + pattern), "checked")
            calm, busy = speed(folder, pattern + "-nothing"), speed(folder, pattern)
            w.writerow([pattern, *(f"{v:.1f}" for v in (calm[0], busy[0], calm[1], busy[1])), restores])
            rows.append((f"a tenant beside one that pages ({pattern}, 3 times the memory) keeps 95 % of its speed",
                         f"{100 * busy[0] / calm[0]:.1f} % ({restores} chunks of 64 KiB brought back, {checked} pages checked)",
                         restores >= 50 and busy[0] >= KEEPS * calm[0]))
            rows.append(("  by the wall clock, with one processor for the engine and for compressing", f"{100 * busy[1] / calm[1]:.1f} %", None))
    if quick:
        return rows
    points = [alone(folder, p, r) for p in ALONE_PATTERNS for r in RATIOS]
    write(out, points)
    for p in ALONE_PATTERNS:
        of = [q for q in points if q["pattern"] == p]
        rows.append((f"  {p}: how much slower at 1.5, 2 and 3 times the memory",
                     ", ".join(f"{q['ns_per_access'] / of[0]['ns_per_access']:.1f}" for q in of if q["ratio"] in (1.5, 2, 3))
                     + f"; knee at {knee(of) or 'none'}", None))
        rows.append((f"  {p}: faults to Belady's bound at 1.5, 2 and 3 times",
                     ", ".join(f"{q['faults']}/{q['belady']}" for q in of if q["ratio"] in (1.5, 2, 3)), None))
        used, wasted = (sum(q[n] for q in of) for n in ("ahead_used", "ahead_wasted"))
        if used + wasted:
            rows.append((f"  {p}: chunks read ahead that were used", f"{100 * used / (used + wasted):.1f} % of {used + wasted}", None))
    return rows
