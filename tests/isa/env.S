# SPDX-License-Identifier: GPL-2.0
#
# What the generated tests share.  A test program prints one line of TAP for
# each instruction that it tries; it runs on Linux and wherever write() and
# exit() are served.
#
#   gp  number of the case that is being tried
#   s0  cases of this program that failed
#   s1  first case of this instruction that failed, 0 if none

	.altmacro
	.option norelax

	# notes a failure if \a and \b differ
	.macro CHECK a, b
	LOCAL good
	addi	gp, gp, 1
	beq	\a, \b, good
	call	failed
good:
	.endm

	.macro BEGIN
	li	gp, 0
	li	s1, 0
	.endm

	# reports on an instruction; its name is between \text and \end
	.macro END text, end
	la	a1, \text
	la	a2, \end
	sub	a2, a2, a1
	call	report
	.endm

	.macro FINISH
	mv	a0, s0
	snez	a0, a0
	li	a7, 93
	ecall
	.endm

	.pushsection .text.env, "ax"
failed:
	bnez	s1, 1f
	mv	s1, gp
1:	ret

# prints "ok" or "not ok", the text at a1 (a2 bytes), and the case in hex
report:
	mv	s2, a1
	mv	s3, a2
	la	a1, word_ok + 4
	li	a2, 2
	beqz	s1, 1f
	addi	s0, s0, 1
	addi	a1, a1, -4
	addi	a2, a2, 4
1:	li	a0, 1
	li	a7, 64
	ecall
	mv	a1, s2
	mv	a2, s3
	li	a0, 1
	ecall
	la	a1, newline
	li	a2, 1
	beqz	s1, 3f
	la	a1, word_case
	addi	t0, a1, 15
	li	t1, 4
2:	andi	t2, s1, 15
	addi	t2, t2, '0'
	li	t3, '9'
	ble	t2, t3, 4f
	addi	t2, t2, 'a' - '9' - 1
4:	sb	t2, 0(t0)
	srli	s1, s1, 4
	addi	t0, t0, -1
	addi	t1, t1, -1
	bnez	t1, 2b
	li	a2, 17
3:	li	a0, 1
	ecall
	ret
	.popsection

	.pushsection .data
word_ok:	.ascii	"not ok"
word_case:	.ascii	", case 0x   "
		.ascii	"0000\n"
newline:	.ascii	"\n"
		.balign	8
	.popsection
