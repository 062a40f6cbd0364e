"""What a pipeline must have done: its rules in a few lines of Python, applied to the input record by record."""
import json
import random
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

START = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def make_events(count, seed):
    """Records half a minute apart: good ones, repeats soon and late, amounts of zero, and bad ones."""
    rng = random.Random(seed)
    events = []
    for number in range(count):
        at = START + timedelta(seconds=30 * number)
        event = {"id": f"e{number}", "amount": f"{Decimal(rng.randint(1, 99999)) / 100:.2f}", "note": f"n{number % 7}"}
        draw = rng.random()
        if draw < 0.10 and events:
            event["id"] = rng.choice(events[-60:])["id"]       # within half an hour
        elif draw < 0.20 and len(events) > 180:
            event["id"] = events[number - 180]["id"]           # 90 minutes later
        elif draw < 0.25:
            event["amount"] = "0.00"
        elif draw < 0.28:
            event["amount"] = "much"
        events.append(event | {"at": at.isoformat().replace("+00:00", "Z")})
    return events


def text(events):
    return "".join(json.dumps(event) + "\n" for event in events)


class Model:
    """The state of the one flow that all versions have: filter, dedup, write."""

    def __init__(self):
        self.accepted = {}         # of the dedup: times by id
        self.fates = Counter()
        self.rows = Counter()      # (table, id, amount, note)
        self.dead = 0

    def forget(self):
        self.accepted = {}

    def read(self, events, within=HOUR, limit=None, with_note=False, table="rows"):
        for event in events:
            self.fates["read"] += 1
            self.fates[self.fate(event, within, limit, with_note, table)] += 1

    def fate(self, event, within, limit, with_note, table):
        try:
            amount = Decimal(event["amount"])
        except InvalidOperation:
            return "dead"
        at = datetime.fromisoformat(event["at"].replace("Z", "+00:00"))
        if amount <= 0 or (limit and amount >= limit):
            return "filtered"
        times = self.accepted.setdefault(event["id"], [])
        if any(abs(at - time) < within for time in times):
            return "duplicates"
        times.append(at)
        self.rows[(table, event["id"], event["amount"], event["note"] if with_note else None)] += 1
        return "used"
