/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text that somebody else chose, such as the name of a tenant's program: it may be in
 * any script, or be no text at all, or be meant for the terminal.
 */
#ifndef VGPUCTL_TEXT_H
#define VGPUCTL_TEXT_H

/*
 * @text as the terminal may have it: what controls it, or is no character of the
 * locale, is shown as \xNN.  @columns: that it takes, or NULL.  To be freed.
 */
char *text_visible(const char *text, unsigned int *columns);
/* @text as UTF-8: other bytes as \xNN, the rest as it is.  To be freed. */
char *text_utf8(const char *text);

#endif /* VGPUCTL_TEXT_H */
