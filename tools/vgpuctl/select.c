// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl gpu select: in which mode which GPU would be shared, and why.
 *
 * Each GPU and accelerator is a candidate for passthrough (all of it, for one VM)
 * and for mediated devices (a part of it, for each VM), and the software GPU is one
 * for what remains. A candidate is never taken from anybody: what a driver of the
 * host uses, or shares an IOMMU group with what the host uses, does not fit. What
 * cannot be read does not fit either: half of what is known is no ground to unplug
 * something.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "data.h"
#include "pci.h"
#include "scan.h"
#include "table.h"

enum mode { PASSTHROUGH, MDEV, SOFT, MODES };

static const char *const mode_names[MODES] = { "passthrough", "mdev", "soft" };

struct candidate {
	enum mode mode;
	struct json_object *dev;	/* NULL: a software GPU that is yet to come */
	bool fits;
	uint64_t rank[2];		/* among those that fit, the higher the better */
	char why[512];
	char next[512];			/* what to do, "" when it does not fit */
};

/* Modes in the order of their preference. */
struct wish {
	enum mode order[MODES];
	unsigned int count;		/* the others are not asked for */
};

__attribute__((format(printf, 2, 3)))
static void refuse(struct candidate *c, const char *fmt, ...)
{
	va_list ap;

	c->fits = false;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3)))
static void accept_it(struct candidate *c, const char *fmt, ...)
{
	va_list ap;

	c->fits = true;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

static struct json_object *list_of(struct json_object *obj, const char *key)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(obj, key, &list);
	return list;
}

static bool is_soft(struct json_object *dev)
{
	return !strcmp(json_str(dev, "driver"), "vgpu_soft");
}

/* ---- passthrough ---------------------------------------------------------------- */

/* What VFIO takes for harmless in a group: bridges, what is nobody's, and its own. */
static bool harmless(struct json_object *other)
{
	const char *driver = json_str(other, "driver");

	if (json_has(other, "unreadable") || !json_has(other, "class"))
		return false;
	return !strncmp(json_str(other, "class"), "0x06", 4) || !*driver ||
	       !strncmp(driver, "vfio-", 5) || !strcmp(driver, "pci-stub");
}

/* Somebody in its group whom handing it over would hurt, or NULL. */
static struct json_object *neighbour(struct json_object *dev)
{
	struct json_object *others = list_of(dev, "iommu_group_others"), *one;
	size_t i;

	for (i = 0; others && i < json_object_array_length(others); i++) {
		one = json_object_array_get_idx(others, i);
		if (!harmless(one))
			return one;
	}
	return NULL;
}

static void judge_passthrough(struct candidate *c)
{
	const char *driver = json_str(c->dev, "driver"), *its;
	const char *address = json_str(c->dev, "address");
	struct json_object *other;

	if (json_has(c->dev, "vgpu"))
		return refuse(c, "vgpu shares it among many");
	if (json_flag(c->dev, "unreadable", "driver"))
		return refuse(c, "whether somebody uses it cannot be told: its driver cannot be read");
	if (json_flag(c->dev, "unreadable", "iommu_group"))
		return refuse(c, "who is in its IOMMU group cannot be read");
	if (!json_has(c->dev, "iommu_group"))
		return refuse(c, "it has no IOMMU group: nothing would keep a VM's DMA in bounds (is the IOMMU switched on, in the firmware and by intel_iommu=on?)");
	if (*driver && strncmp(driver, "vfio-", 5))
		return refuse(c, "the host uses it, by driver %s", driver);
	if (!*driver && json_object_get_boolean(list_of(c->dev, "boot_vga")))
		return refuse(c, "the console is on it");
	other = neighbour(c->dev);
	if (other) {
		its = json_str(other, "driver");
		return refuse(c, "%s%s%s is in its IOMMU group %" PRIu64
			      ": it would have to go with it",
			      json_str(other, "address"), *its ? ", driver " : "",
			      its, json_u64(c->dev, "iommu_group"));
	}
	c->rank[0] = *driver != 0;
	c->rank[1] = json_u64(c->dev, "vram_bytes");
	if (*driver) {
		accept_it(c, "it is bound to %s, and nobody of the host is in its IOMMU group %" PRIu64,
			  driver, json_u64(c->dev, "iommu_group"));
		snprintf(c->next, sizeof(c->next),
			 "qemu-system-x86_64 … -device vfio-pci,host=%s", address);
	} else {
		accept_it(c, "no driver uses it, and nobody of the host is in its IOMMU group %" PRIu64,
			  json_u64(c->dev, "iommu_group"));
		snprintf(c->next, sizeof(c->next),
			 "echo vfio-pci >/sys/bus/pci/devices/%s/driver_override; echo %s >/sys/bus/pci/drivers_probe",
			 address, address);
	}
}

