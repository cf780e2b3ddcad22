// SPDX-License-Identifier: GPL-2.0
/*
 * vgpuctl: manages and watches virtual GPUs.
 *
 * The table in commands.c says what there is; this file finds the line of the
 * table that was meant, reads its options, and calls it.
 */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vgpuctl.h"

bool json_output;
bool json_pretty;
bool color_output;

/* 1: it was one of the options that all commands have */
static int global_option(const char *name, const char *value)
{
	if (!strcmp(name, "json")) {
		json_output = true;
	} else if (!strcmp(name, "pretty")) {
		json_output = true;
		json_pretty = true;
	} else if (!strcmp(name, "color")) {
		if (!strcmp(value, "always"))
			color_output = true;
		else if (!strcmp(value, "never"))
			color_output = false;
		else if (strcmp(value, "auto"))
			return -1;
	} else {
		return 0;
	}
	return 1;
}

/* getopt's view of the global options and of a command's own */
struct parser {
	struct option names[2 * MAX_OPTIONS + 1];
	const struct option_desc *descs[2 * MAX_OPTIONS];
	int index[2 * MAX_OPTIONS];	/* in the command's table, or -1 */
	char letters[4 * MAX_OPTIONS];
	int count;
};

static void parser_add(struct parser *p, const struct option_desc *d, int index)
{
	size_t len = strlen(p->letters);

	p->names[p->count].name = d->name;
	p->names[p->count].has_arg = d->metavar ? required_argument :
						  no_argument;
	p->names[p->count].flag = NULL;
	p->names[p->count].val = 0;
	p->descs[p->count] = d;
	p->index[p->count] = index;
	if (d->letter)
		snprintf(p->letters + len, sizeof(p->letters) - len, "%c%s",
			 d->letter, d->metavar ? ":" : "");
	p->count++;
}

static void parser_init(struct parser *p, const struct command *cmd)
{
	const struct option_desc *d;
	int i;

	memset(p, 0, sizeof(*p));
	/* say ':' for a missing value; '+' stops at the noun */
	strcpy(p->letters, cmd ? ":" : "+:");
	for (d = global_options; d->name; d++)
		parser_add(p, d, -1);
	for (i = 0; cmd && cmd->options && cmd->options[i].name; i++)
		parser_add(p, &cmd->options[i], i);
}

/* Index in the parser, -1 at the end, -2 after an error was printed. */
static int parser_next(struct parser *p, const struct command *cmd, int argc,
		       char **argv)
{
	int at = -1, c, i;

	opterr = 0;
	c = getopt_long(argc, argv, p->letters, p->names, &at);
	if (c == -1)
		return -1;
	if (c == ':') {
		usage_error(cmd, "%s needs a value", argv[optind - 1]);
		return -2;
	}
	if (c == '?') {
		if (optopt)
			usage_error(cmd, "unknown option -%c", optopt);
		else
			usage_error(cmd, "unknown option %s", argv[optind - 1]);
		return -2;
	}
	if (c == 0)
		return at;
	for (i = 0; i < p->count; i++)
		if (p->descs[i]->letter == c)
			return i;
	return -2;
}

/* -1: go on; else the exit code to stop with */
static int take_global(struct parser *p, int at, const struct command *cmd)
{
	const char *name = p->descs[at]->name;

	if (!strcmp(name, "help")) {
		if (cmd)
			help_command(cmd);
		else
			help_overview();
		return CTL_OK;
	}
	if (!strcmp(name, "version")) {
		puts("vgpuctl " VGPUCTL_VERSION);
		return CTL_OK;
	}
	if (global_option(name, optarg) < 0)
		return usage_error(cmd, "--%s: give auto, always or never, not %s",
				   name, optarg);
	return -1;
}

static int run_command(const struct command *cmd, int argc, char **argv)
{
	struct args args = { .command = cmd };
	struct parser p;
	int at, code;

	parser_init(&p, cmd);
	optind = 0;
	while ((at = parser_next(&p, cmd, argc, argv)) != -1) {
		if (at == -2)
			return CTL_USAGE;
		if (p.index[at] < 0) {
			code = take_global(&p, at, cmd);
			if (code >= 0)
				return code;
		} else {
			args.values[p.index[at]] = optarg ? optarg : "";
		}
	}
	args.argv = argv + optind;
	args.argc = argc - optind;
	if (args.argc < (int)cmd->min)
		return usage_error(cmd, "%s%s%s needs %s", cmd->noun,
				   cmd->verb ? " " : "",
				   cmd->verb ? cmd->verb : "", cmd->args);
	if (args.argc > (int)cmd->max)
		return usage_error(cmd, "too much: '%s'",
				   args.argv[cmd->max]);
	return cmd->handler(&args);
}

/* What @noun can do, or NULL: which nouns can @verb; false: none. */
static bool name_commands(const char *noun, const char *verb, char *buf,
			  size_t size)
{
	const struct command *c;
	size_t len = 0;

	for (c = commands; c->noun && len < size; c++)
		if (c->verb && (noun ? !strcmp(c->noun, noun) :
				       !strcmp(c->verb, verb)))
			len += (size_t)snprintf(buf + len, size - len,
						noun ? "%s%s" : "%s`vgpuctl %s %s`",
						len ? noun ? ", " : " or " : "",
						noun ? c->verb : c->noun, c->verb);
	return len;
}

/* "vgpu" alone, or with a word that is no verb of it */
static int bad_noun(int argc, char **argv)
{
	char names[200], hint[300];

	if (!command_is_noun(argv[0]) &&
	    name_commands(NULL, argv[0], names, sizeof(names))) {
		snprintf(hint, sizeof(hint), "perhaps %s", names);
		return fail(CTL_USAGE, 0, hint, "there is no command '%s'",
			    argv[0]);
	}
	if (!command_is_noun(argv[0]))
		return usage_error(NULL, "there is no command '%s'", argv[0]);
	if (argc > 1 && strcmp(argv[1], "--help") && strcmp(argv[1], "-h") &&
	    strcmp(argv[1], "help")) {
		name_commands(argv[0], NULL, names, sizeof(names));
		snprintf(hint, sizeof(hint), "there are %s: see `vgpuctl %s --help`",
			 names, argv[0]);
		return fail(CTL_USAGE, 0, hint, "%s has no verb '%s'", argv[0],
			    argv[1]);
	}
	help_noun(argv[0]);
	return argc > 1 ? CTL_OK : CTL_USAGE;
}

int main(int argc, char **argv)
{
	const struct command *cmd;
	struct parser p;
	int at, code;

	/* what a character is; figures are the same everywhere */
	setlocale(LC_CTYPE, "");
	color_output = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

	parser_init(&p, NULL);
	while ((at = parser_next(&p, NULL, argc, argv)) != -1) {
		if (at == -2)
			return CTL_USAGE;
		code = take_global(&p, at, NULL);
		if (code >= 0)
			return code;
	}
	if (optind == argc) {
		help_overview();
		return CTL_USAGE;
	}
	argc -= optind;
	argv += optind;

	cmd = command_find(argv[0], NULL);
	if (cmd && cmd->raw) {
		optind = 0;
		return cmd->raw(argc, argv);
	}
	if (!cmd && argc > 1) {
		cmd = command_find(argv[0], argv[1]);
		if (cmd) {
			argc--;
			argv++;
		}
	}
	if (!cmd)
		return bad_noun(argc, argv);
	code = run_command(cmd, argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		perror("vgpuctl: error: standard output");
		return code ? code : CTL_FAILED;
	}
	return code;
}
