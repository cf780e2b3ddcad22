/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Argument blocks of the stock kernels: the one thing that a kernel and
 * whoever launches it must agree on.  Compiled for both sides, so: fixed
 * widths, no pointers (GPU addresses are 64-bit numbers), no holes.
 */
#ifndef VGPU_PROGRAMS_H
#define VGPU_PROGRAMS_H

#include <stdint.h>

/* copy: 8-byte words, then the odd bytes; any number of lanes */
struct copy_args {
	uint64_t src;		/* a multiple of 8 */
	uint64_t dst;		/* a multiple of 8 */
	uint64_t bytes;
};

/* saxpy: y = a * x + y, float; isaxpy: the same in int32 that wraps */
struct saxpy_args {
	uint64_t x;
	uint64_t y;
	uint32_t n;
	uint32_t a;		/* the float's bits, or the int32 */
};

/*
 * gemm: c = a * b, row major; a is m by k, b is k by n; igemm in int32 that
 * wraps.  Blocks are square (tile by tile); shared memory: two tiles of
 * 4-byte elements.
 */
struct gemm_args {
	uint64_t a;
	uint64_t b;
	uint64_t c;
	uint32_t m;
	uint32_t n;
	uint32_t k;
	uint32_t pad;
};

#define GEMM_SHARED_BYTES(tile)	(2u * (tile) * (tile) * 4u)

/* sha256: one lane a chunk */
struct sha256_chunk {
	uint64_t offset;	/* from sha256_args.data */
	uint64_t bytes;
};

struct sha256_args {
	uint64_t data;
	uint64_t chunks;	/* struct sha256_chunk[count] */
	uint64_t digests;	/* 32 bytes each, in the order of the chunks */
	uint64_t count;
};

/* sobel: 8-bit grey, |gx| + |gy| capped at 255, edges repeated; 2D grid */
struct sobel_args {
	uint64_t in;
	uint64_t out;
	uint32_t width;
	uint32_t height;
};

/*
 * mandelbrot: 8-bit grey, in fixed point (28 bits of fraction), so that it
 * needs no floats; 2D grid.
 */
#define MANDELBROT_FRACTION	28

struct mandelbrot_args {
	uint64_t out;
	uint32_t width;
	uint32_t height;
	int64_t left;		/* real part of column 0 */
	int64_t top;		/* imaginary part of row 0 */
	int64_t step;		/* from one pixel to the next */
	uint32_t max_iterations;
	uint32_t pad;
};

/* spin, spin_nopreempt: count in @counter for ever (0: count nowhere) */
struct spin_args {
	uint64_t counter;	/* uint64_t that lane 0 of group 0 counts up */
};

/*
 * counter: long, and wrong when any instruction runs twice or not at all.
 * Each lane of each workgroup turns its own cell @rounds times, trades values
 * with its neighbour through shared memory between barriers, and adds to
 * totals that all lanes share.  Shared memory: 8 bytes a lane.
 */
struct counter_totals {
	uint64_t added;		/* amoadd */
	uint64_t mixed;		/* amoxor */
	uint64_t highest;	/* amomaxu */
	uint64_t swapped;	/* lr/sc */
};

struct counter_args {
	uint64_t cells;		/* uint64_t for each lane of the grid (x only) */
	uint64_t totals;	/* struct counter_totals */
	uint64_t rounds;
};

/* fault_read, fault_write, fault_exec: touch @va, then write @reached */
struct fault_args {
	uint64_t va;
	uint64_t value;		/* written by fault_write, read by fault_read */
	uint64_t reached;	/* 1 when the lane lived on */
};

/*
 * vector: writes and checks some of the vector registers; a lane's word of @wrong
 * is 1 more than what it found to be wrong.
 */
struct vector_args {
	uint64_t wrong;		/* uint64_t of each lane */
	uint64_t words;		/* of the vector registers */
	uint64_t stride;	/* one in so many is written, 2 or more */
	uint64_t rounds;
};

/*
 * leftover: ors into @found, uint64_t each, what it finds where it wrote nothing, and
 * leaves @secret everywhere; @stay: then goes on for ever
 */
enum {
	LEFTOVER_REGISTERS,
	LEFTOVER_CSRS,
	LEFTOVER_SHARED,
	LEFTOVER_VECTOR,
	LEFTOVER_LANES,		/* that have looked: counted */
	LEFTOVER_END
};

struct leftover_args {
	uint64_t found;
	uint64_t secret;
	uint64_t words;		/* of the vector registers */
	uint64_t stay;
};

#endif /* VGPU_PROGRAMS_H */
