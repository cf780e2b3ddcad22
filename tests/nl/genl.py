# SPDX-License-Identifier: GPL-2.0
"""Generic netlink by hand: nothing between the test and the bytes.

Numbers and types come from Documentation/netlink/specs/vgpu.yaml.
"""
import errno
import os
import socket
import struct

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPEC = os.path.join(TOP, "Documentation/netlink/specs/vgpu.yaml")

NETLINK_GENERIC = 16
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP = 1
NETLINK_EXT_ACK = 11

NLMSG_ERROR, NLMSG_DONE = 2, 3
F_REQUEST, F_MULTI, F_ACK, F_DUMP_INTR, F_DUMP = 1, 2, 4, 0x10, 0x300
F_CAPPED, F_ACK_TLVS = 0x100, 0x200
NLA_TYPE_MASK = 0x3fff
NLA_F_NESTED = 0x8000

CTRL, CTRL_CMD_GETFAMILY = 16, 3


class Spec:
    """Numbers by name, names by number."""

    def __init__(self):
        with open(SPEC, encoding="utf-8") as f:
            spec = yaml.safe_load(f)
        self.ops = {o["name"]: n for n, o in enumerate(spec["operations"]["list"], 1)}
        self.op_lists = {o["name"]: o for o in spec["operations"]["list"]}
        self.sets = {}
        for s in spec["attribute-sets"]:
            self.sets[s["name"]] = {a["name"]: (n, a) for n, a in enumerate(s["attributes"], 1)}
        self.definitions = spec["definitions"]
        self.enums = {d["name"]: [e["name"] if isinstance(e, dict) else e for e in d["entries"]]
                      for d in spec["definitions"] if "entries" in d}


SPECS = Spec()


def attr(kind, payload):
    """One attribute with padding."""
    n = 4 + len(payload)
    return struct.pack("=HH", n, kind) + payload + b"\0" * (-n % 4)


def u32(v):
    return struct.pack("=I", v)


def u64(v):
    return struct.pack("=Q", v)


def encode(set_name, **values):
    """Attributes by name (with underscores); bytes go out as they are."""
    out = b""
    for name, v in values.items():
        number, a = SPECS.sets[set_name][name.replace("_", "-")]
        if isinstance(v, bytes):
            payload = v
        elif a["type"] == "u64":
            payload = u64(v)
        elif a["type"] == "string":
            payload = v.encode() + b"\0"
        else:
            payload = u32(v)
        out += attr(number, payload)
    return out


def split(data):
    """[(type, payload)]"""
    out = []
    at = 0
    while at + 4 <= len(data):
        n, kind = struct.unpack_from("=HH", data, at)
        assert n >= 4 and at + n <= len(data), "a broken attribute from the kernel"
        out.append((kind & NLA_TYPE_MASK, data[at + 4:at + n]))
        at += (n + 3) & ~3
    assert at >= len(data), "bytes left over after the attributes"
    return out


def decode(set_name, data):
    by_number = {n: (name, a) for name, (n, a) in SPECS.sets[set_name].items()}
    out = {}
    for number, payload in split(data):
        name, a = by_number[number]
        kind = a["type"]
        if kind == "pad":
            continue
        if kind == "u32":
            value, = struct.unpack("=I", payload)
        elif kind == "s32":
            value, = struct.unpack("=i", payload)
        elif kind == "u64":
            value, = struct.unpack("=Q", payload)
        elif kind == "string":
            assert payload.endswith(b"\0") and payload.count(b"\0") == 1, f"{name} is no C string"
            value = payload[:-1].decode()
        elif kind == "flag":
            assert not payload
            value = True
        elif kind == "nest":
            value = decode(a["nested-attributes"], payload)
        else:
            value = payload
        if a.get("multi-attr"):
            out.setdefault(name, []).append(value)
        else:
            assert name not in out, f"{name} twice"
            out[name] = value
    return out


class Refused(Exception):
    """errno, the kernel's sentence, and which attribute it blames; @early: before an answer began."""

    def __init__(self, err, text="", attr_name=None, missing=None, early=True):
        super().__init__(f"{errno.errorcode.get(err, err)}: {text} "
                         f"(attribute {attr_name}, missing {missing})")
        self.err, self.text, self.attr, self.missing, self.early = err, text, attr_name, missing, early


