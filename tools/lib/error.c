// SPDX-License-Identifier: GPL-2.0
/* The sentence beside the errno, one for each thread. */
#include <stdarg.h>
#include <stdio.h>

#include "priv.h"

static _Thread_local char sentence[512];

const char *vgpu_error(void)
{
	return sentence;
}

int vgpu_fail(int error, const char *format, ...)
{
	char text[sizeof(sentence)];
	va_list args;

	/* Not in place: an argument may be the former sentence. */
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(sentence, sizeof(sentence), "%s", text);
	return error;
}
