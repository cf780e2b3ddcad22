// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a GPU as a picture: rows of signs, each of which stands for the
 * same amount, from address 0 on.
 *
 * A sign is that of the use that most of its part is of; blocks in shades tell how
 * full it is, where the locale has them. What is bad, pinned or a table shows in
 * the colour of its sign even when it is little, as far as there are colours.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "data.h"
#include "memmap.h"
#include "table.h"

#define USES		7
#define FREE		0	/* as in nl-vram-use, and all that follow */
#define USED		2
#define WIDTH		64	/* where there is no terminal */
#define WIDTH_MAX	128
#define CELLS_MAX	1024

static const struct use {
	const char *name;	/* for programs */
	const char *label;
	char ascii;
	const char *utf8;
	enum color color;
} uses[USES] = {
	{ "free", "free", '.', "·", COLOR_NONE },
	{ "unclean", "free, to be scrubbed", '~', "~", COLOR_DIM },
	{ "used", "in use", '#', "█", COLOR_GREEN },
	{ "pinned", "in use, stays", 'P', "P", COLOR_YELLOW },
	{ "tables", "page tables", 'T', "T", COLOR_CYAN },
	{ "frames", "for pageable memory", '_', "_", COLOR_DIM },
	{ "retired", "bad", 'x', "x", COLOR_RED },
};

/* Of a part of memory, in 255ths of a cell. */
struct part {
	unsigned int of[USES];
	unsigned int all;
};

static uint64_t number_at(struct json_object *array, size_t i)
{
	return json_object_get_uint64(json_object_array_get_idx(array, i));
}

static void add_cell(struct part *p, uint64_t cell)
{
	unsigned int i;

	for (i = 0; i < USES; i++) {
		p->of[i] += cell >> 8 * i & 0xff;
		p->all += cell >> 8 * i & 0xff;
	}
}

static unsigned int most_of(const struct part *p)
{
	unsigned int i, most = FREE;

	for (i = 0; i < USES; i++)
		if (p->of[i] > p->of[most])
			most = i;
	return most;
}

static bool has_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static void put_sign(const struct part *p, bool utf8)
{
	static const char *const shades[] = { "░", "▒", "▓", "█" };
	unsigned int use = most_of(p), busy = p->all - p->of[FREE];
	const char *sign = uses[use].utf8;

	if (!p->all)
		return;
	/* mostly free, but not all */
	if (use == FREE && busy * 8 > p->all)
		use = USED;
	if (utf8 && use == USED)
		sign = shades[busy * 4 > p->all * 3 ? 3 :
			      busy * 4 > p->all * 2 ? 2 :
			      busy * 4 > p->all];
	fputs(color_on(uses[use].color), stdout);
	if (utf8)
		fputs(sign, stdout);
	else if (use == USED && busy * 2 <= p->all)
		putchar('+');
	else
		putchar(uses[use].ascii);
	if (uses[use].color != COLOR_NONE)
		fputs(color_off(), stdout);
}

static void put_legend(struct json_object *map, bool utf8)
{
	struct json_object *bytes = json_object_object_get(map, "use");
	unsigned int width = terminal_width(), at = 0, len;
	char size[FORMAT_SIZE], text[96];
	size_t i;

	for (i = 0; bytes && i < USES && i < json_object_array_length(bytes);
	     i++) {
		uint64_t n = number_at(bytes, i);

		if (!n)
			continue;
		len = (unsigned int)snprintf(text, sizeof(text), "%s%s %s",
					     uses[i].label, i == USED && !utf8 ?
					     " (+ half or less)" : "",
					     format_bytes(size, n));
		if (!at || at + len + 5 > (width ? width : 80)) {
			fputs(at ? "\n  " : "  ", stdout);
			at = 2;
		} else {
			fputs("   ", stdout);
			at += 3;
		}
		fputs(color_on(uses[i].color), stdout);
		if (utf8)
			fputs(uses[i].utf8, stdout);
		else
			putchar(uses[i].ascii);
		if (uses[i].color != COLOR_NONE)
			fputs(color_off(), stdout);
		printf(" %s", text);
		at += len + 2;
	}
	putchar('\n');
}

/* Signs in a row: a power of two, so that rows begin at round addresses. */
static unsigned int row_of(size_t cells)
{
	unsigned int width = terminal_width(), row = 1;

	if (!width)
		width = WIDTH + 12;
	while (row * 2 <= cells && row * 2 <= WIDTH_MAX && row * 2 + 12 <= width)
		row *= 2;
	return row;
}

void memmap_show(struct json_object *map)
{
	struct json_object *cells = json_object_object_get(map, "cell");
	uint64_t cell_bytes = json_u64(map, "cell_bytes");
	size_t count = cells ? json_object_array_length(cells) : 0, i;
	bool utf8 = has_utf8();
	char size[FORMAT_SIZE];
	unsigned int row;

	if (!count || count > CELLS_MAX)
		return;
	row = row_of(count);
	for (i = 0; i < count; i++) {
		struct part p = { .all = 0 };

		if (i % row == 0)
			printf("%10s ", format_bytes(size, i * cell_bytes));
		add_cell(&p, number_at(cells, i));
		put_sign(&p, utf8);
		if (i % row == row - 1 || i == count - 1)
			putchar('\n');
	}
	put_legend(map, utf8);
}

struct json_object *memmap_json(struct json_object *map)
{
	struct json_object *cells = json_object_object_get(map, "cell");
	struct json_object *bytes = json_object_object_get(map, "use");
	struct json_object *out = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *use = json_object_new_object();
	size_t i, k;

	for (i = 0; bytes && i < USES && i < json_object_array_length(bytes); i++)
		json_object_object_add(use, uses[i].name,
				       json_object_new_uint64(number_at(bytes, i)));
	for (i = 0; cells && i < json_object_array_length(cells); i++) {
		struct json_object *one = json_object_new_object();
		struct part p = { .all = 0 };

		add_cell(&p, number_at(cells, i));
		for (k = 0; k < USES; k++) {
			struct json_object *permille;

			if (!p.of[k])
				continue;
			permille = json_object_new_uint64(p.of[k] * 1000 /
							  p.all);
			json_object_object_add(one, uses[k].name, permille);
		}
		json_object_array_add(list, one);
	}
	json_object_object_add(out, "total",
			       json_object_new_uint64(json_u64(map, "total")));
	json_object_object_add(out, "cell_bytes",
			       json_object_new_uint64(json_u64(map,
							       "cell_bytes")));
	json_object_object_add(out, "use", use);
	json_object_object_add(out, "cells_permille", list);
	return out;
}
