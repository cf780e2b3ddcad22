// SPDX-License-Identifier: GPL-2.0
/*
 * "Name: value" lists for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "show.h"
#include "table.h"
#include "text.h"
#include "vgpuctl.h"

static void show_list(struct json_object *array)
{
	size_t i, n = json_object_array_length(array);

	for (i = 0; i < n; i++)
		printf("%s%s", i ? ", " : "",
		       json_object_get_string(json_object_array_get_idx(array, i)));
	putchar('\n');
}

static void show_value(struct json_object *value, enum show_kind kind)
{
	uint64_t n = json_object_get_uint64(value);
	char buf[FORMAT_SIZE], *text;

	switch (kind) {
	case SHOW_TEXT:
		text = text_visible(json_object_get_string(value), NULL);
		puts(text);
		free(text);
		break;
	case SHOW_NUMBER:
		printf("%" PRIu64 "\n", n);
		break;
	case SHOW_BYTES:
		puts(format_bytes(buf, n));
		break;
	case SHOW_NS:
		puts(format_ns(buf, n));
		break;
	case SHOW_PERMILLE:
		puts(format_permille(buf, n));
		break;
	case SHOW_LIST:
		show_list(value);
		break;
	case SHOW_MBPS:
		if (n)
			printf("%" PRIu64 " MB/s\n", n);
		else
			puts("no limit");
		break;
	}
}

void show_fields(struct json_object *obj, const struct show_field *f)
{
	struct json_object *value;

	for (; f->key; f++) {
		if (!json_object_object_get_ex(obj, f->key, &value))
			continue;
		if (f->kind == SHOW_TEXT && !*json_object_get_string(value))
			continue;
		printf("  %-22s ", f->label);
		show_value(value, f->kind);
	}
}
