// SPDX-License-Identifier: GPL-2.0
/*
 * The manual page, the completion of bash, and the table as JSON: all made of
 * the table of commands, so that none of them can lag behind.
 */
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "vgpuctl.h"

/* ---- man ------------------------------------------------------------------ */

/* Text for roff: hyphens and backslashes, no line begins with a control. */
static void roff(const char *text)
{
	for (; *text; text++) {
		if (*text == '\\') {
			fputs("\\e", stdout);
		} else if (*text == '-') {
			fputs("\\-", stdout);
		} else if (!strncmp(text, "…", 3)) {
			fputs("\\&...", stdout);
			text += 2;
		} else if (*text == '`') {
			/* a command in the text */
			fputs("\\fB", stdout);
			for (text++; *text && *text != '`'; text++)
				fputs(*text == '-' ? "\\-" :
				      (char[]){ *text, 0 }, stdout);
			fputs("\\fR", stdout);
			if (!*text)
				break;
		} else {
			putchar(*text);
		}
	}
}

static void man_options(const struct option_desc *o)
{
	for (; o && o->name; o++) {
		puts(".TP");
		if (o->letter)
			printf("\\fB\\-%c\\fR, ", o->letter);
		fputs("\\fB\\-\\-", stdout);
		roff(o->name);
		fputs("\\fR", stdout);
		if (o->metavar)
			printf(" \\fI%s\\fR", o->metavar);
		putchar('\n');
		roff(o->help);
		putchar('\n');
	}
}

static void man_command(const struct command *c)
{
	const struct example *e;
	char synopsis[128];

	help_synopsis(c, synopsis, sizeof(synopsis));
	fputs(".SS \"vgpuctl ", stdout);
	roff(synopsis);
	puts("\"");
	printf("%c", c->help[0] >= 'a' && c->help[0] <= 'z' ?
	       c->help[0] - 'a' + 'A' : c->help[0]);
	roff(c->help + 1);
	puts(".");
	if (c->more) {
		puts(".PP");
		roff(c->more);
		putchar('\n');
	}
	if (c->raw) {
		puts(".PP\n.nf");
		roff(strchr(cmd_run_help, '\n') + 1);
		puts(".fi");
	}
	man_options(c->options);
	for (e = c->examples; e && e->line; e++) {
		fputs(".PP\nExample: ", stdout);
		roff(e->says);
		fputs("\n.PP\n.RS 4\n.nf\n", stdout);
		roff(e->line);
		puts("\n.fi\n.RE");
	}
}

