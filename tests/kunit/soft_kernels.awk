# SPDX-License-Identifier: GPL-2.0
BEGIN {
	print "/* SPDX-License-Identifier: GPL-2.0 */"
	print "/* Made by soft_kernels.mk from soft_kernels.S */"
	print "#ifndef _VGPU_KUNIT_SOFT_KERNELS_H"
	print "#define _VGPU_KUNIT_SOFT_KERNELS_H\n"
}
NF == 3 && $2 ~ /^[a-zA-Z]$/ {
	sub(/^0+/, "0x", $1)
	if ($1 == "0x")
		$1 = "0x0"
	if ($2 == "T" && $3 !~ /^_/)
		printf "#define SOFT_KERNEL_%s\t%s\n", toupper($3), $1
	next
}
NF {
	if (!code++)
		print "\nstatic const u32 __maybe_unused soft_kernels[] = {"
	line = "\t"
	for (i = 1; i <= NF; i++) {
		line = line "0x" $i ","
		if (i == 4 && NF > 4)
			line = line "\n\t"
		else if (i < NF)
			line = line " "
	}
	print line
}
END {
	print "};\n"
	print "#endif /* _VGPU_KUNIT_SOFT_KERNELS_H */"
}
