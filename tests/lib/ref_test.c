// SPDX-License-Identifier: GPL-2.0
/*
 * The references that kernels are compared with: against known vectors, the
 * system's sha256sum, and results worked out by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref/ref.h"
#include "tap.h"

static void hex(const uint8_t digest[32], char text[65])
{
	for (unsigned int i = 0; i < 32; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
}

/* FIPS 180-4's examples. */
static void test_sha256_vectors(void)
{
	static const struct { const char *message, *digest; } vectors[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t digest[32], *million;
	char text[65];

	for (unsigned int i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		ref_sha256(vectors[i].message, strlen(vectors[i].message),
			   digest);
		hex(digest, text);
		tap(!strcmp(text, vectors[i].digest), "SHA-256 of '%s'",
		    vectors[i].message);
	}
	million = malloc(1000000);
	memset(million, 'a', 1000000);
	ref_sha256(million, 1000000, digest);
	hex(digest, text);
	tap(!strcmp(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
	    "SHA-256 of a million a");
	free(million);
}

/* Every length around a block's end, against the system's tool. */
static void test_sha256_lengths(void)
{
	char path[] = "/tmp/vgpu-ref-XXXXXX", command[64], line[128];
	unsigned int wrong = 0, count = 0;
	uint8_t data[300];
	int fd = mkstemp(path);

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	snprintf(command, sizeof(command), "sha256sum %s", path);
	for (unsigned int bytes = 50; fd >= 0 && bytes < 260; bytes += 3) {
		uint8_t digest[32];
		char text[65];
		FILE *tool;

		if (ftruncate(fd, 0) || pwrite(fd, data, bytes, 0) != (ssize_t)bytes)
			break;
		tool = popen(command, "r");
		ref_sha256(data, bytes, digest);
		hex(digest, text);
		wrong += !tool || !fgets(line, sizeof(line), tool) ||
			 strncmp(line, text, 64);
		if (tool)
			pclose(tool);
		count++;
	}
	if (fd >= 0)
		close(fd);
	unlink(path);
	tap(count == 70 && !wrong, "SHA-256 as sha256sum gives it, %u lengths",
	    count);
}

static void test_linear(void)
{
	float x[3] = { 1, 2, 0.1f }, y[3] = { 10, 20, 0.2f };
	uint32_t ix[2] = { 1, 0x80000000 }, iy[2] = { UINT32_MAX, 1 };
	float a[4] = { 1, 2, 3, 4 }, b[4] = { 5, 6, 7, 8 }, c[4];
	uint32_t ia[3] = { 1, 2, 3 }, ib[3] = { 4, 5, 0xffffffff }, ic[1];
	volatile float product = 3 * x[2];

	ref_saxpy(3, x, y, 3);
	tap(y[0] == 13 && y[1] == 26 && y[2] == product + 0.2f,
	    "saxpy rounds twice");
	ref_isaxpy(3, ix, iy, 2);
	tap(iy[0] == 2 && iy[1] == 0x80000001, "isaxpy wraps");
	ref_gemm(a, b, c, 2, 2, 2);
	tap(c[0] == 19 && c[1] == 22 && c[2] == 43 && c[3] == 50, "gemm");
	ref_igemm(ia, ib, ic, 1, 1, 3);
	tap(ic[0] == 11, "igemm wraps");
}

static void test_images(void)
{
	static const uint8_t flat[9] = { 7, 7, 7, 7, 7, 7, 7, 7, 7 };
	static const uint8_t edge[9] = { 0, 10, 10, 0, 10, 10, 0, 10, 10 };
	static const uint8_t hard[9] = { 0, 255, 255, 0, 255, 255, 0, 255, 255 };
	static const uint8_t zeroes[9];
	struct mandelbrot_args args = {
		.width = 2,
		.height = 1,
		.step = 10LL << MANDELBROT_FRACTION,
		.max_iterations = 255,
	};
	uint8_t out[9];

	ref_sobel(flat, out, 3, 3);
	tap(!memcmp(out, zeroes, 9), "no edges in a flat picture");
	ref_sobel(edge, out, 3, 3);
	tap(out[0] == 40 && out[1] == 40 && out[2] == 0 && out[4] == 40,
	    "an edge, also at the picture's border");
	ref_sobel(hard, out, 3, 3);
	tap(out[1] == 255, "a hard edge is capped");
	ref_sobel(hard, out, 1, 1);
	tap(out[0] == 0, "a picture of one pixel");
	ref_mandelbrot(&args, out);
	tap(out[0] == 0 && out[1] == 2, "0 is in the set, 10 leaves it at once (%u %u)",
	    out[0], out[1]);
}

static void test_counter(void)
{
	uint64_t cells[2] = { 1, 2 }, alone = 1;
	struct counter_totals totals = { 0 }, lonely = { 0 };
	const uint64_t k = 6364136223846793005u;
	uint64_t a = k, b = 2 * k + 1;

	/* One round, two lanes, by hand. */
	ref_counter(cells, &totals, 1, 2, 1);
	tap(cells[0] == (a ^ b >> 7) && cells[1] == (b ^ a >> 7) &&
	    totals.added == cells[0] + cells[1] &&
	    totals.mixed == (cells[0] ^ cells[1]) &&
	    totals.highest == (cells[0] > cells[1] ? cells[0] : cells[1]) &&
	    totals.swapped == (cells[0] & 0xff) + (cells[1] & 0xff),
	    "counter, two lanes");
	ref_counter(&alone, &lonely, 1, 1, 1);
	tap(alone == (a ^ a >> 7), "counter, a lane that is its own neighbour");
}

int main(void)
{
	tap_start();
	test_sha256_vectors();
	test_sha256_lengths();
	test_linear();
	test_images();
	test_counter();
	return tap_end();
}
