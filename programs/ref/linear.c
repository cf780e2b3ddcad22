// SPDX-License-Identifier: GPL-2.0
#include "ref.h"

void ref_saxpy(float a, const float *x, float *y, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = a * x[i] + y[i];
}

void ref_isaxpy(uint32_t a, const uint32_t *x, uint32_t *y, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		y[i] = a * x[i] + y[i];
}

void ref_gemm(const float *a, const float *b, float *c, uint32_t m, uint32_t n,
	      uint32_t k)
{
	for (size_t row = 0; row < m; row++) {
		for (size_t column = 0; column < n; column++) {
			float sum = 0;

			for (size_t i = 0; i < k; i++)
				sum += a[row * k + i] * b[i * n + column];
			c[row * n + column] = sum;
		}
	}
}

void ref_igemm(const uint32_t *a, const uint32_t *b, uint32_t *c, uint32_t m,
	       uint32_t n, uint32_t k)
{
	for (size_t row = 0; row < m; row++) {
		for (size_t column = 0; column < n; column++) {
			uint32_t sum = 0;

			for (size_t i = 0; i < k; i++)
				sum += a[row * k + i] * b[i * n + column];
			c[row * n + column] = sum;
		}
	}
}
