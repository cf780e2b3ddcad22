// SPDX-License-Identifier: GPL-2.0
/* UUIDs as text, in RFC 4122 byte order. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "priv.h"

void vgpu_uuid_format(const uint8_t u[16], char text[VGPU_UUID_CHARS])
{
	snprintf(text, VGPU_UUID_CHARS,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15]);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

int vgpu_uuid_parse(const char *text, uint8_t uuid[16])
{
	uint8_t parsed[16];
	const char *at = text;

	for (unsigned int i = 0; i < 16; i++) {
		int high, low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *at++ != '-')
			return -EINVAL;
		high = hex_digit(at[0]);
		low = high < 0 ? -1 : hex_digit(at[1]);
		if (low < 0)
			return -EINVAL;
		parsed[i] = high << 4 | low;
		at += 2;
	}
	if (*at)
		return -EINVAL;
	memcpy(uuid, parsed, sizeof(parsed));
	return 0;
}