/* ---- mediated devices -------------------------------------------------------------- */

/* Is it fit for a command line that people copy? */
static bool is_word(const char *text)
{
	return *text && *text != '-' &&
	       !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-")];
}

/* How many more fit of the type of which most do, @any. */
static uint64_t room(struct json_object *dev, struct json_object **any)
{
	struct json_object *types = list_of(dev, "mdev_types"), *one;
	uint64_t most = 0, left;
	size_t i;

	*any = NULL;
	for (i = 0; types && i < json_object_array_length(types); i++) {
		one = json_object_array_get_idx(types, i);
		left = json_u64(one, "available");
		if (!left || !is_word(json_str(one, "type")) ||
		    strcmp(json_str(one, "device_api"), "vfio-pci"))
			continue;
		/* types exclude each other: sums would say nothing */
		if (left > most) {
			most = left;
			*any = one;
		}
	}
	return most;
}

static void judge_mdev(struct candidate *c)
{
	struct json_object *types = list_of(c->dev, "mdev_types"), *type;
	uint64_t most;

	if (is_soft(c->dev))
		return refuse(c, "it is software: that is mode soft");
	if (!types || !json_object_array_length(types))
		return refuse(c, json_flag(c->dev, "unreadable", "mdev_supported_types") ?
			      "its types of mediated devices cannot be read" :
			      "its driver makes no mediated devices");
	most = room(c->dev, &type);
	if (!most)
		return refuse(c, json_flag(c->dev, "unreadable", "available_instances") ?
			      "whether it has room for one more cannot be read" :
			      "it has no room for one more of any type");
	c->rank[0] = most;
	c->rank[1] = json_u64(c->dev, "vram_bytes");
	accept_it(c, "it has room for %" PRIu64 " more of type %s", most,
		  json_str(type, "type"));
	snprintf(c->next, sizeof(c->next),
		 "mdevctl start -u $(uuidgen) -p %s -t %s",
		 json_str(c->dev, "address"), json_str(type, "type"));
}

/* ---- software ------------------------------------------------------------------------ */

static void judge_soft(struct candidate *c)
{
	struct json_object *types, *type;
	uint64_t most;

	if (!c->dev) {
		accept_it(c, "it needs no GPU, only a module");
		snprintf(c->next, sizeof(c->next), "modprobe vgpu_soft");
		return;
	}
	types = list_of(c->dev, "mdev_types");
	most = room(c->dev, &type);
	if (types && json_object_array_length(types) && !most)
		return refuse(c, "it has no room for one more vGPU of any type");
	/* without vgpu_vfio there are no types to see, and that is fine */
	c->rank[0] = most;
	accept_it(c, "vgpu's software GPU is there, and has room");
	snprintf(c->next, sizeof(c->next), "vgpuctl type list");
}

/* ---- choosing ---------------------------------------------------------------------------- */

struct choice {
	struct candidate *list;
	size_t count;
	struct candidate *best;		/* NULL: none fits */
};

static int add(struct choice *all, enum mode mode, struct json_object *dev)
{
	static void (*const judge[MODES])(struct candidate *c) = {
		[PASSTHROUGH] = judge_passthrough,
		[MDEV] = judge_mdev,
		[SOFT] = judge_soft,
	};
	struct candidate *list;

	list = realloc(all->list, (all->count + 1) * sizeof(*list));
	if (!list)
		return fail(CTL_FAILED, ENOMEM, NULL, "out of memory");
	all->list = list;
	list += all->count++;
	memset(list, 0, sizeof(*list));
	list->mode = mode;
	list->dev = dev;
	judge[mode](list);
	return CTL_OK;
}

