#!/usr/bin/env python3
"""Writes case_ranges.def: Unicode's simple case mapping, from the Unicode data of this Python, as ranges of equal distance."""
import sys
import unicodedata


def simple_upper(c):
    full = c.upper()
    if len(full) == 1:
        return full
    title = c.title()  # Greek letters with iota below: the simple mapping is the title case
    return title if len(title) == 1 else c


def simple_lower(c):
    return c.lower()[0] if c == "\u0130" else c.lower() if len(c.lower()) == 1 else c


def ranges(mapping):
    found = []
    for code in range(0x80, 0x110000):
        if 0xD800 <= code <= 0xDFFF:
            continue
        delta = ord(mapping(chr(code))) - code
        if delta == 0:
            continue
        if found:
            first, last, step, distance = found[-1]
            gap = code - last
            if distance == delta and (gap == step or (first == last and gap <= 2)):
                found[-1] = (first, code, gap, delta)
                continue
        found.append((code, code, 1, delta))
    return found


out = open(sys.argv[1], "w")
out.write(f"// Written by case_ranges.py from Unicode {unicodedata.unidata_version}: simple case mapping of everything but ASCII.\n")
out.write("// UPPER, LOWER(first, last, step, distance): each `step`-th code point from first to last, plus distance, is the other case.\n")
for name, mapping in (("UPPER", simple_upper), ("LOWER", simple_lower)):
    for first, last, step, delta in ranges(mapping):
        out.write(f"{name}(0x{first:04X}, 0x{last:04X}, {step}, {delta})\n")
