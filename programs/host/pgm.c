// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgm.h"

/* The next number of the head; comments run from # to the end of the line.
 * -1 when there is none up to @max.
 */
static long head_number(FILE *file, long max)
{
	long number = 0;
	int c = getc(file);

	while (c == '#' || isspace(c)) {
		if (c == '#')
			while (c != '\n' && c != EOF)
				c = getc(file);
		else
			c = getc(file);
	}
	if (!isdigit(c))
		return -1;
	for (; isdigit(c); c = getc(file)) {
		number = number * 10 + (c - '0');
		if (number > max)
			return -1;
	}
	/* Exactly one white space follows. */
	return isspace(c) ? number : -1;
}

static enum run_result read_picture(struct run *run, FILE *file,
				    const char *path, uint32_t *width,
				    uint32_t *height, uint8_t **pixels)
{
	long w, h, max;
	size_t bytes;

	if (getc(file) != 'P' || getc(file) != '5')
		return run_fail(run, RUN_USAGE,
				"%s is no binary PGM: convert it, as with 'djpeg -grayscale -pnm IN.jpg > OUT.pgm'",
				path);
	w = head_number(file, PGM_MAX_SIDE);
	h = head_number(file, PGM_MAX_SIDE);
	max = head_number(file, 65535);
	if (w < 1 || h < 1 || max != 255)
		return run_fail(run, RUN_USAGE,
				"%s: the head of the PGM is broken, or the picture is over %d pixels wide or high, or not of 8 bits",
				path, PGM_MAX_SIDE);
	bytes = (size_t)w * (size_t)h;
	*pixels = run_alloc(run, bytes);
	if (!*pixels)
		return RUN_DEVICE;
	if (fread(*pixels, 1, bytes, file) != bytes)
		return run_fail(run, RUN_USAGE, "%s is cut short", path);
	*width = (uint32_t)w;
	*height = (uint32_t)h;
	return RUN_OK;
}

enum run_result pgm_read(struct run *run, const char *path, uint32_t *width,
			 uint32_t *height, uint8_t **pixels)
{
	FILE *file = fopen(path, "rbe");
	enum run_result result;

	*pixels = NULL;
	if (!file)
		return run_fail(run, RUN_USAGE, "cannot open %s: %s", path,
				strerror(errno));
	result = read_picture(run, file, path, width, height, pixels);
	fclose(file);
	if (result) {
		free(*pixels);
		*pixels = NULL;
	}
	return result;
}

enum run_result pgm_write(struct run *run, const char *path, uint32_t width,
			  uint32_t height, const uint8_t *pixels)
{
	size_t bytes = (size_t)width * height;
	FILE *file = fopen(path, "wbe");
	int bad;

	if (!file)
		return run_fail(run, RUN_DEVICE, "cannot write %s: %s", path,
				strerror(errno));
	fprintf(file, "P5\n%u %u\n255\n", width, height);
	bad = fwrite(pixels, 1, bytes, file) != bytes;
	bad |= fclose(file);
	if (bad)
		return run_fail(run, RUN_DEVICE, "cannot write %s: %s", path,
				strerror(errno));
	return RUN_OK;
}
