/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VGPUCTL_UNIT_H
#define VGPUCTL_UNIT_H

#include <stdbool.h>

void ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Of golden files, and what is made up. */
extern const char *folder;
char *read_all(const char *path);
/* Runs @print with stdout in a file, and compares that with the golden one. */
void golden(const char *name, const char *columns, void (*print)(void));

/* unit_tables.c */
void test_tables(void);
/* The arithmetic of top. */
void test_sample(void);

#endif /* VGPUCTL_UNIT_H */
