/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_DUMP_H
#define VGPUCTL_DUMP_H

#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * What is in the @bytes of a dump, or NULL: then @why, of @room bytes, says in a sentence
 * what is wrong with it.  Nothing of @data is trusted, nor has to be aligned.
 */
struct json_object *dump_decode(const uint8_t *data, size_t bytes, char *why,
				size_t room);
void print_dump(struct json_object *dump);

#endif /* VGPUCTL_DUMP_H */
