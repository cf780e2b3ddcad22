// SPDX-License-Identifier: GPL-2.0
#include "ref.h"

/* Workgroups one after the other, lanes step by step from barrier to barrier:
 * what they share is changed only in ways whose order does not matter.
 */
void ref_counter(uint64_t *cells, struct counter_totals *totals,
		 uint32_t groups, uint32_t lanes, uint64_t rounds)
{
	for (uint32_t group = 0; group < groups; group++) {
		uint64_t *cell = cells + (size_t)group * lanes;

		for (uint64_t round = 0; round < rounds; round++) {
			uint64_t first;

			for (uint32_t i = 0; i < lanes; i++)
				cell[i] = cell[i] * 6364136223846793005u +
					  round + i;
			/* The last lane's neighbour is the first, whose cell
			 * has moved on by then.
			 */
			first = cell[0];
			for (uint32_t i = 0; i < lanes; i++) {
				uint64_t next = i + 1 == lanes ? first :
								 cell[i + 1];

				cell[i] ^= next >> 7;
				totals->added += cell[i];
				totals->mixed ^= cell[i];
				if (cell[i] > totals->highest)
					totals->highest = cell[i];
				totals->swapped += cell[i] & 0xff;
			}
		}
	}
}
