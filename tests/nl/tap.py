# SPDX-License-Identifier: GPL-2.0
"""Test Anything Protocol, one line for each test function."""
import sys
import traceback

TESTS = []


def test(what):
    def add(fn):
        TESTS.append((what, fn))
        return fn
    return add


def run():
    failed = 0
    print("TAP version 13", flush=True)
    print(f"1..{len(TESTS)}", flush=True)
    for n, (what, fn) in enumerate(TESTS, 1):
        try:
            fn()
            print(f"ok {n} - {what}", flush=True)
        except Exception:  # whatever it is, it is this test's failure
            failed += 1
            print(f"not ok {n} - {what}", flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit("a library")