static const char man_head[] =
".\\\" SPDX-License-Identifier: GPL-2.0\n"
".\\\" Made by `vgpuctl help --format man`.\n"
".TH VGPUCTL 8 \"\" \"vgpu " VGPUCTL_VERSION "\" \"System Administration\"\n"
".SH NAME\n"
"vgpuctl \\- manage and watch virtual GPUs\n"
".SH SYNOPSIS\n"
".B vgpuctl\n"
"[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
".SH DESCRIPTION\n"
"The vgpu kernel module turns one physical GPU into many virtual GPUs (vGPUs)\n"
"for programs, containers and VMs. vgpuctl makes them, gives them their share\n"
"of the GPU, and shows what each of them gets.\n"
".PP\n"
"A vGPU is named by its number (\\fB3\\fR or \\fBv3\\fR) or its UUID, a GPU by\n"
"its number (\\fB0\\fR or \\fBgpu0\\fR). Sizes take the suffixes K, M, G and T,\n"
"multiples of 1024; times need a unit: ns, us, ms or s.\n"
".PP\n"
"A vGPU is made, started, used, stopped, and destroyed:\n"
".PP\n"
".nf\n"
"    created \\-\\-start\\-\\-> running \\-\\-pause\\-\\-> paused\n"
"                         |  ^ <\\-\\-resume\\-\\- |\n"
"                       stop start          stop\n"
"                         v  |                |\n"
"                        stopped <\\-\\-\\-\\-\\-\\-\\-\\-\\-\\-\\-'\n"
".fi\n"
".PP\n"
"Changing anything needs root (CAP_SYS_ADMIN) on the host, and so do figures of\n"
"vGPUs: they tell what others do. Inside a VM, with module vgpu_guest, and in a\n"
"container with a network of its own, work \\fBrun\\fR, \\fBlist\\fR,\n"
"\\fBvgpu list\\fR and \\fBvgpu show\\fR: they ask the nodes that are there.\n"
".SH FIRST STEPS\n"
"All of it as root. For programs of the host and containers, on a GPU that is\n"
"software and so is in every machine:\n"
".PP\n"
".nf\n"
"    modprobe vgpu_soft\n"
"    vgpuctl type list                          # sizes there are\n"
"    vgpuctl vgpu create \\-\\-type 1g.32m \\-\\-start  # says its number, as v0\n"
"    vgpuctl run \\-\\-vgpu v0 \\-\\-verify gemm        # it computes\n"
"    vgpuctl top                                # who has how much; q quits\n"
"    vgpuctl vgpu destroy v0\n"
".fi\n"
".PP\n"
"Programs open its node, \\fB/dev/vgpu/v0\\fR (\\fBdocker run \\-\\-device\\fR\n"
"for a container). For a VM:\n"
".PP\n"
".nf\n"
"    modprobe vgpu_vfio\n"
"    vgpuctl vgpu create \\-\\-type 1g.32m \\-\\-mdev   # says its number, as v1\n"
"    gpu=$(vgpuctl qemu v1) && qemu\\-system\\-x86_64 \\-accel kvm ... $gpu\n"
".fi\n"
".PP\n"
"It starts when the VM opens it, and is stopped when the VM lets go of it.\n"
"There it is a display controller, PCI 1af4:10f5 (\\fBlspci \\-d 1af4:10f5\\fR, or\n"
"\\fBinfo pci\\fR in QEMU's monitor); \\fBmodprobe vgpu_guest\\fR makes the node, and\n"
"\\fBvgpuctl run\\fR works as on the host. A QEMU that is not root needs the\n"
"\\fB/dev/vfio/N\\fR of its IOMMU group; that it cannot enable error recovery for\n"
"the device does no harm.\n"
".PP\n"
"To undo it all, with the programs and VMs ended:\n"
".PP\n"
".nf\n"
"    vgpuctl list                               # what there is\n"
"    vgpuctl vgpu stop v0                       # takes it from who holds it\n"
"    vgpuctl vgpu destroy v0\n"
"    modprobe \\-r vgpu_vfio vgpu_soft            # and all mediated devices\n"
".fi\n"
".SH POLICIES\n"
"Who runs next on an engine (\\fBsched set GPU \\-\\-policy\\fR):\n"
".TP\n.B fair\nThe default: by weight, among those that have work. Who is alone gets all.\n"
".TP\n.B rr\nIn turn, whatever the weights.\n"
".TP\n.B prio\nThe highest priority first; who waits rises.\n"
".TP\n.B mlfq\nShort work before long work, found out by watching it.\n"
".TP\n.B fixed\nNobody gets more than its cap, even if the GPU is idle. Those without a cap\n"
"divide what the caps leave by weight, counting those that are idle.\n"
".TP\n.B burst\nThe same parts are for sure, and what is left of the GPU is lent to who\n"
"has work: caps are no limit then.\n"
".PP\n"
"In \\fBlist\\fR and \\fBtop\\fR, RECEIVED is a part of the engine time that was\n"
"given out, not of the whole GPU (for that see BUSY), and ENTITLED is what weights\n"
"alone would give it of that.\n"
".SH OPTIONS\n";

