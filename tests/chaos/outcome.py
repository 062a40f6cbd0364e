"""What a run left behind, held against its input."""
import threading
from collections import Counter, defaultdict


def difference(wanted, found):
    """(lost, repeated): how many of the Counter `wanted` are missing in `found`, how many are there too often."""
    return sum((wanted - found).values()), sum((found - wanted).values())


def effects(expected, rows):
    """(lost, repeated, out of order): the last are keys whose first occurrences are not in order."""
    found, order = Counter(), defaultdict(list)
    for key, row_id, seq in rows:
        if not found[row_id]:
            order[key].append((row_id, seq))
        found[row_id] += 1
    wanted = Counter(row_id for events in expected.values() for row_id, _ in events)
    disordered = sum([seq for _, seq in events] != sorted(seq for _, seq in events) for events in order.values())
    return *difference(wanted, found), disordered


def fits(row, lost, repeated):
    """Is that what a row of the crash table says? `least` and `most` differ where a kill finds records queued: sent or not."""
    return (row["least"] == 0 if lost else row["most"] > 0) and (row["most"] > 1 if repeated else row["least"] < 2)


class Tally:
    """Counts what passed and failed; threads may share it."""

    def __init__(self):
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def check(self, good, words):
        with self.lock:
            self.passed += bool(good)
            self.failed += not good
            print(f"{'ok  ' if good else 'FAIL'} {words}", flush=True)

    def tell(self, words):
        with self.lock:
            print(f"     {words}", flush=True)
