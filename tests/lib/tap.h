/* SPDX-License-Identifier: GPL-2.0 */
/* Test Anything Protocol 13: a line for each check, a plan at the end. */
#ifndef VGPU_TEST_TAP_H
#define VGPU_TEST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_count, tap_failed;

__attribute__((format(printf, 2, 3)))
static inline bool tap(bool good, const char *format, ...)
{
	va_list args;

	printf("%s %u - ", good ? "ok" : "not ok", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	tap_failed += !good;
	return good;
}

static inline void tap_start(void)
{
	puts("TAP version 13");
}

static inline int tap_end(void)
{
	printf("1..%u\n", tap_count);
	return tap_failed != 0;
}

#endif /* VGPU_TEST_TAP_H */
