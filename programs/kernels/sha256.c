// SPDX-License-Identifier: GPL-2.0
/* SHA-256 (FIPS 180-4) of many chunks, one lane a chunk. */
#include <vgpu_kernel.h>
#include <programs.h>

static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t v, unsigned int by)
{
	return v >> by | v << (32 - by);
}

/* One block of 64 bytes, already loaded as big-endian words, which it eats. */
static void compress(uint32_t state[8], uint32_t w[16])
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	for (unsigned int i = 0; i < 64; i++) {
		uint32_t word, t1, t2;

		if (i < 16) {
			word = w[i];
		} else {
			uint32_t w15 = w[(i + 1) & 15], w2 = w[(i + 14) & 15];

			word = w[i & 15] + w[(i + 9) & 15] +
			       (rotr(w15, 7) ^ rotr(w15, 18) ^ w15 >> 3) +
			       (rotr(w2, 17) ^ rotr(w2, 19) ^ w2 >> 10);
			w[i & 15] = word;
		}

		t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
		     ((e & f) ^ (~e & g)) + round_constants[i] + word;
		t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) +
		     ((a & b) ^ (a & c) ^ (b & c));
		h = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}

	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

VGPU_KERNEL(sha256, struct sha256_args *args)
{
	uint64_t index = vgpu_global_x();
	uint32_t state[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};
	const struct sha256_chunk *chunk;
	const uint8_t *data;
	uint8_t *digest;
	uint64_t bytes, total;

	if (index >= args->count)
		return;

	chunk = vgpu_ptr(const struct sha256_chunk, args->chunks) + index;
	data = vgpu_ptr(const uint8_t, args->data + chunk->offset);
	bytes = chunk->bytes;
	/* With its padding (a 1 bit, zeroes, the length) in blocks of 64. */
	total = (bytes + 9 + 63) / 64 * 64;

	for (uint64_t block = 0; block < total; block += 64) {
		uint32_t w[16];

		for (unsigned int i = 0; i < 16; i++) {
			uint64_t at = block + i * 4;
			uint32_t word = 0;

			if (at + 4 <= bytes) {
				const uint8_t *p = data + at;

				word = (uint32_t)p[0] << 24 | p[1] << 16 |
				       p[2] << 8 | p[3];
			} else if (at <= bytes) {
				for (unsigned int j = 0; j < 4; j++) {
					word <<= 8;
					if (at + j < bytes)
						word |= data[at + j];
					else if (at + j == bytes)
						word |= 0x80;
				}
			}
			w[i] = word;
		}
		if (block + 64 == total) {
			w[14] = bytes >> 29;
			w[15] = bytes << 3;
		}
		compress(state, w);
	}

	digest = vgpu_ptr(uint8_t, args->digests) + index * 32;
	for (unsigned int i = 0; i < 8; i++) {
		digest[4 * i] = state[i] >> 24;
		digest[4 * i + 1] = state[i] >> 16;
		digest[4 * i + 2] = state[i] >> 8;
		digest[4 * i + 3] = state[i];
	}
}
