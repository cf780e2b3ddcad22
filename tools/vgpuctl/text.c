// SPDX-License-Identifier: GPL-2.0
/* See text.h. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "text.h"
#include "vgpuctl.h"

static char *filter(const char *text, bool visible, unsigned int *columns)
{
	size_t left = strlen(text), n, i;
	char *clean = malloc(4 * left + 1), *to = clean;
	mbstate_t state = { 0 };
	unsigned int used = 0;
	wchar_t c;
	int width;

	if (!clean) {
		fputs("vgpuctl: error: out of memory\n", stderr);
		exit(CTL_FAILED);
	}
	while (left) {
		n = mbrtowc(&c, text, left, &state);
		width = n <= left ? wcwidth(c) : -1;
		/* no character, a part of one, or past the last */
		if (n > left || c > 0x10ffff) {
			width = -1;
			memset(&state, 0, sizeof(state));
			n = 1;
		} else if (!visible && width < 0) {
			width = 0;
		}
		if (width >= 0) {
			memcpy(to, text, n);
			to += n;
			used += (unsigned int)width;
		}
		for (i = 0; width < 0 && i < n; i++) {
			to += sprintf(to, "\\x%02x", (unsigned char)text[i]);
			used += 4;
		}
		text += n;
		left -= n;
	}
	*to = '\0';
	if (columns)
		*columns = used;
	return clean;
}

char *text_visible(const char *text, unsigned int *columns)
{
	return filter(text, true, columns);
}

char *text_utf8(const char *text)
{
	static locale_t utf8;
	locale_t old;
	char *clean;

	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	old = utf8 ? uselocale(utf8) : NULL;
	clean = filter(text, false, NULL);
	if (old)
		uselocale(old);
	return clean;
}