static int add_all(struct choice *all, struct json_object *devices)
{
	struct json_object *dev;
	bool soft = false;
	int code = CTL_OK;
	size_t i;

	for (i = 0; !code && i < json_object_array_length(devices); i++) {
		dev = json_object_array_get_idx(devices, i);
		if (strcmp(json_str(dev, "kind"), "gpu") &&
		    strcmp(json_str(dev, "kind"), "accelerator"))
			continue;
		code = add(all, PASSTHROUGH, dev);
		code = code ? code : add(all, MDEV, dev);
		if (is_soft(dev)) {
			soft = true;
			code = code ? code : add(all, SOFT, dev);
		}
	}
	return code || soft ? code : add(all, SOFT, NULL);
}

/* Place of a mode in the wish; @count when it is not asked for. */
static unsigned int place(const struct wish *wish, enum mode mode)
{
	unsigned int i;

	for (i = 0; i < wish->count && wish->order[i] != mode; i++)
		;
	return i;
}

/* The first of the best: addresses are in order, so the lower one stays. */
static bool better(const struct wish *wish, const struct candidate *a,
		   const struct candidate *b)
{
	unsigned int x = place(wish, a->mode), y = place(wish, b->mode);

	if (x != y)
		return x < y;
	if (a->rank[0] != b->rank[0])
		return a->rank[0] > b->rank[0];
	return a->rank[1] > b->rank[1];
}

static const char *name_of(const struct candidate *c)
{
	return c->dev ? json_str(c->dev, "address") : "vgpu_soft";
}

/* Why one that fits is not the one. */
static void explain(const struct wish *wish, struct candidate *c,
		    const struct candidate *best)
{
	if (place(wish, c->mode) == wish->count)
		return refuse(c, "mode %s is not asked for", mode_names[c->mode]);
	if (!c->fits || !best)
		return;
	if (c->mode != best->mode)
		return refuse(c, "it would do, but %s is preferred to %s",
			      mode_names[best->mode], mode_names[c->mode]);
	if (c->rank[0] == best->rank[0] && c->rank[1] == best->rank[1])
		return refuse(c, "it would do as well; %s comes first",
			      name_of(best));
	if (c->rank[0] == best->rank[0])
		return refuse(c, "it would do, but %s has more memory",
			      name_of(best));
	if (c->mode == PASSTHROUGH)
		return refuse(c, "it would do, but %s is bound to VFIO already",
			      name_of(best));
	refuse(c, "it would do, but %s has more room", name_of(best));
}

static void choose(struct choice *all, const struct wish *wish)
{
	struct candidate *c;
	size_t i;

	for (i = 0; i < all->count; i++) {
		c = &all->list[i];
		if (c->fits && place(wish, c->mode) < wish->count &&
		    (!all->best || better(wish, c, all->best)))
			all->best = c;
	}
	for (i = 0; i < all->count; i++)
		if (&all->list[i] != all->best)
			explain(wish, &all->list[i], all->best);
}

/* ---- the wish ------------------------------------------------------------------------------ */

static bool take_mode(struct wish *wish, const char *word, size_t len)
{
	unsigned int i;

	for (i = 0; i < MODES; i++)
		if (strlen(mode_names[i]) == len &&
		    !strncmp(mode_names[i], word, len))
			break;
	if (i == MODES)
		return false;
	if (place(wish, i) == wish->count)
		wish->order[wish->count++] = i;
	return true;
}

static int read_wish(struct args *args, struct wish *wish)
{
	const char *mode = arg_option(args, "mode");
	const char *prefer = arg_option(args, "prefer"), *p;
	bool fixed = arg_option(args, "no-fallback");
	unsigned int i;
	size_t len;

	if (mode && strcmp(mode, "auto")) {
		if (prefer)
			return usage_error(args->command,
					   "--prefer is for --mode auto: %s alone was asked for",
					   mode);
		if (!take_mode(wish, mode, strlen(mode)))
			return usage_error(args->command,
					   "--mode '%s': give auto, passthrough, mdev or soft",
					   mode);
		return CTL_OK;
	}
	if (fixed && !prefer)
		return usage_error(args->command,
				   "--no-fallback needs --prefer: from what?");
	for (p = prefer; p; p = p[len] ? p + len + 1 : NULL) {
		len = strcspn(p, ",");
		if (!take_mode(wish, p, len))
			return usage_error(args->command,
					   "--prefer '%s': give passthrough, mdev or soft, or several with commas",
					   prefer);
	}
	for (i = 0; !fixed && i < MODES; i++)
		take_mode(wish, mode_names[i], strlen(mode_names[i]));
	return CTL_OK;
}

