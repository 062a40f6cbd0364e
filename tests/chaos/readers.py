"""Who reads the output of a pipeline while it is written, and what must not be seen there."""
import json
import threading
import time
from collections import defaultdict

from world import PARTITIONS, Session, partition_of, rows_of_table

EVERY = 0.05  # seconds between two looks at a table
FEW = 5  # looks: fewer prove nothing


class TopicReader:
    """Reads a topic while it is written, read_committed."""

    def __init__(self, world, topic):
        self.world, self.topic = world, topic
        self.seen = [[] for _ in range(PARTITIONS)]  # (offset, value)
        self.difference = []
        self.process = world.peer("follow", topic, PARTITIONS)
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        for line in self.process.stdout:
            partition, offset, value = line.rstrip("\n").split("\t", 2)
            self.seen[int(partition)].append((int(offset), value))

    def progress(self):
        return [len(part) for part in self.seen]

    def rows(self):
        """(key, id, seq) as they are in the topic now; what was seen meanwhile must be its beginning, value by value."""
        stored = [[] for _ in range(PARTITIONS)]
        for partition, offset, value in self.world.ask("read", self.topic, PARTITIONS):
            stored[int(partition)].append((int(offset), value))
        time.sleep(0.5)
        for partition, (seen, there) in enumerate(zip([list(part) for part in self.seen], stored)):
            if seen != there[:len(seen)]:
                self.difference.append(f"partition {partition}: what was seen is not the beginning of what is there")
        rows = [json.loads(value) for part in stored for _, value in part]
        return [(row["key"], row["id"], row["seq"]) for row in rows]

    def trouble(self, _is_late=False):
        """What must not be seen, in words."""
        return self.difference

    def words(self):
        return f"a reader beside it saw {sum(self.progress())} records, the beginning of what is there, offset by offset"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(5)


