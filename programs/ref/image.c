// SPDX-License-Identifier: GPL-2.0
#include "ref.h"

static int at(const uint8_t *in, int64_t width, int64_t height, int64_t x,
	      int64_t y)
{
	x = x < 0 ? 0 : x >= width ? width - 1 : x;
	y = y < 0 ? 0 : y >= height ? height - 1 : y;
	return in[y * width + x];
}

void ref_sobel(const uint8_t *in, uint8_t *out, uint32_t width,
	       uint32_t height)
{
	static const int weight[3][3] = {
		{ -1, 0, 1 },
		{ -2, 0, 2 },
		{ -1, 0, 1 },
	};

	for (int64_t y = 0; y < height; y++) {
		for (int64_t x = 0; x < width; x++) {
			int gx = 0, gy = 0, sum;

			for (int i = 0; i < 3; i++) {
				for (int j = 0; j < 3; j++) {
					int pixel = at(in, width, height,
						       x + j - 1, y + i - 1);

					gx += weight[i][j] * pixel;
					gy += weight[j][i] * pixel;
				}
			}
			sum = (gx < 0 ? -gx : gx) + (gy < 0 ? -gy : gy);
			out[y * width + x] = sum > 255 ? 255 : (uint8_t)sum;
		}
	}
}

static int64_t multiply(int64_t a, int64_t b, int fraction)
{
	return (a * b) >> fraction;
}

void ref_mandelbrot(const struct mandelbrot_args *args, uint8_t *out)
{
	const int64_t four = 4LL << MANDELBROT_FRACTION;
	uint32_t limit = args->max_iterations;

	for (uint32_t y = 0; y < args->height; y++) {
		for (uint32_t x = 0; x < args->width; x++) {
			int64_t c_re = args->left + x * args->step;
			int64_t c_im = args->top + y * args->step;
			int64_t re = 0, im = 0;
			uint32_t n = 0;

			while (n < limit) {
				int64_t re2 = multiply(re, re, MANDELBROT_FRACTION);
				int64_t im2 = multiply(im, im, MANDELBROT_FRACTION);

				if (re2 + im2 > four)
					break;
				im = multiply(re, im, MANDELBROT_FRACTION - 1) + c_im;
				re = re2 - im2 + c_re;
				n++;
			}
			*out++ = n == limit ? 0 :
				 (uint8_t)(255 - (limit - 1 - n) * 255 / limit);
		}
	}
}
