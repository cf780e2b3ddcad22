# SPDX-License-Identifier: GPL-2.0
# In the guest: every stock program, each result compared with the CPU's.
# An argument is a number of rounds.
for round in $(seq "${1:-1}"); do
	for p in "copy 1M" saxpy isaxpy gemm igemm counter; do
		echo "# $p, round $round"
		# shellcheck disable=SC2086
		vgpuctl run $p --verify --timeout 120 || { echo "failed: $p"; exit 1; }
	done
done