static const char man_tail[] =
".SH JSON\n"
"With \\fB\\-j\\fR every command but \\fBmetrics\\fR and \\fBcdi\\fR prints one JSON\n"
"object, on one line;\n"
"\\fBtop\\fR and \\fBevents\\fR print one a sample and an event. Each begins with\n"
"\\fB\\(dqschema\\(dq\\fR: a number that is raised when a field goes away or\n"
"changes its meaning; new fields can come at any time. Names of fields are\n"
"those of the netlink attributes (specs/vgpu.yaml in the sources), with\n"
"underscores: times are in ns (_ns), parts in per mille (_permille), memory in\n"
"bytes. What is not so, as the holder of a vGPU that nobody holds, is left out.\n"
"For one look, \\fB\\-j list\\fR; for rates, \\fB\\-j top \\-n 1\\fR. A command that\n"
"fails prints an object with \\fB\\(dqerror\\(dq\\fR: message, hint, errno, exit.\n"
".SH EXIT STATUS\n"
".TP\n.B 0\nAll went well.\n"
".TP\n.B 1\nThe kernel refused, a file cannot be read or written, or a program computed a\n"
"wrong result.\n"
".TP\n.B 2\nThe command line makes no sense.\n"
".TP\n.B 3\nNo module, no such device, none that fits (\\fBgpu select\\fR), or no\n"
"permission.\n"
".TP\n.B 4\nTimed out.\n"
".PP\n\\fBrun\\fR has 4 also for a program that came to its time limit or hung, and 3 also\n"
"where the device or the system refused it.\n"
".PP\nThey are the same with \\fB\\-j\\fR, where \\fBexit\\fR has them, too.\n"
".SH ENVIRONMENT\n"
".TP\n.B NO_COLOR\nNo colours when set. There are none anyway where the output is no terminal.\n"
".TP\n.B COLUMNS\nWidth to print tables for. Columns that do not fit are left out; \\fB\\-j\\fR and\n\\fBvgpu show\\fR have all.\n"
".TP\n.B VGPUCTL_ROOT\nPut before the paths of /sys, /dev and /usr/share, as \\fB\\-\\-root\\fR does.\n"
".SH FILES\n"
".TP\n.I /dev/vgpu/vN\nThe node of vGPU N; \\fI/dev/vgpu/by\\-uuid/UUID\\fR is a link to it.\n"
".TP\n.I /dev/vgpu/ctl\nWhere vGPUs are made, saved and restored.\n"
".TP\n.I /etc/vgpu/config.json\nWhat \\fBconfig save\\fR writes and \\fBconfig load\\fR reads by default.\n"
".TP\n.I /sys/class/devcoredump/\nDumps of faults and hangs, for \\fBdump\\fR.\n"
".TP\n.I /usr/share/misc/pci.ids\nNames of devices, for \\fBgpu scan\\fR.\n"
".TP\n.I /sys/kernel/tracing/instances/vgpuctl\\-PID\nWhile \\fBtrace\\fR records.\n"
".TP\n.I /sys/class/mdev_bus/\nGPUs that make mediated devices, and their types.\n"
".TP\n.I /sys/bus/mdev/devices/UUID\nA vGPU that is a mediated device. Give it to QEMU:\n"
"\\fB\\-device vfio\\-pci,sysfsdev=\\fR\\fIthis folder\\fR.\n"
".SH SEE ALSO\n"
".BR mdevctl (8),\n"
".BR qemu (1)\n";

int docs_man(void)
{
	const struct command *c;

	fputs(man_head, stdout);
	man_options(global_options);
	puts(".SH COMMANDS");
	for (c = commands; c->noun; c++)
		man_command(c);
	fputs(man_tail, stdout);
	return CTL_OK;
}

/* ---- bash ------------------------------------------------------------------ */

static const char *complete_word(enum arg_kind kind)
{
	switch (kind) {
	case ARG_GPU:
		return "gpus";
	case ARG_TYPE:
		return "types";
	case ARG_VGPU:
		return "vgpus";
	case ARG_GROUP:
		return "lifecycle quota health governor memory performance";
	case ARG_POLICY:
		return "rr fair prio mlfq fixed burst";
	case ARG_TARGET:
		return "targets";
	case ARG_GOVERNOR:
		return "off auto emergency performance balanced power-save";
	case ARG_RIGHTS:
		return "all none memory user-memory share map queue ring launch transfer sync";
	case ARG_STRATEGY:
		return "best buddy first worst";
	case ARG_FORMAT:
		return "text man bash json";
	case ARG_SWITCH:
		return "full incremental lazy predicted";
	case ARG_DEGRADE:
		return "basic-limit deny-all stop";
	case ARG_RULE:
		return "allow deny";
	case ARG_TUNE:
		return "off dry-run on";
	case ARG_SWITCHED:
		return "on off";
	case ARG_COLOR:
		return "auto always never";
	case ARG_MODE:
		return "auto passthrough mdev soft";
	case ARG_MODES:
		return "passthrough mdev soft";
	default:
		return "";
	}
}

