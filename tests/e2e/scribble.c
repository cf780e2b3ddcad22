// SPDX-License-Identifier: GPL-2.0
/*
 * Run in a guest, under the feet of its driver: by a seed, writes nasty numbers
 * to every register and doorbell of the device and over the memory behind its
 * aperture, rings and programs among it.  The guest's driver may lose its
 * work by it, and nobody else anything; a reboot makes the device as new.
 *
 *	scribble DEVICE SEED SECONDS	(DEVICE: 0000:00:01.0)
 *
 * The admin page's address is only ever set to where the guest has no memory:
 * answers that land on the guest's own kernel are no fault of the device.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/vgpu_hw.h>

#define APERTURE	(1u << 20)	/* of it, from its start */
#define NO_MEMORY	0x80000000u	/* the guest's memory ends before */

static uint64_t state;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t nasty(void)
{
	static const uint32_t list[] = {
		0, 1, 2, 63, 64, 255, 256, 4095, 4096, 0x7fffffff, 0x80000000,
		0xffffffff, 0xfffff000, 1u << 20, (1u << 20) + 1,
	};

	if (random64() & 1)
		return list[random64() % (sizeof(list) / sizeof(*list))];
	return (uint32_t)random64();
}

static volatile uint8_t *map(const char *device, int bar, size_t bytes)
{
	char path[128];
	void *p;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource%d",
		 device, bar);
	fd = open(path, O_RDWR | O_CLOEXEC);
	p = fd < 0 ? MAP_FAILED :
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	return p;
}

static void scribble_register(volatile uint8_t *bar0)
{
	uint32_t at = random64() % (VGPU_REG_END + 32), value = nasty();

	if (random64() % 4) {
		at &= ~3u;
		/* resets are rare, or nothing else would happen */
		if (at == VGPU_REG_CONTROL && random64() % 50)
			return;
		if (at == VGPU_REG_ADMIN_LO)
			value |= NO_MEMORY;
		*(volatile uint32_t *)(bar0 + at) = value;
		(void)*(volatile uint32_t *)(bar0 + at);
		return;
	}
	/* a width that registers do not take */
	bar0[at] = (uint8_t)value;
	(void)bar0[at];
}

int main(int argc, char **argv)
{
	unsigned long steps = 0;
	volatile uint8_t *bar0, *bar2;
	time_t end;

	if (argc != 4) {
		fprintf(stderr, "usage: scribble DEVICE SEED SECONDS\n");
		return 2;
	}
	bar0 = map(argv[1], 0, VGPU_BAR0_SIZE);
	bar2 = map(argv[1], 2, APERTURE);
	state = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull + 1;
	end = time(NULL) + atoi(argv[3]);
	for (; time(NULL) < end; steps++) {
		switch (random64() % 8) {
		case 0:
		case 1:
		case 2:
			scribble_register(bar0);
			break;
		case 3:
			*(volatile uint32_t *)
				(bar0 + VGPU_BAR0_DOORBELLS +
				 random64() % VGPU_DOORBELLS * 16 +
				 random64() % 4 * 4) = nasty();
			break;
		case 4:
			*(volatile uint32_t *)(bar0 + VGPU_REG_KICK) = nasty();
			break;
		default:
			*(volatile uint32_t *)
				(bar2 + random64() % (APERTURE / 4) * 4) =
				nasty();
		}
	}
	printf("scribbled %lu times\n", steps);
	return 0;
}
