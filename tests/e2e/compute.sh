# SPDX-License-Identifier: GPL-2.0
# In the guest: every stock program, each result compared with the CPU's.
# An argument is a number of rounds.
for round in $(seq "${1:-1}"); do
	for p in copy saxpy isaxpy gemm igemm counter; do
		echo "# $p, round $round"
		vgpuctl run --verify --timeout 120 "$p" || { echo "failed: $p"; exit 1; }
	done
done
