/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests to the netlink family without a program to be started for each: the tests
 * that manage while others work do so many times.
 */
#ifndef VGPU_SELFTESTS_NL_H
#define VGPU_SELFTESTS_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vgpu_netlink.h>

struct nl {
	char buf[16384];
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
/* Is there one? */
bool nl_has(const struct nl *nl, uint16_t attr);
/* The @n-th nest of that kind, as an answer of its own; false: there are less. */
bool nl_nest(const struct nl *nl, uint16_t attr, unsigned int n, struct nl *in);
/* A socket that hears the notifications of a group; close() it. */
int nl_ear(const char *group);
/* The next one, or false after @ms. */
bool nl_hear(int ear, struct nl *nl, int ms);

#endif /* VGPU_SELFTESTS_NL_H */