/* Does the machine that it runs on tell what there is to choose from? */
static bool asks(enum arg_kind kind)
{
	return kind == ARG_GPU || kind == ARG_TYPE || kind == ARG_VGPU ||
	       kind == ARG_TARGET;
}

static const char bash_head[] =
"# SPDX-License-Identifier: GPL-2.0\n"
"# Completion of vgpuctl for bash. Made by `vgpuctl help --format bash`.\n"
"\n"
"_vgpuctl_words() {\n"
"\tcase $1 in\n"
"\tvgpus) (cd /dev/vgpu 2>/dev/null && ls -d v[0-9]* 2>/dev/null\n"
"\t\tcd /sys/bus/mdev/devices 2>/dev/null && ls) ;;\n"
"\ttargets) _vgpuctl_words gpus; _vgpuctl_words vgpus ;;\n"
"\tgpus) vgpuctl -j gpu list 2>/dev/null | grep -o '\"index\":[0-9]*,\"name\"' | grep -o '[0-9]*' ;;\n"
"\ttypes) vgpuctl -j type list 2>/dev/null | grep -o '\"name\":\"[^\"]*' | cut -d'\"' -f4 | sort -u ;;\n"
"\t*) printf '%s\\n' \"$1\" ;;\n"
"\tesac\n"
"}\n"
"\n"
"_vgpuctl() {\n"
"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
"\tlocal noun='' verb='' w i words='' options='' value=''\n"
"\n"
"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
"\t\tw=${COMP_WORDS[i]}\n"
"\t\tcase $w in\n"
"\t\t--color) i=$((i + 1)) ;;\n"
"\t\t-*) ;;\n"
"\t\t*) if [ -z \"$noun\" ]; then noun=$w; elif [ -z \"$verb\" ]; then verb=$w; fi ;;\n"
"\t\tesac\n"
"\tdone\n"
"\n"
"\tcase \"$noun $verb\" in\n";

static void bash_nouns(void)
{
	const struct command *c;
	const char *last = "";

	fputs("\t' ') words='", stdout);
	for (c = commands; c->noun; c++) {
		if (strcmp(c->noun, last))
			printf("%s%s", c == commands ? "" : " ", c->noun);
		last = c->noun;
	}
	puts("' ;;");
}

static void bash_verbs(void)
{
	const struct command *c;
	const char *last = "";

	for (c = commands; c->noun; c++) {
		if (!c->verb)
			continue;
		if (strcmp(c->noun, last))
			printf("%s\t'%s ') words='", *last ? "' ;;\n" : "",
			       c->noun);
		printf("%s%s", strcmp(c->noun, last) ? "" : " ", c->verb);
		last = c->noun;
	}
	puts("' ;;");
}

/* Words of a line of run's help that @wanted begins: options, or programs with commas. */
static void bash_run_words(const char *line, bool options, bool *first)
{
	size_t len;

	while (line) {
		len = strcspn(line, " ,\n");
		if (options ? !strncmp(line, "--", 2) : *line >= 'a' && *line <= 'z') {
			printf("%s%.*s", *first ? "" : " ", (int)len, line);
			*first = false;
		}
		/* another one of the same line */
		line = memchr(line, ',', strcspn(line, "\n"));
		line = line ? line + 2 : NULL;
	}
}

