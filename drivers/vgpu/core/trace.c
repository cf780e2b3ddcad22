// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints' code; everybody else includes trace.h alone. It is made from
 * trace.h, by being read several times.
 */

#define CREATE_TRACE_POINTS
#include "trace.h"
