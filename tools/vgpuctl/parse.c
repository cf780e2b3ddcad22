// SPDX-License-Identifier: GPL-2.0
/*
 * Words of the command line: names, sizes, times.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "attrs.h"
#include "vgpuctl.h"

int parse_number(const char *text, uint64_t max, uint64_t *value)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || v > max)
		return -1;
	*value = v;
	return 0;
}

/* Digits with at most one point and a unit; *@scaled is in 1/1000. */
static int split(const char *text, uint64_t *scaled, const char **unit)
{
	unsigned int decimals = 0;
	bool point = false;
	uint64_t v = 0;

	if (!isdigit((unsigned char)*text))
		return -1;
	for (; isdigit((unsigned char)*text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		if (point && ++decimals > 3)
			return -1;
		if (v > UINT64_MAX / 10000)
			return -1;
		v = v * 10 + (unsigned int)(*text - '0');
	}
	for (; decimals < 3; decimals++) {
		if (v > UINT64_MAX / 10)
			return -1;
		v *= 10;
	}
	while (*text == ' ')
		text++;
	*scaled = v;
	*unit = text;
	return 0;
}

static int multiply(uint64_t scaled, uint64_t factor, uint64_t *result)
{
	unsigned __int128 v = (unsigned __int128)scaled * factor / 1000;

	if (v > UINT64_MAX)
		return -1;
	*result = (uint64_t)v;
	return 0;
}

int parse_size(const char *text, uint64_t *bytes)
{
	static const char letters[] = "kmgt";
	uint64_t scaled, factor = 1;
	const char *unit, *at;

	if (split(text, &scaled, &unit))
		return -1;
	if (*unit && strcasecmp(unit, "b")) {
		at = strchr(letters, tolower((unsigned char)*unit));
		if (!at)
			return -1;
		if (unit[1] && strcasecmp(unit + 1, "b") &&
		    strcasecmp(unit + 1, "ib"))
			return -1;
		factor = 1ULL << (10 * (at - letters + 1));
	}
	return multiply(scaled, factor, bytes);
}

int parse_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
	};
	uint64_t scaled;
	const char *unit;
	size_t i;

	if (split(text, &scaled, &unit))
		return -1;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].name))
			return multiply(scaled, units[i].ns, ns);
	return -1;
}

int parse_percent(const char *text, uint64_t *hundredths)
{
	uint64_t scaled;
	const char *unit;

	/* thousandths that are no whole hundredths are not rounded */
	if (split(text, &scaled, &unit) || scaled % 10 || scaled > 100000)
		return -1;
	if (*unit && strcmp(unit, "%"))
		return -1;
	*hundredths = scaled / 10;
	return 0;
}

int parse_seconds(const char *text, double *seconds)
{
	char *end;
	double v;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -1;
	errno = 0;
	v = strtod(text, &end);
	if (errno || *end || !isfinite(v) || v < 0 || v > 1e9)
		return -1;
	*seconds = v;
	return 0;
}

int parse_uuid(const char *text, uint8_t uuid[16])
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	unsigned int digit, n = 0;
	size_t i;

	if (strlen(text) != sizeof(shape) - 1)
		return -1;
	for (i = 0; shape[i]; i++) {
		if (shape[i] == '-') {
			if (text[i] != '-')
				return -1;
			continue;
		}
		if (!isxdigit((unsigned char)text[i]))
			return -1;
		digit = isdigit((unsigned char)text[i]) ?
			(unsigned int)(text[i] - '0') :
			(unsigned int)(tolower((unsigned char)text[i]) - 'a' + 10);
		if (n % 2)
			uuid[n / 2] = (uint8_t)(uuid[n / 2] << 4 | digit);
		else
			uuid[n / 2] = (uint8_t)digit;
		n++;
	}
	return 0;
}

void format_uuid(const uint8_t u[16], char text[37])
{
	snprintf(text, 37,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15]);
}

int parse_vgpu(const char *text, struct vgpu_name *name)
{
	uint64_t id;

	if (!parse_uuid(text, name->uuid)) {
		name->by_uuid = true;
		return 0;
	}
	name->by_uuid = false;
	if (*text == 'v')
		text++;
	if (parse_number(text, UINT32_MAX - 1, &id))
		return -1;
	name->id = (uint32_t)id;
	return 0;
}

int parse_gpu(const char *text, uint32_t *index)
{
	uint64_t v;

	if (!strncmp(text, "gpu", 3))
		text += 3;
	if (parse_number(text, UINT32_MAX - 1, &v))
		return -1;
	*index = (uint32_t)v;
	return 0;
}

static int find_flag(const char *name, size_t len, const struct attr_enum *names,
		     uint32_t *flags)
{
	unsigned int i;

	*flags = (1u << names->count) - 1;
	if (len == 3 && !strncmp(name, "all", 3))
		return 0;
	for (i = 0; i < names->count; i++) {
		*flags = 1u << i;
		if (strlen(names->names[i]) == len &&
		    !strncmp(names->names[i], name, len))
			return 0;
	}
	return -1;
}

int parse_flags(const char *text, const struct attr_enum *names, uint32_t *flags)
{
	uint32_t some;

	*flags = 0;
	if (!strcmp(text, "none"))
		return 0;
	for (;;) {
		bool minus = *text == '-';
		size_t len;

		text += minus;
		len = strcspn(text, ",");
		if (find_flag(text, len, names, &some))
			return -1;
		*flags = minus ? *flags & ~some : *flags | some;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}
