#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes test programs for RV64IMA.

gen.py directed GROUP     each instruction of the group against tables of edge
                          values; what must come out is computed here
gen.py random SEED [N]    N random instructions; at the end all registers and
                          the memory they worked on are printed, to be
                          compared with another machine's
"""
import random
import sys

M64 = (1 << 64) - 1
EDGES = [0, 1, 2, 3, 7, M64, M64 - 1, 0x7fffffff, 0x80000000, 0xffffffff,
         0x100000000, 0xffffffff80000000, 0xffffffff7fffffff,
         0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
         0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x0123456789abcdef,
         0xfedcba9876543210, 31, 32, 63, 64]
SMALL = [0, 1, M64, 0x7fffffff, 0x80000000, 0xffffffff80000000,
         0x7fffffffffffffff, 0x8000000000000000, 0x0123456789abcdef,
         0xfedcba9876543210]
IMMS = [0, 1, -1, 2, 15, 255, 1023, 2047, -2048, -2047, -16, 0x555, -0x556]


def s64(v):
    v &= M64
    return v - (1 << 64) if v >> 63 else v


def s32(v):
    v &= 0xffffffff
    return v - (1 << 32) if v >> 31 else v


def trunc_div(a, b):
    q = abs(a) // abs(b)
    return -q if (a < 0) != (b < 0) else q


def div(bits, signed):
    def f(a, b):
        if signed:
            a, b = (s64(a), s64(b)) if bits == 64 else (s32(a), s32(b))
            if b == 0:
                q = -1
            else:
                q = trunc_div(a, b)
        else:
            m = (1 << bits) - 1
            a, b = a & m, b & m
            q = m if b == 0 else a // b
        return q if bits == 64 else s32(q)
    return f


def rem(bits, signed):
    def f(a, b):
        if signed:
            a, b = (s64(a), s64(b)) if bits == 64 else (s32(a), s32(b))
            r = a if b == 0 else a - b * trunc_div(a, b)
        else:
            m = (1 << bits) - 1
            a, b = a & m, b & m
            r = a if b == 0 else a % b
        return r if bits == 64 else s32(r)
    return f


REG = {
    'add': lambda a, b: a + b,
    'sub': lambda a, b: a - b,
    'and': lambda a, b: a & b,
    'or': lambda a, b: a | b,
    'xor': lambda a, b: a ^ b,
    'slt': lambda a, b: int(s64(a) < s64(b)),
    'sltu': lambda a, b: int(a < b),
    'sll': lambda a, b: a << (b & 63),
    'srl': lambda a, b: a >> (b & 63),
    'sra': lambda a, b: s64(a) >> (b & 63),
    'addw': lambda a, b: s32(a + b),
    'subw': lambda a, b: s32(a - b),
    'sllw': lambda a, b: s32(a << (b & 31)),
    'srlw': lambda a, b: s32((a & 0xffffffff) >> (b & 31)),
    'sraw': lambda a, b: s32(a) >> (b & 31),
}
MULDIV = {
    'mul': lambda a, b: a * b,
    'mulh': lambda a, b: (s64(a) * s64(b)) >> 64,
    'mulhsu': lambda a, b: (s64(a) * b) >> 64,
    'mulhu': lambda a, b: (a * b) >> 64,
    'mulw': lambda a, b: s32(a * b),
    'div': div(64, True), 'divu': div(64, False),
    'rem': rem(64, True), 'remu': rem(64, False),
    'divw': div(32, True), 'divuw': div(32, False),
    'remw': rem(32, True), 'remuw': rem(32, False),
}
IMM = {
    'addi': REG['add'], 'andi': REG['and'], 'ori': REG['or'],
    'xori': REG['xor'], 'slti': REG['slt'],
    'sltiu': lambda a, b: int(a < (b & M64)),
    'addiw': REG['addw'],
}
SHIFT = {
    'slli': (REG['sll'], 64), 'srli': (REG['srl'], 64),
    'srai': (REG['sra'], 64), 'slliw': (REG['sllw'], 32),
    'srliw': (REG['srlw'], 32), 'sraiw': (REG['sraw'], 32),
}
BRANCH = {
    'beq': lambda a, b: a == b, 'bne': lambda a, b: a != b,
    'blt': lambda a, b: s64(a) < s64(b), 'bge': lambda a, b: s64(a) >= s64(b),
    'bltu': lambda a, b: a < b, 'bgeu': lambda a, b: a >= b,
}
LOAD = {'lb': (1, True), 'lbu': (1, False), 'lh': (2, True), 'lhu': (2, False),
        'lw': (4, True), 'lwu': (4, False), 'ld': (8, True)}
STORE = {'sb': 1, 'sh': 2, 'sw': 4, 'sd': 8}
AMO = {
    'amoswap': lambda a, b, s: b, 'amoadd': lambda a, b, s: a + b,
    'amoxor': lambda a, b, s: a ^ b, 'amoand': lambda a, b, s: a & b,
    'amoor': lambda a, b, s: a | b,
    'amomin': lambda a, b, s: a if s(a) < s(b) else b,
    'amomax': lambda a, b, s: a if s(a) > s(b) else b,
    'amominu': lambda a, b, s: min(a, b), 'amomaxu': lambda a, b, s: max(a, b),
}

out = []
label = 0


def e(text):
    out.append(text)


def new_label():
    global label
    label += 1
    return f'L{label}'


def check(reg, value):
    e(f'\tli t6, {value & M64:#x}')
    e(f'\tCHECK {reg}, t6')


def end(name):
    text = new_label()
    e(f'\t.pushsection .rodata\n{text}:\t.ascii " - {name}"\n{text}_end:')
    e(f'\t.popsection\n\tEND {text}, {text}_end')


def table(rows):
    """Puts rows of doublewords into .rodata; s4 = first, s5 = end."""
    name = new_label()
    e(f'\t.pushsection .rodata\n\t.balign 8\n{name}:')
    for row in rows:
        e('\t.dword ' + ', '.join(f'{v & M64:#x}' for v in row))
    e(f'{name}_end:\n\t.popsection\n\tla s4, {name}\n\tla s5, {name}_end')


def test_reg(name, f, edges):
    e('\tBEGIN')
    table([(a, b, f(a, b)) for a in edges for b in edges])
    again = new_label()
    e(f'{again}:\tld t0, 0(s4)\n\tld t1, 8(s4)\n\tld t6, 16(s4)')
    e(f'\t{name} t2, t0, t1\n\tCHECK t2, t6')
    # destination is a source
    e(f'\tmv t2, t0\n\t{name} t2, t2, t1\n\tCHECK t2, t6')
    e(f'\tmv t2, t1\n\t{name} t2, t0, t2\n\tCHECK t2, t6')
    # x0 stays zero
    e(f'\t{name} x0, t0, t1\n\tCHECK x0, zero')
    e(f'\taddi s4, s4, 24\n\tbltu s4, s5, {again}')
    for a in SMALL:
        e(f'\tli t0, {a:#x}')
        e(f'\t{name} t2, t0, t0')
        check('t2', f(a, a))
        e(f'\t{name} t0, t0, t0')
        check('t0', f(a, a))
        e(f'\tli t0, {a:#x}\n\t{name} t2, x0, t0')
        check('t2', f(0, a))
        e(f'\t{name} t2, t0, x0')
        check('t2', f(a, 0))
    end(name)


def test_imm(name, f, imms):
    e('\tBEGIN')
    for imm in imms:
        table([(a, f(a, imm & M64)) for a in EDGES])
        again = new_label()
        e(f'{again}:\tld t0, 0(s4)\n\tld t6, 8(s4)')
        e(f'\t{name} t2, t0, {imm}\n\tCHECK t2, t6')
        e(f'\t{name} x0, t0, {imm}\n\tCHECK x0, zero')
        e(f'\t{name} t0, t0, {imm}\n\tCHECK t0, t6')
        e(f'\taddi s4, s4, 16\n\tbltu s4, s5, {again}')
        e(f'\t{name} t2, x0, {imm}')
        check('t2', f(0, imm & M64))
    end(name)


def test_upper():
    for name in ('lui', 'auipc'):
        e('\tBEGIN')
        for imm in (0, 1, 0x7ffff, 0x80000, 0xfffff, 0x12345):
            here = new_label()
            e(f'{here}:\t{name} t0, {imm:#x}')
            if name == 'auipc':
                e(f'\tla t1, {here}\n\tsub t0, t0, t1')
            check('t0', s32(imm << 12))
        end(name)


def test_branch(name, f):
    e('\tBEGIN')
    table([(a, b, int(f(a, b))) for a in EDGES for b in EDGES])
    again, fwd, fwd_end, back, over, back_end = [new_label() for _ in range(6)]
    e(f'{again}:\tld t0, 0(s4)\n\tld t1, 8(s4)\n\tld t6, 16(s4)')
    e(f'\tli t2, 1\n\t{name} t0, t1, {fwd}\n\tli t2, 0\n{fwd}:\tCHECK t2, t6')
    e(f'\tli t2, 0\n\tj {over}\n{back}:\tli t2, 1\n\tj {back_end}')
    e(f'{over}:\t{name} t0, t1, {back}\n{back_end}:\tCHECK t2, t6')
    e(f'\taddi s4, s4, 24\n\tbltu s4, s5, {again}')
    end(name)


def test_jump():
    e('\tBEGIN')
    a, b, c = new_label(), new_label(), new_label()
    e(f'\tli t3, 0\n\tjal t0, {a}\n{b}:\tli t3, 1\n\tj {c}\n{a}:\tla t1, {b}')
    e(f'\tCHECK t0, t1\n\tCHECK t3, x0\n\tjal x0, {c}\n\tli t3, 2')
    e(f'{c}:\tCHECK t3, x0\n\tCHECK x0, zero')
    end('jal')
    e('\tBEGIN')
    for bit in (0, 1):
        for off in (0, 16, -16):
            a, b = new_label(), new_label()
            e(f'\tla t0, {a}\n\taddi t0, t0, {bit - off}\n\tli t3, 0')
            e(f'\tjalr t0, {off}(t0)\n{b}:\tli t3, 1\n{a}:\tla t1, {b}')
            e('\tCHECK t0, t1\n\tCHECK t3, x0')
    a = new_label()
    e(f'\tla t0, {a}\n\tli t3, 0\n\tjalr x0, 0(t0)\n\tli t3, 1')
    e(f'{a}:\tCHECK t3, x0\n\tCHECK x0, zero')
    end('jalr')


def test_load(name, size, signed):
    data = [(0x0011223344556677 + i * 0x8190a0b0c0d0e0f) & M64
            for i in range(16)]
    raw = b''.join(d.to_bytes(8, 'little') for d in data)
    e('\tBEGIN')
    e('\t.pushsection .data\n\t.balign 4096\n\t.space 4096 - 64')
    buf = new_label()
    e(f'{buf}:\t.dword ' + ', '.join(f'{d:#x}' for d in data))
    e('\t.popsection')
    # the middle of the buffer is the end of a page; all alignments
    for at in range(0, 128 - size):
        value = int.from_bytes(raw[at:at + size], 'little')
        if signed and value >> (8 * size - 1):
            value -= 1 << (8 * size)
        base = (at * 37) % 256 - 128
        e(f'\tla t0, {buf}\n\taddi t0, t0, {at - base}')
        e(f'\t{name} t1, {base}(t0)')
        check('t1', value)
        if at % 16 == 0:
            e(f'\t{name} t0, {base}(t0)')
            check('t0', value)
    e(f'\tla t0, {buf}\n\t{name} x0, 0(t0)\n\tCHECK x0, zero')
    end(name)


def test_store(name, size):
    e('\tBEGIN')
    e('\t.pushsection .data\n\t.balign 4096\n\t.space 4096 - 64')
    buf = new_label()
    e(f'{buf}:\t.space 128\n\t.popsection')
    value = 0xf1e2d3c4b5a69788
    for at in range(8, 112):
        base = (at * 41) % 256 - 128
        e(f'\tla t0, {buf}\n\tli t1, -1')
        first = at & ~7
        for i in range(first - 8, first + 24, 8):
            e(f'\tsd t1, {i}(t0)')
        e(f'\tli t1, {value:#x}\n\taddi t2, t0, {at - base}')
        e(f'\t{name} t1, {base}(t2)')
        want = bytearray(b'\xff' * 32)
        off = at - (first - 8)
        want[off:off + size] = (value & ((1 << 8 * size) - 1)).to_bytes(
            size, 'little')
        for i in range(4):
            e(f'\tld t3, {first - 8 + i * 8}(t0)')
            check('t3', int.from_bytes(want[i * 8:i * 8 + 8], 'little'))
    end(name)


def test_fence():
    e('\tBEGIN\n\tfence\n\tfence rw, w\n\tfence.tso')
    check('x0', 0)
    end('fence')
    # a program that changes itself, three times over
    e('\tBEGIN')
    site, word = new_label(), new_label()
    e(f'\t.pushsection .data\n\t.balign 4\n{word}:')
    for imm in (17, 42, 1000):
        e(f'\taddi t2, x0, {imm}')
    e('\t.popsection\n\tli s6, 0')
    again = new_label()
    e(f'{again}:\tla t0, {word}\n\tadd t0, t0, s6\n\tlw t1, 0(t0)')
    e(f'\tla t0, {site}\n\tsw t1, 0(t0)\n\tfence.i\n\t.balign 4')
    e(f'{site}:\taddi t2, x0, 1\n\tsrli t1, t1, 20\n\tCHECK t2, t1')
    e(f'\taddi s6, s6, 4\n\tli t1, 12\n\tbltu s6, t1, {again}')
    end('fence.i')


def test_amo(name, f, size):
    m = (1 << (8 * size)) - 1
    w = 'd' if size == 8 else 'w'
    s = s64 if size == 8 else s32
    e('\tBEGIN')
    rows = []
    for a in EDGES:
        for b in EDGES:
            new = f(a & m, b & m, s) & m
            rows.append((a, b, s(a), (a & ~m & M64) | new))
    table(rows)
    buf, again = new_label(), new_label()
    e(f'\t.pushsection .data\n\t.balign 8\n{buf}:\t.dword 0\n\t.popsection')
    e(f'\tla t0, {buf}')
    e(f'{again}:\tld t1, 0(s4)\n\tld t2, 8(s4)\n\tsd t1, 0(t0)')
    e(f'\t{name}.{w} t3, t2, (t0)\n\tld t6, 16(s4)\n\tCHECK t3, t6')
    e('\tld t3, 0(t0)\n\tld t6, 24(s4)\n\tCHECK t3, t6')
    # with ordering bits, and with the result not wanted
    e(f'\tsd t1, 0(t0)\n\t{name}.{w}.aqrl x0, t2, (t0)\n\tCHECK x0, zero')
    e('\tld t3, 0(t0)\n\tCHECK t3, t6')
    # destination is the operand, destination is the address
    e(f'\tsd t1, 0(t0)\n\t{name}.{w} t2, t2, (t0)\n\tld t6, 16(s4)')
    e('\tCHECK t2, t6\n\tsd t1, 0(t0)\n\tld t2, 8(s4)')
    e(f'\t{name}.{w} t0, t2, (t0)\n\tCHECK t0, t6\n\tla t0, {buf}')
    e(f'\taddi s4, s4, 32\n\tbltu s4, s5, {again}')
    end(f'{name}.{w}')


def test_lrsc(w, size):
    load, store = ('ld', 'sd') if size == 8 else ('lw', 'sw')
    buf = new_label()
    e(f'\t.pushsection .data\n\t.balign 64\n{buf}:\t.space 64\n\t.popsection')
    e(f'\tBEGIN\n\tla t0, {buf}\n\taddi t1, t0, 32')
    value = 0x8000000000000005 if size == 8 else 0x80000005
    e(f'\tli t2, {value:#x}\n\t{store} t2, 0(t0)\n\t{store} t2, 0(t1)')
    # no reservation
    e(f'\tsc.{w} t3, x0, (t0)\n\tsnez t3, t3')
    check('t3', 1)
    # success, once
    e(f'\tlr.{w} t4, (t0)')
    check('t4', value if size == 8 else s32(value))
    e(f'\tli t5, 77\n\tsc.{w} t3, t5, (t0)\n\tCHECK t3, x0')
    e(f'\t{load} t4, 0(t0)\n\tCHECK t4, t5')
    e(f'\tsc.{w} t3, x0, (t0)\n\tsnez t3, t3')
    check('t3', 1)
    # reserved elsewhere
    e(f'\tlr.{w} t4, (t0)\n\tsc.{w} t3, x0, (t1)\n\tsnez t3, t3')
    check('t3', 1)
    # changed in between
    e(f'\tlr.{w} t4, (t0)\n\tli t5, 78\n\t{store} t5, 0(t0)')
    e(f'\tsc.{w} t3, x0, (t0)\n\tsnez t3, t3')
    check('t3', 1)
    e(f'\t{load} t4, 0(t0)\n\tCHECK t4, t5')
    # a counter, 100 times
    again = new_label()
    e(f'\t{store} x0, 0(t0)\n\tli t5, 100')
    e(f'{again}:\tlr.{w}.aq t4, (t0)\n\taddi t4, t4, 1')
    e(f'\tsc.{w}.rl t3, t4, (t0)\n\tbnez t3, {again}')
    e(f'\taddi t5, t5, -1\n\tbnez t5, {again}\n\t{load} t4, 0(t0)')
    check('t4', 100)
    end(f'lr.{w} sc.{w}')


def directed(group):
    if group == 'rv64ui':
        for name, f in REG.items():
            test_reg(name, f, EDGES)
        for name, f in IMM.items():
            test_imm(name, f, IMMS)
        for name, (f, bits) in SHIFT.items():
            test_imm(name, f, [0, 1, 7, 14, bits // 2, bits - 1])
        test_upper()
        for name, f in BRANCH.items():
            test_branch(name, f)
        test_jump()
        for name, (size, signed) in LOAD.items():
            test_load(name, size, signed)
        for name, size in STORE.items():
            test_store(name, size)
        test_fence()
        count = (len(REG) + len(IMM) + len(SHIFT) + 2 + len(BRANCH) + 2 +
                 len(LOAD) + len(STORE) + 2)
    elif group == 'rv64um':
        for name, f in MULDIV.items():
            test_reg(name, f, EDGES)
        count = len(MULDIV)
    else:
        for size in (4, 8):
            for name, f in AMO.items():
                test_amo(name, f, size)
        test_lrsc('w', 4)
        test_lrsc('d', 8)
        count = 2 * len(AMO) + 2
    return count


# Random programs: t0..t6, s0..s11, a0..a7, ra, gp hold values; sp points to
# the memory, tp is used for addresses.
VALUES = [r for r in range(1, 32) if r not in (2, 4)]


def random_value(rng):
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(EDGES)
    if kind < 0.7:
        return rng.getrandbits(64)
    return rng.getrandbits(rng.randrange(1, 65))


def random_insn(rng):
    rd = rng.choice(VALUES + [0])
    rs1, rs2 = rng.choice(VALUES + [0]), rng.choice(VALUES + [0])
    kind = rng.random()
    if kind < 0.30:
        e(f'\t{rng.choice(list(REG))} x{rd}, x{rs1}, x{rs2}')
    elif kind < 0.45:
        e(f'\t{rng.choice(list(MULDIV))} x{rd}, x{rs1}, x{rs2}')
    elif kind < 0.58:
        e(f'\t{rng.choice(list(IMM))} x{rd}, x{rs1}, '
          f'{rng.randrange(-2048, 2048)}')
    elif kind < 0.66:
        name = rng.choice(list(SHIFT))
        e(f'\t{name} x{rd}, x{rs1}, {rng.randrange(SHIFT[name][1])}')
    elif kind < 0.70:
        e(f'\t{rng.choice(["lui", "auipc"])} x{rd}, {rng.getrandbits(20)}')
    elif kind < 0.78:
        # an address from a value: any alignment, across pages
        e(f'\tandi x4, x{rs1}, 2047\n\tadd x4, x4, x2')
        e(f'\t{rng.choice(list(LOAD))} x{rd}, {rng.randrange(0, 2000)}(x4)')
    elif kind < 0.86:
        e(f'\tandi x4, x{rs1}, 2047\n\tadd x4, x4, x2')
        e(f'\t{rng.choice(list(STORE))} x{rs2}, {rng.randrange(0, 2000)}(x4)')
    elif kind < 0.91:
        w = rng.choice('wd')
        e(f'\tandi x4, x{rs1}, 2040\n\tadd x4, x4, x2')
        e(f'\t{rng.choice(list(AMO))}.{w} x{rd}, x{rs2}, (x4)')
    elif kind < 0.93:
        w = rng.choice('wd')
        e(f'\tandi x4, x{rs1}, 2040\n\tadd x4, x4, x2')
        e(f'\tlr.{w} x{rd}, (x4)')
        if rng.random() < 0.5:
            e(f'\tsw x{rs1}, 0(x4)')
        e(f'\tsc.{w} x{rng.choice(VALUES)}, x{rs2}, (x4)')
    elif kind < 0.98:
        skip = new_label()
        e(f'\t{rng.choice(list(BRANCH))} x{rs1}, x{rs2}, {skip}')
        for _ in range(rng.randrange(1, 4)):
            e(f'\t{rng.choice(list(REG))} x{rng.choice(VALUES)}, '
              f'x{rng.choice(VALUES)}, x{rng.choice(VALUES)}')
        e(f'{skip}:')
    else:
        skip = new_label()
        if rng.random() < 0.5:
            e(f'\tjal x{rd}, {skip}\n\tebreak\n{skip}:')
        else:
            e(f'\tla x4, {skip}\n\tjalr x{rd}, 0(x4)\n\tebreak\n{skip}:')


def random_program(seed, count):
    rng = random.Random(seed)
    e('\t.option norelax\n\t.globl _start\n_start:\n\tla x2, memory')
    for r in VALUES:
        e(f'\tli x{r}, {random_value(rng):#x}')
    # twice over, so that instructions run from the decoded cache as well
    e('again:')
    for _ in range(count):
        random_insn(rng)
    e('\tla x4, counter\n\tsd x1, 16(x4)\n\tld x1, 0(x4)\n\taddi x1, x1, 1')
    e('\tsd x1, 0(x4)\n\tsltiu x1, x1, 2\n\tbeqz x1, 1f')
    e('\tld x1, 16(x4)\n\tla x4, again\n\tjr x4\n1:\tla x4, dump')
    for r in VALUES:
        e(f'\tsd x{r}, {8 * r}(x4)')
    e('\tli a0, 1\n\tla a1, dump\n\tla a2, dump_end\n\tsub a2, a2, a1\n\tli a7, 64')
    e('\tecall\n\tli a0, 0\n\tli a7, 93\n\tecall')
    e('\t.data\n\t.balign 4096\ncounter:\t.space 32\ndump:\t.space 256')
    e('memory:')
    for _ in range(4096 // 8 + 8):
        e(f'\t.dword {random_value(rng):#x}')
    e('dump_end:')


def main(argv):
    e('# Made by gen.py ' + ' '.join(argv[1:]))
    if len(argv) >= 3 and argv[1] == 'random':
        random_program(int(argv[2]), int(argv[3]) if len(argv) > 3 else 2000)
    elif len(argv) == 3 and argv[1] == 'directed':
        e('\t.include "env.S"\n\t.text\n\t.globl _start')
        e('_start:\n\tli s0, 0')
        count = directed(argv[2])
        e('\tFINISH')
        out[0] += f', {count} instructions'
    else:
        sys.exit(__doc__)
    print('\n'.join(out))


main(sys.argv)