/* ---- printing ----------------------------------------------------------------------------------- */

static void add_text(struct json_object *obj, const char *key, const char *text)
{
	json_object_object_add(obj, key, json_object_new_string(text));
}

static struct json_object *candidate_json(const struct candidate *c)
{
	struct json_object *obj = json_object_new_object();
	char name[DEVICE_NAME];

	add_text(obj, "mode", mode_names[c->mode]);
	if (c->dev) {
		add_text(obj, "address", json_str(c->dev, "address"));
		add_text(obj, "name", device_name(name, c->dev));
	}
	add_text(obj, "why", c->why);
	return obj;
}

static struct json_object *choice_json(const struct choice *all,
				       const struct wish *wish)
{
	struct json_object *obj = json_new(), *list = json_object_new_array();
	struct json_object *best = NULL;
	size_t i;

	for (i = 0; i < wish->count; i++)
		json_object_array_add(list,
				      json_object_new_string(mode_names[wish->order[i]]));
	json_object_object_add(obj, "order", list);
	if (all->best) {
		best = candidate_json(all->best);
		add_text(best, "next", all->best->next);
		json_object_object_add(best, "fallback",
				       json_object_new_boolean(all->best->mode !=
							       wish->order[0]));
	}
	json_object_object_add(obj, "chosen", best);
	list = json_object_new_array();
	for (i = 0; i < all->count; i++)
		if (&all->list[i] != all->best)
			json_object_array_add(list, candidate_json(&all->list[i]));
	json_object_object_add(obj, "rejected", list);
	return obj;
}

static void print_choice(const struct choice *all)
{
	const struct candidate *c = all->best;
	char name[DEVICE_NAME];
	struct table *t;
	size_t i;

	if (c) {
		printf("%s%s%s", color_on(COLOR_GREEN), mode_names[c->mode],
		       color_off());
		if (c->dev)
			printf("  %s%s%s  %s", color_on(COLOR_BOLD),
			       json_str(c->dev, "address"), color_off(),
			       device_name(name, c->dev));
		printf("\n  why   %s\n  next  %s%s%s\n", c->why,
		       color_on(COLOR_CYAN), c->next, color_off());
	}
	if (c && all->count == 1)
		return;
	printf("%sNot chosen%s\n", color_on(COLOR_BOLD), color_off());
	t = table_new(terminal_width());
	table_column(t, "MODE", false, 0);
	table_column(t, "ADDRESS", false, 0);
	table_column(t, "WHY", false, 0);
	for (i = 0; i < all->count; i++) {
		if (&all->list[i] == c)
			continue;
		table_row(t);
		table_cell(t, COLOR_NONE, "%s", mode_names[all->list[i].mode]);
		table_cell(t, COLOR_NONE, "%s", all->list[i].dev ?
			   json_str(all->list[i].dev, "address") : "-");
		table_cell(t, COLOR_NONE, "%s", all->list[i].why);
	}
	table_print(t, stdout, 2);
}

int cmd_gpu_select(struct args *args)
{
	struct choice all = { NULL };
	struct wish wish = { .count = 0 };
	struct json_object *found;
	int code = read_wish(args, &wish);

	code = code ? code : take_root(args);
	code = code ? code : pci_scan(&found);
	if (code)
		return code;
	code = add_all(&all, list_of(found, "devices"));
	if (!code) {
		choose(&all, &wish);
		if (!json_output)
			print_choice(&all);
		if (!all.best)
			code = fail_in(json_output ? choice_json(&all, &wish) : NULL,
				       CTL_DEVICE, ENODEV,
				       wish.count < MODES ? "see `vgpuctl gpu scan`, or allow other modes" :
							    "see `vgpuctl gpu scan`",
				       "no GPU fits what was asked for");
		else if (json_output)
			code = print_json(choice_json(&all, &wish));
	}
	free(all.list);
	json_object_put(found);
	return code;
}
