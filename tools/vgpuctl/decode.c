// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink attributes to JSON, and back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <netlink/netlink.h>
#include <netlink/attr.h>

#include "decode.h"
#include "text.h"
#include "vgpuctl.h"

static struct json_object *decode_number(const struct attr *a, uint64_t value)
{
	const struct attr_enum *e = a->values;
	struct json_object *array;
	unsigned int i;

	if (!e)
		return json_object_new_uint64(value);
	if (!a->flags) {
		if (value >= e->first && value - e->first < e->count)
			return json_object_new_string(e->names[value - e->first]);
		return json_object_new_uint64(value);
	}
	array = json_object_new_array();
	for (i = 0; i < e->count; i++)
		if (value >> (i + e->first) & 1)
			json_object_array_add(array,
					      json_object_new_string(e->names[i]));
	return array;
}

/* What a program calls itself may be no text, and JSON is. */
static struct json_object *decode_string(const char *data, size_t room)
{
	char *text = strndup(data, room), *clean;
	struct json_object *obj;

	if (!text)
		return NULL;
	clean = text_utf8(text);
	obj = json_object_new_string(clean);
	free(clean);
	free(text);
	return obj;
}

static struct json_object *decode_one(const struct attr *a, struct nlattr *nla)
{
	char text[37];

	switch (a->kind) {
	case ATTR_U32:
		if (nla_len(nla) < 4)
			return NULL;
		return decode_number(a, nla_get_u32(nla));
	case ATTR_U64:
		if (nla_len(nla) < 8)
			return NULL;
		return decode_number(a, nla_get_u64(nla));
	case ATTR_S32:
		if (nla_len(nla) < 4)
			return NULL;
		return json_object_new_int(nla_get_s32(nla));
	case ATTR_STRING:
		return decode_string(nla_data(nla), (size_t)nla_len(nla));
	case ATTR_FLAG:
		return json_object_new_boolean(true);
	case ATTR_NEST:
		return decode(a->nested, nla_data(nla), nla_len(nla));
	case ATTR_UUID:
		if (nla_len(nla) < 16)
			return NULL;
		format_uuid(nla_data(nla), text);
		return json_object_new_string(text);
	}
	return NULL;
}

const struct attr *attr_by_id(const struct attr_set *set, int type)
{
	const struct attr *a;

	for (a = set->attrs; a->name; a++)
		if (a->id == type)
			return a;
	return NULL;
}

struct json_object *decode(const struct attr_set *set, struct nlattr *attrs,
			   int len)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *value, *array;
	const struct attr *a;
	struct nlattr *nla;
	int rem;

	nla_for_each_attr(nla, attrs, len, rem) {
		a = attr_by_id(set, nla_type(nla));
		if (!a)
			continue;
		value = decode_one(a, nla);
		if (!value)
			continue;
		if (!a->multi) {
			json_object_object_add(obj, a->name, value);
			continue;
		}
		if (!json_object_object_get_ex(obj, a->name, &array)) {
			array = json_object_new_array();
			json_object_object_add(obj, a->name, array);
		}
		json_object_array_add(array, value);
	}
	return obj;
}

/* The value that @name names, or a number beyond all names. */
static uint64_t enum_value(const struct attr_enum *e, const char *name)
{
	unsigned int i;

	for (i = 0; i < e->count; i++)
		if (e->names[i] && !strcmp(e->names[i], name))
			return e->first + i;
	return UINT64_MAX;
}

static int number_of(const struct attr *a, struct json_object *value, uint64_t *n)
{
	uint64_t bit;
	size_t i;

	*n = 0;
	if (a->flags) {
		if (!json_object_is_type(value, json_type_array))
			return -1;
		for (i = 0; i < json_object_array_length(value); i++) {
			bit = enum_value(a->values,
					 json_object_get_string(json_object_array_get_idx(value, i)) ?: "");
			if (bit > 63)
				return -1;
			*n |= 1ull << bit;
		}
		return 0;
	}
	if (a->values && json_object_is_type(value, json_type_string)) {
		*n = enum_value(a->values, json_object_get_string(value));
		return *n == UINT64_MAX ? -1 : 0;
	}
	/* no number below 0 is taken for a large one */
	if (!json_object_is_type(value, json_type_int) ||
	    (json_object_get_int64(value) < 0))
		return -1;
	*n = json_object_get_uint64(value);
	return 0;
}

int encode(struct nl_msg *msg, const struct attr *a, struct json_object *value)
{
	uint8_t uuid[16];
	uint64_t n;

	switch (a->kind) {
	case ATTR_U32:
		if (number_of(a, value, &n) || n > UINT32_MAX)
			return -1;
		return nla_put_u32(msg, a->id, (uint32_t)n);
	case ATTR_U64:
		if (number_of(a, value, &n))
			return -1;
		return nla_put_u64(msg, a->id, n);
	case ATTR_STRING:
		if (!json_object_is_type(value, json_type_string))
			return -1;
		return nla_put_string(msg, a->id, json_object_get_string(value));
	case ATTR_UUID:
		if (!json_object_is_type(value, json_type_string) ||
		    parse_uuid(json_object_get_string(value), uuid))
			return -1;
		return nla_put(msg, a->id, sizeof(uuid), uuid);
	default:
		return -1;
	}
}
