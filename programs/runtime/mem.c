// SPDX-License-Identifier: GPL-2.0
/* The four functions that gcc calls by itself, also when freestanding. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (!(((uintptr_t)d | (uintptr_t)s) & 7))
		for (; bytes >= 8; bytes -= 8, d += 8, s += 8)
			*(uint64_t *)d = *(const uint64_t *)s;
	while (bytes--)
		*d++ = *s++;
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (d <= s || d >= s + bytes) {
		while (bytes--)
			*d++ = *s++;
	} else {
		while (bytes--)
			d[bytes] = s[bytes];
	}
	return to;
}

void *memset(void *to, int byte, size_t bytes)
{
	uint8_t *d = to;

	while (bytes--)
		*d++ = byte;
	return to;
}

int memcmp(const void *left, const void *right, size_t bytes)
{
	const uint8_t *l = left, *r = right;

	for (; bytes--; l++, r++)
		if (*l != *r)
			return *l - *r;
	return 0;
}
