// SPDX-License-Identifier: GPL-2.0
/*
 * Tables for people.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "table.h"
#include "text.h"
#include "vgpuctl.h"

#define MAX_COLUMNS	20
#define GAP		2

struct cell {
	char *text;
	unsigned int columns;		/* that it takes, which are not its bytes */
	enum color color;
};

struct table {
	unsigned int limit;
	unsigned int columns;
	unsigned int rows;
	unsigned int at;		/* next cell of the last row */
	struct {
		const char *title;
		bool right;
		int keep;
		bool hidden;
		unsigned int width;
	} column[MAX_COLUMNS];
	unsigned int marked;		/* row, from 1 */
	struct cell (*cells)[MAX_COLUMNS];
};

static void *must(void *p)
{
	if (!p) {
		fputs("vgpuctl: error: out of memory\n", stderr);
		exit(CTL_FAILED);
	}
	return p;
}

struct table *table_new(unsigned int width)
{
	struct table *t = must(calloc(1, sizeof(*t)));

	t->limit = width;
	return t;
}

void table_column(struct table *t, const char *title, bool right, int keep)
{
	if (t->columns == MAX_COLUMNS)
		return;
	t->column[t->columns].title = title;
	t->column[t->columns].right = right;
	t->column[t->columns].keep = keep;
	t->column[t->columns].width = (unsigned int)strlen(title);
	t->columns++;
}

void table_row(struct table *t)
{
	t->cells = must(realloc(t->cells, (t->rows + 1) * sizeof(*t->cells)));
	memset(&t->cells[t->rows], 0, sizeof(*t->cells));
	t->rows++;
	t->at = 0;
}

void table_cell(struct table *t, enum color color, const char *fmt, ...)
{
	struct cell *cell;
	va_list ap;
	char *text;

	if (!t->rows || t->at >= t->columns)
		return;
	cell = &t->cells[t->rows - 1][t->at];
	cell->color = color;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = must(NULL);
	va_end(ap);
	cell->text = text_visible(text, &cell->columns);
	free(text);
	if (cell->columns > t->column[t->at].width)
		t->column[t->at].width = cell->columns;
	t->at++;
}

void table_mark(struct table *t)
{
	t->marked = t->rows;
}

/* Hides columns until the rest fits. */
static void table_fit(struct table *t, unsigned int indent)
{
	unsigned int i, width, worst;

	while (t->limit) {
		width = indent;
		worst = MAX_COLUMNS;
		for (i = 0; i < t->columns; i++) {
			if (t->column[i].hidden)
				continue;
			width += t->column[i].width + (width > indent ? GAP : 0);
			if (t->column[i].keep &&
			    (worst == MAX_COLUMNS ||
			     t->column[i].keep >= t->column[worst].keep))
				worst = i;
		}
		if (width <= t->limit || worst == MAX_COLUMNS)
			return;
		t->column[worst].hidden = true;
	}
}

static void print_cell(struct table *t, FILE *out, unsigned int i,
		       const struct cell *cell, bool plain, bool last)
{
	int pad = (int)(t->column[i].width - cell->columns);
	const char *text = cell->text ? cell->text : "";

	if (t->column[i].right)
		fprintf(out, "%*s", pad, "");
	if (cell->color != COLOR_NONE && !plain)
		fprintf(out, "%s%s%s", color_on(cell->color), text, color_off());
	else
		fputs(text, out);
	if (!last)
		fprintf(out, "%*s", (t->column[i].right ? 0 : pad) + GAP, "");
}

/* One line; nothing is printed after the last cell that has text. */
static void print_line(struct table *t, FILE *out, unsigned int indent,
		       const struct cell *cells, bool marked)
{
	unsigned int i, last = 0;

	for (i = 0; i < t->columns; i++)
		if (!t->column[i].hidden && cells[i].text && *cells[i].text)
			last = i;
	fprintf(out, "%*s%s", (int)indent, "", marked ? "\033[7m" : "");
	for (i = 0; i <= last; i++)
		if (!t->column[i].hidden)
			print_cell(t, out, i, &cells[i], marked, i == last);
	fputs(marked ? "\033[0m\n" : "\n", out);
}

void table_print(struct table *t, FILE *out, unsigned int indent)
{
	struct cell titles[MAX_COLUMNS];
	unsigned int i, row;

	table_fit(t, indent);
	for (i = 0; i < t->columns; i++) {
		titles[i].text = (char *)t->column[i].title;
		titles[i].columns = (unsigned int)strlen(titles[i].text);
		titles[i].color = COLOR_BOLD;
	}
	print_line(t, out, indent, titles, false);
	for (row = 0; row < t->rows; row++) {
		print_line(t, out, indent, t->cells[row], row + 1 == t->marked);
		for (i = 0; i < t->columns; i++)
			free(t->cells[row][i].text);
	}
	free(t->cells);
	free(t);
}

unsigned int terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws;
	uint64_t v;

	/* for those who want to see how it looks elsewhere */
	if (columns && !parse_number(columns, 10000, &v) && v)
		return (unsigned int)v;
	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_col)
		return 80;
	return ws.ws_col;
}

const char *color_on(enum color color)
{
	static const char *const codes[] = {
		[COLOR_NONE] = "",
		[COLOR_BOLD] = "\033[1m",
		[COLOR_DIM] = "\033[2m",
		[COLOR_GREEN] = "\033[32m",
		[COLOR_YELLOW] = "\033[33m",
		[COLOR_RED] = "\033[1;31m",
		[COLOR_CYAN] = "\033[36m",
	};

	return color_output ? codes[color] : "";
}

const char *color_off(void)
{
	return color_output ? "\033[0m" : "";
}
