"""What a chaos run must leave behind: rows, dead letters and the stored ledger, held against a recount of the input."""
import json
import pathlib
import random
import sqlite3
from collections import Counter
from decimal import Decimal

CLASSES = ["used", "filtered", "duplicates", "late", "skipped", "dead", "unknown"]


def make_events(path, seed, count, with_repeats):
    """Writes the input: good events, repeats, events that a filter drops, and bad records. Returns what must become of it."""
    rng = random.Random(seed)
    lines, expected = [], Counter()
    fates = Counter()
    rows, seq = [], Counter()
    for number in range(count):
        draw = rng.random()
        if with_repeats and rows and draw < 0.05:
            lines.append(rng.choice(rows[-100:]))
            fates["duplicates"] += 1
            continue
        key = rng.randrange(20)
        seq[key] += 1
        event = {"id": f"{seed}-{number}", "key": key, "seq": seq[key], "amount": f"{Decimal(rng.randint(1, 99999)) / 100:.2f}"}
        if draw < 0.07:
            event["amount"] = "0.00"
            fates["filtered"] += 1
        elif draw < 0.09:
            event["amount"] = "much"
            fates["dead"] += 1
        line = json.dumps(event)
        lines.append(line)
        if draw >= 0.09:
            rows.append(line)
            expected[event["id"]] += 1
            fates["used"] += 1
    pathlib.Path(path).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    fates["read"] = count
    return expected, fates


def query(database, sql):
    if not pathlib.Path(database).exists():
        return []
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []  # not made yet
    finally:
        connection.close()


def progress(databases):
    """The sum of all committed positions: it grows while a unit is at work."""
    total = 0
    for database in databases:
        for (position,) in query(database, "SELECT coalesce(sum(next_offset), 0) FROM piperun_positions WHERE topic NOT LIKE '#%'"):
            total += position
    return total


def stored_rows(database):
    return [row for (row,) in query(database, "SELECT id FROM rows ORDER BY rowid")]


def ledger(database):
    counts = Counter()
    for row in query(database, f"SELECT sum(read), {', '.join(f'sum({name})' for name in CLASSES)} FROM piperun_positions "
                               "WHERE topic NOT LIKE '#%'"):
        counts.update(dict(zip(["read", *CLASSES], [value or 0 for value in row])))
    return counts