/* `run` reads its own line, so its own help says what there is. */
static void bash_run(void)
{
	bool first = true, programs = false;
	const char *line;

	fputs("\t\toptions='", stdout);
	for (line = cmd_run_help; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (!strncmp(line, "  --", 4))
			bash_run_words(line + 2, true, &first);
	fputs("'\n\t\twords='", stdout);
	first = true;
	for (line = cmd_run_help; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (!strncmp(line, "Programs:", 9))
			programs = true;
		else if (*line && *line != ' ' && *line != '\n')
			programs = false;
		else if (programs && line[0] == ' ' && line[1] == ' ' && line[2] != ' ')
			bash_run_words(line + 2, false, &first);
	}
	puts("'");
	printf("\t\t[ \"$prev\" = --vgpu ] && value='%s'\n", complete_word(ARG_VGPU));
}

static void bash_command(const struct command *c)
{
	const struct option_desc *o;

	printf("\t'%s %s'%s)\n", c->noun, c->verb ? c->verb : "",
	       c->verb ? "" : "*");
	if (complete_word(c->arg)[0])
		printf("\t\twords='%s'\n", complete_word(c->arg));
	if (c->raw)
		bash_run();
	if (c->options) {
		fputs("\t\toptions='", stdout);
		for (o = c->options; o->name; o++)
			printf("%s--%s", o == c->options ? "" : " ", o->name);
		puts("'");
		puts("\t\tcase $prev in");
		for (o = c->options; o->name; o++) {
			if (!o->metavar)
				continue;
			printf("\t\t--%s", o->name);
			if (o->letter)
				printf("|-%c", o->letter);
			printf(") value='%s' ;;\n",
			       complete_word(o->kind)[0] ?
			       complete_word(o->kind) : "-");
		}
		puts("\t\tesac");
	}
	puts("\t\t;;");
}

int docs_bash(void)
{
	const struct option_desc *o;
	const struct command *c;

	fputs(bash_head, stdout);
	bash_nouns();
	bash_verbs();
	for (c = commands; c->noun; c++)
		bash_command(c);
	puts("\tesac\n");
	fputs("\toptions=\"$options", stdout);
	for (o = global_options; o->name; o++)
		printf(" --%s", o->name);
	puts("\"");
	printf("\t[ \"$prev\" = --color ] && value='%s'\n", complete_word(ARG_COLOR));
	puts("\tif [ \"$value\" = - ]; then\n"
	     "\t\treturn\n"
	     "\telif [ -n \"$value\" ]; then\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_vgpuctl_words \"$value\")\" -- \"$cur\")\n"
	     "\telif [[ $cur == -* ]]; then\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	     "\telse\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_vgpuctl_words \"$words\")\" -- \"$cur\")\n"
	     "\tfi\n"
	     "}\n"
	     "complete -F _vgpuctl -o default vgpuctl");
	return CTL_OK;
}

/* ---- json ------------------------------------------------------------------ */

/* What can be given, where that is the same everywhere. */
static void add_values(struct json_object *obj, enum arg_kind kind)
{
	const char *word = complete_word(kind);
	struct json_object *list;
	size_t len;

	if (!*word || asks(kind))
		return;
	list = json_object_new_array();
	for (; *word; word += len + (word[len] == ' ')) {
		len = strcspn(word, " ");
		json_object_array_add(list, json_object_new_string_len(word, (int)len));
	}
	json_object_object_add(obj, "values", list);
}

static struct json_object *options_json(const struct option_desc *o)
{
	struct json_object *array = json_object_new_array(), *one;
	char letter[2] = "";

	for (; o && o->name; o++) {
		one = json_object_new_object();
		json_object_object_add(one, "name",
				       json_object_new_string(o->name));
		letter[0] = o->letter;
		if (o->letter)
			json_object_object_add(one, "letter",
					       json_object_new_string(letter));
		if (o->metavar)
			json_object_object_add(one, "value",
					       json_object_new_string(o->metavar));
		json_object_object_add(one, "help",
				       json_object_new_string(o->help));
		add_values(one, o->kind);
		json_object_array_add(array, one);
	}
	return array;
}

int docs_json(void)
{
	struct json_object *all = json_new(), *array, *one;
	const struct command *c;

	array = json_object_new_array();
	for (c = commands; c->noun; c++) {
		one = json_object_new_object();
		json_object_object_add(one, "noun",
				       json_object_new_string(c->noun));
		if (c->verb)
			json_object_object_add(one, "verb",
					       json_object_new_string(c->verb));
		json_object_object_add(one, "args",
				       json_object_new_string(c->args));
		json_object_object_add(one, "help",
				       json_object_new_string(c->help));
		add_values(one, c->arg);
		json_object_object_add(one, "options",
				       options_json(c->options));
		json_object_array_add(array, one);
	}
	json_object_object_add(all, "commands", array);
	json_object_object_add(all, "options", options_json(global_options));
	return print_json(all);
}
