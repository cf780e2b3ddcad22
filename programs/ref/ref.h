/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each stock kernel must give, computed on the CPU in the plainest way.
 * Floats are rounded after every operation (built with -ffp-contract=off, for
 * a CPU whose floats are IEEE 754), so results are compared byte by byte.
 */
#ifndef VGPU_REF_H
#define VGPU_REF_H

#include <stddef.h>
#include <stdint.h>

#include "include/programs.h"

/* y = a * x + y */
void ref_saxpy(float a, const float *x, float *y, uint32_t n);
void ref_isaxpy(uint32_t a, const uint32_t *x, uint32_t *y, uint32_t n);

/* c = a * b, row major, a is m by k, b is k by n */
void ref_gemm(const float *a, const float *b, float *c, uint32_t m, uint32_t n,
	      uint32_t k);
void ref_igemm(const uint32_t *a, const uint32_t *b, uint32_t *c, uint32_t m,
	       uint32_t n, uint32_t k);

void ref_sha256(const void *data, uint64_t bytes, uint8_t digest[32]);

void ref_sobel(const uint8_t *in, uint8_t *out, uint32_t width,
	       uint32_t height);

/* @args as the kernel gets them; its out is not used */
void ref_mandelbrot(const struct mandelbrot_args *args, uint8_t *out);

/* @cells and @totals as they were at the start, changed in place */
void ref_counter(uint64_t *cells, struct counter_totals *totals,
		 uint32_t groups, uint32_t lanes, uint64_t rounds);

#endif /* VGPU_REF_H */
