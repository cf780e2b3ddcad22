// SPDX-License-Identifier: GPL-2.0
/*
 * --help, from the table.
 */
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "vgpuctl.h"

void help_synopsis(const struct command *cmd, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s%s%s%s", cmd->noun, cmd->verb ? " " : "",
		 cmd->verb ? cmd->verb : "",
		 cmd->options || cmd->raw ? " [OPTIONS]" : "",
		 cmd->args[0] ? " " : "", cmd->args);
}

/* Wraps at the terminal's width, 80 where there is none. */
static void print_wrapped(const char *text, unsigned int indent)
{
	unsigned int width = terminal_width(), column = indent;
	size_t len;

	if (!width || width > 100)
		width = 80;
	printf("%*s", (int)indent, "");
	while (*text) {
		len = strcspn(text, " ");
		if (column > indent && column + len >= width) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)len, text);
		column += (unsigned int)len;
		text += len;
		while (*text == ' ')
			text++;
	}
	putchar('\n');
}

static void print_options(const struct option_desc *o)
{
	char left[64], letter[8];

	for (; o && o->name; o++) {
		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		else
			snprintf(letter, sizeof(letter), "    ");
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name,
			 o->metavar ? " " : "", o->metavar ? o->metavar : "");
		printf("  %-26s ", left);
		if (strlen(left) > 26)
			printf("\n  %-26s ", "");
		puts(o->help);
	}
}

static void print_examples(const struct command *cmd)
{
	const struct example *e;

	for (e = cmd->examples; e && e->line; e++)
		printf("  %s%s%s\n      %s\n", color_on(COLOR_CYAN), e->line,
		       color_off(), e->says);
}

void help_command(const struct command *cmd)
{
	char synopsis[128];

	if (cmd->raw) {
		fputs(cmd_run_help, stdout);
		return;
	}
	help_synopsis(cmd, synopsis, sizeof(synopsis));
	printf("Usage: vgpuctl %s\n\n", synopsis);
	printf("%s%s%s\n", color_on(COLOR_BOLD), cmd->help, color_off());
	if (cmd->more) {
		putchar('\n');
		print_wrapped(cmd->more, 0);
	}
	if (cmd->arg == ARG_VGPU)
		puts("\nA VGPU is a number (3 or v3) or a UUID.");
	if (cmd->arg == ARG_GPU)
		puts("\nA GPU is a number (0 or gpu0).");
	if (cmd->options) {
		puts("\nOptions:");
		print_options(cmd->options);
	}
	puts("\nOptions of all commands:");
	print_options(global_options);
	puts("\nExamples:");
	print_examples(cmd);
}

void help_noun(const char *noun)
{
	const struct command *c;
	char synopsis[128];

	printf("Usage: vgpuctl %s VERB …\n\n", noun);
	for (c = commands; c->noun; c++) {
		if (strcmp(c->noun, noun))
			continue;
		help_synopsis(c, synopsis, sizeof(synopsis));
		printf("  %-36s %s\n", synopsis, c->help);
	}
	puts("\nExamples:");
	for (c = commands; c->noun; c++)
		if (!strcmp(c->noun, noun))
			print_examples(c);
}

void help_overview(void)
{
	const struct command *c;
	char synopsis[128];

	puts("Usage: vgpuctl [OPTIONS] COMMAND …\n\n"
	     "Manages and watches virtual GPUs (vGPUs).\n\nCommands:");
	for (c = commands; c->noun; c++) {
		help_synopsis(c, synopsis, sizeof(synopsis));
		printf("  %-36s %s\n", synopsis, c->help);
	}
	puts("\nOptions:");
	print_options(global_options);
	puts("\nA first round, as root:\n"
	     "  vgpuctl type list                             what can be made\n"
	     "  vgpuctl vgpu create --type 1g.32m --start     make one\n"
	     "  vgpuctl run --vgpu v0 --verify saxpy          compute on it\n"
	     "  vgpuctl top                                   watch\n\n"
	     "`vgpuctl COMMAND --help` and vgpuctl(8) say more.");
}

int cmd_help(struct args *args)
{
	const char *format = arg_option(args, "format");
	const struct command *cmd;

	if (format && strcmp(format, "text")) {
		if (!strcmp(format, "man"))
			return docs_man();
		if (!strcmp(format, "bash"))
			return docs_bash();
		if (!strcmp(format, "json"))
			return docs_json();
		return usage_error(args->command,
				   "--format: give text, man, bash or json, not %s",
				   format);
	}
	if (json_output)
		return docs_json();
	if (!args->argc) {
		help_overview();
		return CTL_OK;
	}
	cmd = command_find(args->argv[0], args->argc > 1 ? args->argv[1] : NULL);
	if (cmd)
		help_command(cmd);
	else if (args->argc == 1 && command_is_noun(args->argv[0]))
		help_noun(args->argv[0]);
	else
		return usage_error(NULL, "there is no command '%s%s%s'",
				   args->argv[0], args->argc > 1 ? " " : "",
				   args->argc > 1 ? args->argv[1] : "");
	return CTL_OK;
}
