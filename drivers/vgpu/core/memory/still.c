// SPDX-License-Identifier: GPL-2.0
/*
 * While a vGPU is paused, or saved, no CPU changes or sees its memory, rings or doorbells:
 * mappings are zapped, and whoever touches them waits in the fault until it goes on, or
 * is no more.  Pages of timelines stay: who polls them is not to be stopped by
 * it, and nothing that is read there is the program's to write.
 *
 * Who waits holds no lock, not even the mmap lock, so that other threads of the
 * program map and unmap, and is there for signals: the access is made again after their
 * handlers.  Inside the kernel, where an access for a system call waits, only
 * SIGKILL ends it.  Where a fault may not let go of the mmap lock it waits a moment and is
 * made again.
 *
 * A kernel thread that borrows a program's memory gets an error instead: nobody could
 * kill it, and it may work for others.
 *
 * A VM is no program: a vCPU that waits in a fault does not come when QEMU calls, and QEMU,
 * which waits for it, then answers nobody.  And there has to be a page, or KVM
 * takes the VM for broken; one of nobody would lose what is written.  So a VM's
 * mappings stay, and doorbells do nothing.  Who wants its memory to stand still pauses the
 * VM.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "../core_priv.h"
#include "still.h"

#define MOMENT	(HZ / 10)

void vgpu_still_zap(struct vgpu_instance *inst)
{
	struct address_space *mapping = vgpu_instance_mapping(inst);

	if (inst->flags & VGPU_INSTANCE_MDEV)
		return;
	/* a fault that began before has inserted its page when we get the lock */
	filemap_invalidate_lock(mapping);
	unmap_mapping_range(mapping, 0, 0, 1);
	filemap_invalidate_unlock(mapping);
}

void vgpu_still_begin(struct vgpu_instance *inst)
{
	lockdep_assert_held(&inst->lock);
	WRITE_ONCE(inst->still, true);
	vgpu_still_zap(inst);
	vgpu_shares_still(inst);
}

void vgpu_still_end(struct vgpu_instance *inst)
{
	lockdep_assert_held(&inst->lock);
	WRITE_ONCE(inst->still, false);
	wake_up_all(&inst->thaw);
}

static bool is_over(struct vgpu_instance *inst, const int *dead)
{
	return !vgpu_instance_is_still(inst) || (dead && READ_ONCE(*dead));
}

vm_fault_t vgpu_still_fault(struct vgpu_instance *inst, const int *dead,
			    struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct file *file;

	if (current->flags & PF_KTHREAD)
		return VM_FAULT_SIGBUS;
	if (!fault_flag_allow_retry_first(vmf->flags))
		return wait_event_killable_timeout(inst->thaw,
						   is_over(inst, dead),
						   MOMENT) < 0 ?
		       VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	/* which keeps @inst and @dead */
	file = get_file(vma->vm_file);
	mmap_read_unlock(vma->vm_mm);
	/* what ended the wait is seen to by who made the access */
	if (vmf->flags & FAULT_FLAG_INTERRUPTIBLE)
		wait_event_interruptible(inst->thaw, is_over(inst, dead));
	else
		wait_event_killable(inst->thaw, is_over(inst, dead));
	fput(file);
	return VM_FAULT_RETRY;
}

bool vgpu_client_is_still(struct vgpu_client *client)
{
	return !is_over(client->inst, &client->dead);
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_is_still, VGPU);

vm_fault_t vgpu_client_still_fault(struct vgpu_client *client,
				   struct vm_fault *vmf)
{
	return vgpu_still_fault(client->inst, &client->dead, vmf);
}
EXPORT_SYMBOL_NS_GPL(vgpu_client_still_fault, VGPU);
