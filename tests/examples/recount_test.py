"""recount.py finds what is wrong: a result that it accepts is no longer accepted after one change to it.

usage: recount_test.py EXAMPLES
"""
import copy
import sys
from pathlib import Path

import recount


def as_found(want):
    """What a run would have left behind if it did just what was recounted."""
    ledger = {"unit": want.unit, "read": want.fates.total()}
    ledger |= {fate: want.fates[fate] for fate in ("used", "filtered", "duplicates", "late", "skipped", "dead", "unknown")}
    return {"ledger": [ledger], "tables": {name: list(rows.values()) for name, rows in want.tables.items()}, "topics": {},
            "dead_letters": [{"offset": index, "reason": words} for index, words in want.dead.items()]}


def lose_row(found, table):
    found["tables"][table].pop(17)


def repeat_row(found, table):
    found["tables"][table].append(found["tables"][table][0])


def move_a_cent(found, table):
    row = found["tables"][table][5]
    row["amount"] = row["amount"][:-1] + str((int(row["amount"][-1]) + 1) % 10)


def swap_fates(found, _):
    found["ledger"][0]["duplicates"] -= 1
    found["ledger"][0]["used"] += 1


def swap_letters(found, _):
    first, second = found["dead_letters"][0], next(l for l in found["dead_letters"] if l["reason"][:9] == "no custom" or l["reason"][:6] == "no acc")
    first["offset"], second["offset"] = second["offset"], first["offset"]


data = Path(sys.argv[1]) / "data"
for name, table in {"orders": "order_lines", "payments": "bookings"}.items():
    good = as_found(recount.RECOUNTS[name](data))
    assert recount.differences(name, data, good) == [], name
    for change in (lose_row, repeat_row, move_a_cent, swap_fates, swap_letters):
        bad = copy.deepcopy(good)
        change(bad, table)
        if not recount.differences(name, data, bad):
            sys.exit(f"{name}: {change.__name__} was not noticed")
