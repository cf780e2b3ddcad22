/* SPDX-License-Identifier: GPL-2.0 */
/* 8-bit grey pictures: binary PGM (P5, up to 255). */
#ifndef VGPU_PGM_H
#define VGPU_PGM_H

#include "step.h"

#define PGM_MAX_SIDE	16384

/* Reads a picture into *@pixels, which is the caller's to free. */
enum run_result pgm_read(struct run *run, const char *path, uint32_t *width,
			 uint32_t *height, uint8_t **pixels);
enum run_result pgm_write(struct run *run, const char *path, uint32_t width,
			  uint32_t height, const uint8_t *pixels);

#endif /* VGPU_PGM_H */
