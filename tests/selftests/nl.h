/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests to the netlink family without a program to be started for each: the tests
 * that manage while others work do so many times.
 */
#ifndef VGPU_SELFTESTS_NL_H
#define VGPU_SELFTESTS_NL_H

#include <stddef.h>
#include <stdint.h>
#include <linux/vgpu_netlink.h>

struct nl {
	char buf[1024];
	size_t len;
	size_t answer;		/* bytes of attributes in @buf, after nl_do() */
};

void nl_begin(struct nl *nl, uint8_t command);
void nl_put(struct nl *nl, uint16_t attr, const void *value, size_t bytes);
void nl_u32(struct nl *nl, uint16_t attr, uint32_t value);
void nl_u64(struct nl *nl, uint16_t attr, uint64_t value);
/* 0 or a negative errno, after the kernel's answer came. */
int nl_do(struct nl *nl);
/* A number in the answer; ends the case when there is none. */
uint64_t nl_number(const struct nl *nl, uint16_t attr);

#endif /* VGPU_SELFTESTS_NL_H */
