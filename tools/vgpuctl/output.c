// SPDX-License-Identifier: GPL-2.0
/*
 * JSON, out and in.
 */
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "vgpuctl.h"

struct json_object *json_new(void)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "schema", json_object_new_int(JSON_SCHEMA));
	return obj;
}

int print_json(struct json_object *obj)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (json_pretty)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	puts(json_object_to_json_string_ext(obj, flags));
	fflush(stdout);
	json_object_put(obj);
	return CTL_OK;
}

uint64_t json_u64(struct json_object *obj, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(obj, key, &v))
		return 0;
	return json_object_get_uint64(v);
}

const char *json_str(struct json_object *obj, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(obj, key, &v) || !v)
		return "";
	return json_object_get_string(v);
}

bool json_has(struct json_object *obj, const char *key)
{
	return json_object_object_get_ex(obj, key, NULL);
}

bool json_flag(struct json_object *obj, const char *key, const char *flag)
{
	struct json_object *v;
	size_t i;

	if (!json_object_object_get_ex(obj, key, &v) ||
	    !json_object_is_type(v, json_type_array))
		return false;
	for (i = 0; i < json_object_array_length(v); i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(v, i)),
			    flag))
			return true;
	return false;
}