class Genl:
    def __init__(self, size=65536):
        self.size = size
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.bind((0, 0))
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.settimeout(20)
        self.seq = 1
        self.family, self.groups, self.version, self.op_count = self.resolve("vgpu")

    def close(self):
        self.sock.close()

    def resolve(self, name):
        reply = self.talk_raw(CTRL, CTRL_CMD_GETFAMILY, attr(2, name.encode() + b"\0"))[0]
        family = groups = version = ops = None
        for kind, payload in split(reply):
            if kind == 1:
                family, = struct.unpack("=H", payload)
            elif kind == 3:
                version, = struct.unpack("=I", payload)
            elif kind == 6:
                ops = len(split(payload))
            elif kind == 7:
                groups = {}
                for _, group in split(payload):
                    parts = dict(split(group))
                    groups[parts[1][:-1].decode()] = struct.unpack("=I", parts[2])[0]
        return family, groups, version, ops

    def send(self, family, cmd, payload=b"", flags=0, version=1, reserved=0):
        self.seq += 1
        body = struct.pack("=BBH", cmd, version, reserved) + payload
        self.request = struct.pack("=IHHII", 16 + len(body), family,
                                   F_REQUEST | flags, self.seq, 0) + body
        # as write() does: with an address, who opened the socket would not count
        self.sock.send(self.request)
        return self.seq

    def blame(self, set_name, flags, data):
        """The text and the attributes of an acknowledgement."""
        at = 20
        if not flags & F_CAPPED:
            n, = struct.unpack_from("=I", data, 4)
            at = 4 + ((n + 3) & ~3)
        return self.blame_tlvs(set_name, flags, data[at:])

    def blame_tlvs(self, set_name, flags, data):
        text, bad, missing = "", None, None
        if not flags & F_ACK_TLVS:
            return text, bad, missing
        names = {n: name for name, (n, _) in SPECS.sets.get(set_name, {}).items()}
        for kind, payload in split(data):
            if kind == 1:
                text = payload.rstrip(b"\0").decode()
            elif kind == 2:
                off, = struct.unpack("=I", payload)
                number, = struct.unpack_from("=H", self.request, off + 2)
                bad = names.get(number & NLA_TYPE_MASK, number)
            elif kind == 5:
                number, = struct.unpack("=I", payload)
                missing = names.get(number, number)
        return text, bad, missing

    def receive(self, seq, set_name=None, dump=False, stats=None):
        """Payloads of the answers, or Refused."""
        out = []
        while True:
            data, _, truncated, _ = self.sock.recvmsg(self.size)
            assert not truncated & socket.MSG_TRUNC, "a message does not fit into the buffer"
            at = 0
            while at + 16 <= len(data):
                n, kind, flags, s, _ = struct.unpack_from("=IHHII", data, at)
                body = data[at + 16:at + n]
                at += (n + 3) & ~3
                if s != seq:
                    continue
                if stats is not None:
                    stats["messages"] = stats.get("messages", 0) + 1
                    stats["interrupted"] = stats.get("interrupted", False) or bool(flags & F_DUMP_INTR)
                if kind == NLMSG_ERROR:
                    err, = struct.unpack_from("=i", body)
                    if err:
                        raise Refused(-err, *self.blame(set_name, flags, body))
                    if not dump:
                        return out
                elif kind == NLMSG_DONE:
                    err = struct.unpack_from("=i", body)[0] if len(body) >= 4 else 0
                    if err < 0:
                        raise Refused(-err, *self.blame_tlvs(set_name, flags, body[4:]), early=False)
                    return out
                else:
                    out.append(body[4:])

    def talk_raw(self, family, cmd, payload=b"", set_name=None, flags=0, **kw):
        seq = self.send(family, cmd, payload, flags | F_ACK, **kw)
        return self.receive(seq, set_name)

    def set_of(self, op):
        return SPECS.op_lists[op]["attribute-set"]

    def do_raw(self, op, payload, **kw):
        return self.talk_raw(self.family, SPECS.ops[op], payload, self.set_of(op), **kw)

    def do(self, op, **values):
        """The answer's attributes, or None when there is only the ack."""
        answers = self.do_raw(op, encode(self.set_of(op), **values))
        return decode(self.set_of(op), answers[0]) if answers else None

    def dump(self, op, stats=None, **values):
        seq = self.send(self.family, SPECS.ops[op], encode(self.set_of(op), **values), F_DUMP)
        return [decode(self.set_of(op), a)
                for a in self.receive(seq, self.set_of(op), True, stats)]

    def join(self, *names):
        for name in names:
            self.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, self.groups[name])

    def events(self, count, timeout=10):
        """The next notifications: [(operation, attributes)]"""
        self.sock.settimeout(timeout)
        names = {n: name for name, n in SPECS.ops.items()}
        out = []
        while len(out) < count:
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                break
            n, kind, _, _, _ = struct.unpack_from("=IHHII", data)
            if kind != self.family:
                continue
            op = names[data[16]]
            out.append((op, decode("event", data[20:n])))
        return out


def as_somebody(fn):
    """Runs @fn in a child without privileges; what it raises fails the test."""
    pid = os.fork()
    if not pid:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            fn()
            os._exit(0)
        except BaseException as e:
            print(f"# in the child: {e!r}", flush=True)
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0, "see the child's message"