class TableReader:
    """Looks at a table while it is written, each look one snapshot, and holds it against the input and the look before. A thread.

    exactly_once: the rows of a key are the beginning of the input's, in order of insertion, and only grow at the end; and there are as many
    rows as the positions in PostgreSQL say were used, so that rows and position of a batch are seen together or not at all.
    at_least_once: the ids of a key are the beginning of the input's; no row that was seen vanishes.
    at_most_once: the rows of a key are in the input's order, some may be missing, and none comes in before others that were seen.

    A look reads the rows behind `floor`: whatever transaction took a number up to it was over in an earlier look."""

    def __init__(self, world, table, expected, delivery, pipeline):
        self.world, self.table, self.expected, self.delivery, self.pipeline = world, table, expected, delivery, pipeline
        self.vanished, self.disordered, self.halves = [], [], []  # what must not be seen
        self.settled, self.recent = defaultdict(list), defaultdict(list)  # key -> [(n, id)] up to `floor`, and behind it
        self.ranks, self.seen_ranks = defaultdict(dict), defaultdict(set)  # of a key: id -> place in the input; places seen
        self.floor, self.last_number, self.mark = 0, 0, None
        self.positions, self.per_partition = [0] * PARTITIONS, [0] * PARTITIONS
        self.looks = self.grown = self.count = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    @property
    def has_positions(self):
        return self.delivery == "exactly_once"

    def trouble(self, is_late=False):
        """What must not be seen, in words. `is_late`: rows may come in behind later ones."""
        return self.vanished + ([] if is_late else self.disordered) + self.halves + ([] if self.grown >= FEW else [f"only {self.grown} looks saw rows come"])

    def words(self):
        return (f"a reader beside it saw the table in {self.looks} states, each the beginning of the next"
                + (", and of each batch its position and all rows or nothing" if self.has_positions else ""))

    def progress(self):
        """Positions, or where those are not in the database, rows."""
        return list(self.positions if self.has_positions else self.per_partition)

    def watch(self):
        session = None
        while not self.ended.wait(EVERY):
            session = session or Session(self.world)
            if not self.look(session):
                session = None
                self.ended.wait(0.2)  # the table of positions is not made yet, or the database is down
        if session:
            session.close()

    def look(self, session):
        """Is the session still there?"""
        positions = (f"(select sum(used) from piperun.offsets where pipeline = '{self.pipeline}'), "
                     f"(select string_agg(partition || ':' || next_offset, ' ') from piperun.offsets where pipeline = '{self.pipeline}' "
                     "and topic not like '#%')") if self.has_positions else "null, null"
        said = session.execute(f"select coalesce(pg_sequence_last_value(pg_get_serial_sequence('public.{self.table}', 'n')::regclass), 0), "
                               "pg_current_xact_id();"
                               f"select * from (select 0 n, pg_snapshot_xmin(pg_current_snapshot())::text, '', {positions} union all "
                               f"select n, key::text, id, null, null from public.{self.table} where n > {self.floor}) t order by n;")
        if said is None:
            return False
        last_number, transaction = map(int, said[0].split("\t"))
        _, oldest, _, used, positions = said[1].split("\t")
        self.note([line.split("\t") for line in said[2:]])
        self.settle(int(oldest), transaction, last_number)
        if self.has_positions and positions:
            for partition, offset in (each.split(":") for each in positions.split()):
                self.positions[int(partition)] = int(offset)
            if int(used) != self.count:
                self.halves.append(f"look {self.looks}: {self.count} rows beside positions that speak of {used}")
        return True

    def note(self, lines):
        now = defaultdict(list)
        for n, key, row_id, _, _ in lines:
            now[int(key)].append((int(n), row_id))
        for key in now.keys() | self.recent.keys():
            self.compare(key, self.recent[key], now[key])
        self.recent = now
        per_partition = [0] * PARTITIONS
        for key in self.settled.keys() | now.keys():
            per_partition[partition_of(key)] += len(self.settled[key]) + len(now[key])
        self.looks, self.grown = self.looks + 1, self.grown + (sum(per_partition) > self.count)
        self.per_partition, self.count = per_partition, sum(per_partition)

    def settle(self, oldest, transaction, last_number):
        """What no open transaction can change any more need not be read again. A number is taken a moment before the transaction has its
        own: that of the look before is safe when all transactions up to this look's are over."""
        if self.mark and oldest > self.mark[1]:
            self.floor, self.mark = self.mark[0], None
            for key, rows in self.recent.items():
                self.settled[key] += [row for row in rows if row[0] <= self.floor]
                self.recent[key] = [row for row in rows if row[0] > self.floor]
        if not self.mark:
            self.mark = (self.last_number, transaction)
        self.last_number = last_number

    def rank(self, key, row_id):
        ranks, rows = self.ranks[key], self.expected[key]
        while len(ranks) < len(rows):
            ranks[rows[len(ranks)][0]] = len(ranks)
        return ranks.get(row_id, -1)

    def compare(self, key, before, now):
        self.hold(key, before, now)
        ranks = [self.rank(key, row_id) for _, row_id in now]
        begin = len(self.settled[key])
        if self.delivery == "exactly_once":
            good = ranks == list(range(begin, begin + len(ranks)))
        elif self.delivery == "at_least_once":
            self.seen_ranks[key].update(ranks)
            good = not self.seen_ranks[key] or (min(ranks, default=0) >= 0 and max(self.seen_ranks[key]) < len(self.seen_ranks[key]))
        else:
            last = self.rank(key, self.settled[key][-1][1]) if begin else -1
            good = all(a < b for a, b in zip([last, *ranks], ranks))
        if not good:
            self.disordered.append(f"look {self.looks}, key {key}: places {ranks[:12]} of the input behind {begin} rows")

    def hold(self, key, before, now):
        """What was seen must be there still, and, where nobody comes late, be the beginning."""
        missing = set(before) - set(now)
        if missing:
            self.vanished.append(f"look {self.looks}, key {key}: {sorted(missing)[:3]} vanished")
        elif self.delivery != "at_least_once" and now[:len(before)] != before:
            known = set(before)
            late = [row for row in now if row not in known and row[0] < before[-1][0]]
            self.disordered.append(f"look {self.looks}, key {key}: {late[:3]} came in before {before[-1]}")

    def rows(self):
        """(key, id, seq) as they are in the table now; what was seen meanwhile must be there. The reader ends."""
        self.close()
        numbered = [(int(n), int(key), row_id) for n, key, row_id in self.world.sql(f"select n, key, id from public.{self.table} order by n")]
        there = defaultdict(list)
        for n, key, row_id in numbered:
            there[key].append((n, row_id))
        for key, rows in self.settled.items():
            self.hold(key, rows + self.recent[key], there[key])
        return rows_of_table(self.world, self.table)

    def close(self):
        self.ended.set()
        self.thread.join(10)
