// SPDX-License-Identifier: GPL-2.0
/*
 * shmem_mapping() for modules, since 6.6; shmem_aops was taken from them.
 * needs-symbol: shmem_mapping
 */
#include <linux/shmem_fs.h>

bool probe(struct address_space *mapping);
bool probe(struct address_space *mapping)
{
	return shmem_mapping(mapping);
}
