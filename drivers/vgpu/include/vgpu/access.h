/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who may open which vGPU, and when: a list of rules, of which the first that
 * fits decides.  Without rules the nodes' permissions alone count; with some, who
 * fits none is refused.
 *
 * Asked when a vGPU is opened, by its node or by a VM, on behalf of who opens it;
 * and again whenever rules change or a window of time may have ended.  Who may not
 * any more is cut off: all that the open file had is taken from it, and it answers
 * -EACCES for good.  A descriptor that was passed on lives and ends with the rights
 * of who opened it.
 */
#ifndef _VGPU_ACCESS_H
#define _VGPU_ACCESS_H

#include <linux/types.h>
#include <linux/uuid.h>

struct cgroup;
struct cred;

#define VGPU_ACCESS_RULES	64	/* at most */
#define VGPU_ACCESS_END		U32_MAX	/* behind the last; or: all */
#define VGPU_DAY_MINUTES	1440
#define VGPU_ACCESS_DAYS	0x7f

enum vgpu_access_who {
	VGPU_ACCESS_ANY,
	VGPU_ACCESS_UID,
	VGPU_ACCESS_GID,
	VGPU_ACCESS_CGROUP,
	VGPU_ACCESS_WHOS
};

/**
 * struct vgpu_access_rule - whom it is about, and what it says
 * @allow: that they may; else that they may not
 * @who: enum vgpu_access_who
 * @days: bit 0 is Monday; on which @from is
 * @from: minute of the day, UTC, from which on
 * @to: and until which; the same: all day long; less: of the next day
 * @id: UID: of a user, GID: of a group, any of the opener's, both as the host sees
 *	them; CGROUP: of a control group (v2), and those below it
 * @gpus: a bit for each GPU by its index
 * @vgpu: or null: any
 */
struct vgpu_access_rule {
	bool allow;
	u8 who;
	u8 days;
	u16 from;
	u16 to;
	u64 id;
	u64 gpus;
	uuid_t vgpu;
};

/**
 * struct vgpu_asker - who asks for what, and when
 * @cred: of who opened
 * @cgroup: in which it was, or NULL without control groups
 * @gpu: index
 * @vgpu: which
 * @minute: of the week, from Monday 0:00 UTC
 */
struct vgpu_asker {
	const struct cred *cred;
	const struct cgroup *cgroup;
	u32 gpu;
	uuid_t vgpu;
	u32 minute;
};

/* Pure. Does @rule speak of @asker? */
bool vgpu_rule_fits(const struct vgpu_access_rule *rule,
		    const struct vgpu_asker *asker);
/* Pure. 0, or -EINVAL for what makes no sense. */
int vgpu_rule_check(const struct vgpu_access_rule *rule);

/*
 * Process context; may wait for engines, in bounded time.  @cut: how many clients
 * were cut off; with @dry_run they would be, and nothing changes.
 *
 * Inserts @rule before the one at @at. -EINVAL, -ERANGE no such place, -ENOSPC,
 * -ENOMEM.
 */
int vgpu_access_add(u32 at, const struct vgpu_access_rule *rule, bool dry_run,
		    u32 *cut);
/* -ENOENT: none at @at. */
int vgpu_access_delete(u32 at, bool dry_run, u32 *cut);
/* The rule at @at, and how often it decided; -ENOENT. Figures are never less than were. */
int vgpu_access_get(u32 at, struct vgpu_access_rule *rule, u64 *hits);
/* How many of those who opened fitted no rule. */
u64 vgpu_access_strangers(void);

#endif /* _VGPU_ACCESS_H */
