// SPDX-License-Identifier: GPL-2.0
/*
 * SHA-256 as FIPS 180-4 writes it: the whole schedule first, the message
 * padded in a buffer.  Not the kernel's code, so that a slip in one does not
 * repeat in the other; the constants are computed, not copied.
 */
#include <string.h>

#include "ref.h"

static uint32_t rotr(uint32_t v, unsigned int by)
{
	return v >> by | v << (32 - by);
}

/* First 32 bits of the fraction of the square (2) or cube (3) root of n. */
static uint32_t root_fraction(uint64_t n, unsigned int power)
{
	/* The largest r with r^power <= n * 2^(32 * power). */
	unsigned __int128 r = 0;

	for (int bit = 36; bit >= 0; bit--) {
		unsigned __int128 t = r | (unsigned __int128)1 << bit;

		if (power == 2) {
			if (t * t <= (unsigned __int128)n << 64)
				r = t;
		} else {
			/* t^3 <= n * 2^96, without 2^128: t has 36 bits */
			unsigned __int128 q = (unsigned __int128)n << 96;

			if (t * t <= q / t)
				r = t;
		}
	}
	return (uint32_t)r;
}

static void constants(uint32_t k[64], uint32_t h[8])
{
	unsigned int count = 0;

	for (unsigned int n = 2; count < 64; n++) {
		unsigned int d = 2;

		while (d * d <= n && n % d)
			d++;
		if (d * d <= n)
			continue;
		k[count] = root_fraction(n, 3);
		if (count < 8)
			h[count] = root_fraction(n, 2);
		count++;
	}
}

static void block(const uint32_t k[64], uint32_t h[8], const uint8_t *data)
{
	uint32_t w[64], v[8];

	for (unsigned int t = 0; t < 16; t++)
		w[t] = (uint32_t)data[4 * t] << 24 | data[4 * t + 1] << 16 |
		       data[4 * t + 2] << 8 | data[4 * t + 3];
	for (unsigned int t = 16; t < 64; t++) {
		uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^
			      w[t - 15] >> 3;
		uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^
			      w[t - 2] >> 10;

		w[t] = w[t - 16] + s0 + w[t - 7] + s1;
	}
	memcpy(v, h, sizeof(v));
	for (unsigned int t = 0; t < 64; t++) {
		uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
		uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
		uint32_t choose = (v[4] & v[5]) ^ (~v[4] & v[6]);
		uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^
				    (v[1] & v[2]);
		uint32_t t1 = v[7] + s1 + choose + k[t] + w[t];

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + s0 + majority;
	}
	for (unsigned int i = 0; i < 8; i++)
		h[i] += v[i];
}

void ref_sha256(const void *data, uint64_t bytes, uint8_t digest[32])
{
	const uint8_t *in = data;
	static uint32_t k[64], start[8];	/* computed once; one thread */
	uint32_t h[8];
	uint8_t last[128] = { 0 };
	uint64_t whole = bytes / 64 * 64, rest = bytes - whole;
	unsigned int end = rest < 56 ? 64 : 128;

	if (!k[0])
		constants(k, start);
	memcpy(h, start, sizeof(h));
	for (uint64_t i = 0; i < whole; i += 64)
		block(k, h, in + i);
	if (rest)
		memcpy(last, in + whole, rest);
	last[rest] = 0x80;
	for (unsigned int i = 0; i < 8; i++)
		last[end - 1 - i] = (uint8_t)(bytes * 8 >> 8 * i);
	for (unsigned int i = 0; i < end; i += 64)
		block(k, h, last + i);
	for (unsigned int i = 0; i < 32; i++)
		digest[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
}
