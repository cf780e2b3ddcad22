/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables for people: as wide as needed, never wider than the terminal;
 * columns of little importance give way first.
 */
#ifndef VGPUCTL_TABLE_H
#define VGPUCTL_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct table;

enum color {
	COLOR_NONE,
	COLOR_BOLD,
	COLOR_DIM,
	COLOR_GREEN,
	COLOR_YELLOW,
	COLOR_RED,
	COLOR_CYAN,
};

/* @width: of the terminal; 0: no limit */
struct table *table_new(unsigned int width);
/* @keep: 0 stays always, the highest number goes first */
void table_column(struct table *t, const char *title, bool right, int keep);
void table_row(struct table *t);
/* The last row is shown in reverse, without colours. */
void table_mark(struct table *t);
__attribute__((format(printf, 3, 4)))
void table_cell(struct table *t, enum color color, const char *fmt, ...);
/* Prints with @indent blanks in front, and frees. */
void table_print(struct table *t, FILE *out, unsigned int indent);

/* Columns of the terminal that stdout is, 0 when it is none. */
unsigned int terminal_width(void);
/* Escape sequences, "" without colours. */
const char *color_on(enum color color);
const char *color_off(void);

#define FORMAT_SIZE	40

/* "64 MiB"; @buf of FORMAT_SIZE is returned by all of these */
const char *format_bytes(char *buf, uint64_t bytes);
/* "12/64 MiB": both in the unit of the second */
const char *format_used(char *buf, uint64_t used, uint64_t limit);
/* "1.5 ms" */
const char *format_ns(char *buf, uint64_t ns);
/* "24.8 %" */
const char *format_permille(char *buf, uint64_t permille);
/* "[####------]" of @width characters between the brackets, at most 32 */
const char *format_bar(char *buf, uint64_t used, uint64_t limit,
		       unsigned int width);
/* How alarming: none, yellow from 80 %, red from 95 %. */
enum color color_used(uint64_t used, uint64_t limit);

#endif /* VGPUCTL_TABLE_H */
