// SPDX-License-Identifier: GPL-2.0
/*
 * Figures as people read them.
 */
#include <inttypes.h>
#include <string.h>

#include "table.h"

typedef unsigned __int128 wide_t;

static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };

static unsigned int unit_of(uint64_t bytes)
{
	unsigned int u = 0;

	while (bytes >= 1024 && u + 1 < sizeof(units) / sizeof(units[0])) {
		bytes >>= 10;
		u++;
	}
	return u;
}

/* In unit @u, with one decimal when it is not whole; the unit not named. */
static int in_unit(char *buf, uint64_t bytes, unsigned int u)
{
	uint64_t one = 1ULL << (10 * u);
	uint64_t tenths = bytes / one * 10 + (bytes % one * 10 + one / 2) / one;

	if (tenths % 10 || (bytes && !tenths))
		return snprintf(buf, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64,
				tenths / 10, tenths % 10);
	return snprintf(buf, FORMAT_SIZE, "%" PRIu64, tenths / 10);
}

const char *format_bytes(char *buf, uint64_t bytes)
{
	unsigned int u = unit_of(bytes);
	int n = in_unit(buf, bytes, u);

	snprintf(buf + n, FORMAT_SIZE - (size_t)n, " %s", units[u]);
	return buf;
}

const char *format_used(char *buf, uint64_t used, uint64_t limit)
{
	unsigned int u = unit_of(limit);
	char left[FORMAT_SIZE], right[FORMAT_SIZE];

	in_unit(left, used, u);
	in_unit(right, limit, u);
	snprintf(buf, FORMAT_SIZE, "%.15s/%.15s %s", left, right, units[u]);
	return buf;
}

const char *format_ns(char *buf, uint64_t ns)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} steps[] = {
		{ 1000000000, "s" }, { 1000000, "ms" }, { 1000, "us" },
	};
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint64_t one = steps[i].ns;
		uint64_t tenths;

		if (ns < one)
			continue;
		tenths = ns / one * 10 + (ns % one * 10 + one / 2) / one;
		if (tenths % 10)
			snprintf(buf, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64 " %s",
				 tenths / 10, tenths % 10, steps[i].name);
		else
			snprintf(buf, FORMAT_SIZE, "%" PRIu64 " %s",
				 tenths / 10, steps[i].name);
		return buf;
	}
	snprintf(buf, FORMAT_SIZE, "%" PRIu64 " ns", ns);
	return buf;
}

const char *format_permille(char *buf, uint64_t permille)
{
	snprintf(buf, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64 " %%",
		 permille / 10, permille % 10);
	return buf;
}

const char *format_bar(char *buf, uint64_t used, uint64_t limit,
		       unsigned int width)
{
	unsigned int filled = 0, i;

	if (width > 32)
		width = 32;
	if (limit) {
		if (used > limit)
			used = limit;
		filled = (unsigned int)(((wide_t)used * width + limit / 2) /
					limit);
		/* a little is not nothing, nearly all is not all */
		if (used && !filled)
			filled = 1;
		if (used < limit && filled == width && width > 1)
			filled = width - 1;
	}
	buf[0] = '[';
	for (i = 0; i < width; i++)
		buf[i + 1] = i < filled ? '#' : '-';
	buf[width + 1] = ']';
	buf[width + 2] = '\0';
	return buf;
}

enum color color_used(uint64_t used, uint64_t limit)
{
	if (!limit)
		return COLOR_NONE;
	if (used >= limit - limit / 20)
		return COLOR_RED;
	if (used >= limit - limit / 5)
		return COLOR_YELLOW;
	return COLOR_NONE;
}
