# SPDX-License-Identifier: GPL-2.0
"""What a program shows on a terminal: a screen of cells, of what it wrote; and as SVG.

Knows what vgpuctl writes, and refuses anything else: a picture that is wrong is worse
than none.
"""
import html
import re
import unicodedata

CSI = re.compile(r"\x1b\[(\?)?([0-9;]*)([A-Za-z~])")


class Screen:
    """Cells of (character, style); a style is a frozenset of numbers of SGR."""

    def __init__(self, columns=80, rows=24):
        self.pending = ""
        self.modes = {}
        self.style = frozenset()
        self.resize(columns, rows)

    def resize(self, columns, rows):
        old = getattr(self, "cells", [])
        self.columns, self.rows = columns, rows
        self.cells = [[old[y][x] if y < len(old) and x < len(old[y]) else (" ", frozenset())
                       for x in range(columns)] for y in range(rows)]
        self.x = self.y = 0

    def lines(self):
        return ["".join(c for c, _ in row).rstrip() for row in self.cells]

    def row_styles(self, y):
        return {n for _, style in self.cells[y] for n in style}

    def feed(self, data):
        text = self.pending + data.decode("utf-8", "replace")
        self.pending = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
                continue
            m = CSI.match(text, at)
            if not m:
                if len(text) - at > 16:
                    raise ValueError(f"no sequence that is known: {text[at:at + 16]!r}")
                self.pending = text[at:]    # the rest is on its way
                return
            self.control(*m.groups())
            at = m.end()

    def put(self, c):
        if c == "\r":
            self.x = 0
        elif c == "\n":
            self.y += 1
            if self.y == self.rows:
                self.cells = self.cells[1:] + [[(" ", frozenset())] * self.columns]
                self.y -= 1
        elif c == "\x07":
            pass
        elif c < " ":
            raise ValueError(f"a control character: {c!r}")
        elif unicodedata.combining(c):
            old, style = self.cells[self.y][max(self.x - 1, 0)]
            self.cells[self.y][max(self.x - 1, 0)] = (old + c, style)
        else:
            wide = 2 if unicodedata.east_asian_width(c) in "WF" else 1
            if self.x + wide > self.columns:
                if not self.modes.get("7", True):   # cut
                    return
                self.x = 0
                self.put("\n")
            self.cells[self.y][self.x] = (c, self.style)
            if wide == 2:
                self.cells[self.y][self.x + 1] = ("", self.style)
            self.x += wide

    def control(self, private, numbers, letter):
        n = [int(x) if x else 0 for x in numbers.split(";")] if numbers else [0]
        if private:
            self.modes[numbers] = letter == "h"
            if numbers == "1049":
                self.resize(self.columns, self.rows)
                self.cells = [[(" ", frozenset())] * self.columns for _ in range(self.rows)]
        elif letter == "m":
            for i in n:
                self.style = frozenset() if i == 0 else self.style | {i}
        elif letter == "H":
            self.x = self.y = 0
        elif letter == "K":
            self.cells[self.y][self.x:] = [(" ", frozenset())] * (self.columns - self.x)
        elif letter == "J":
            first = 0 if n[0] == 2 else self.y + 1
            if n[0] != 2:
                self.control(None, "", "K")
            for y in range(first, self.rows):
                self.cells[y] = [(" ", frozenset())] * self.columns
        else:
            raise ValueError(f"no sequence that is known: {private or ''}{numbers}{letter}")


CLASSES = {1: "b", 2: "d", 7: "v", 31: "r", 32: "g", 33: "y", 36: "c"}
# Two sets of colours: a page that is light shows the first, one that is dark the second.
STYLE = """
  text { font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre; fill: #1f2328; }
  .page { fill: #f6f8fa; stroke: #d0d7de; } .mark { fill: #1f2328; } .v { fill: #f6f8fa; }
  .b { font-weight: bold; } .d { fill: #656d76; } .g { fill: #116329; } .y { fill: #7d4e00; }
  .r { fill: #a40e26; font-weight: bold; } .c { fill: #1b7c83; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .page { fill: #0d1117; stroke: #30363d; } .mark { fill: #e6edf3; } .v { fill: #0d1117; }
    .d { fill: #8d96a0; } .g { fill: #56d364; } .y { fill: #e3b341; } .r { fill: #ff7b72; } .c { fill: #76e3ea; }
  }
"""
CELL, LINE, EDGE = 8.43, 19, 14


def svg(screen, title):
    """The screen as a picture, without the empty lines at its end."""
    rows = screen.cells
    while rows and not "".join(c for c, _ in rows[-1]).strip():
        rows = rows[:-1]
    columns = max(len("".join(c for c, _ in row).rstrip()) for row in rows)
    width, height = columns * CELL + 2 * EDGE, len(rows) * LINE + 2 * EDGE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
           f'viewBox="0 0 {width:.0f} {height}" role="img" xml:space="preserve">',
           f"<title>{html.escape(title)}</title>", f"<style>{STYLE}</style>",
           f'<rect class="page" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="6"/>']
    for y, row in enumerate(rows):
        base = EDGE + y * LINE
        x = 0
        while x < columns:
            style, end = row[x][1], x
            while end < columns and row[end][1] == style:
                end += 1
            # what takes two columns, or none, would not be where it is: it is in no picture yet
            text = "".join(c for c, _ in row[x:end])
            if len(text) != end - x:
                raise ValueError(f"cells of another width: {text!r}")
            if 7 in style:
                out.append(f'<rect class="mark" x="{EDGE + x * CELL:.2f}" y="{base}" '
                           f'width="{(end - x) * CELL:.2f}" height="{LINE}"/>')
            if text.strip():
                # blanks around it need not be there
                start, text = x + len(text) - len(text.lstrip()), text.strip()
                names = " ".join(CLASSES[n] for n in sorted(style) if n in CLASSES)
                out.append(f'<text x="{EDGE + start * CELL:.2f}" y="{base + 14}" textLength="{len(text) * CELL:.2f}"'
                           + (f' class="{names}"' if names else "") + f">{html.escape(text)}</text>")
            x = end
    return "\n".join(out) + "\n</svg>\n"
