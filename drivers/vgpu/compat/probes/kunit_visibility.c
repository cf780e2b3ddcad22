// SPDX-License-Identifier: GPL-2.0
/* <kunit/visibility.h> came in 6.3. */
#include <kunit/visibility.h>
