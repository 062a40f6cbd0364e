#!/usr/bin/env python3
"""Keys of `dedup` go when no partition can need them any more, whoever works on which; and no repeat gets through meanwhile."""
import contextlib
import datetime
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from commands import PIPERUN, rows_of, servers
from processes import wait_until

PARTITIONS = 3
WAVES, WAVE = 30, 120  # so many times so many keys
STEP = 60  # seconds of event time from wave to wave; `within` is two steps
MOST = 15 * WAVE  # of the last four steps, and what comes between two removals of a worker

FILE = """
pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 10ms
  commit_records  = 5
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
type Order {{ id: string, at: timestamp }}
source orders: Order = bus {{ topic = "{name}.in", event_time = at{promise} }}
sink lines = {sink}
flow booked {{
  from orders
  dedup id within 2m
  to lines
}}
"""


class KeyExpiry(unittest.TestCase):
    def setUp(self):
        self.name = f"expiry{time.time_ns()}"
        self.folder = Path(tempfile.mkdtemp(prefix="piperun-expiry-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.begin = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(days=1)
        servers("topic", "create", f"{self.name}.in", str(PARTITIONS))
        servers("topic", "create", f"{self.name}.out", str(PARTITIONS))

    def write(self, sink, promise=""):
        (self.folder / "p.pipe").write_text(FILE.format(name=self.name, sink=sink.format(name=self.name), promise=promise))

    def piperun(self, *words, text=""):
        done = subprocess.run([PIPERUN, *words], cwd=self.folder, input=text, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, f"piperun {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def orders(self, wave, part):
        """The keys of a wave that belong together."""
        at = (self.begin + datetime.timedelta(seconds=STEP * wave)).isoformat().replace("+00:00", "Z")
        return "".join(json.dumps({"id": f"{wave}-{number}", "at": at}) + "\n" for number in range(part, WAVE, PARTITIONS))

    def put(self, partition, orders):
        self.piperun("topic", "put", "orders", "p.pipe", "--partition", str(partition), text=orders)

    @contextlib.contextmanager
    def workers(self, processes, each):
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(open(self.folder / "log", "a", encoding="utf-8"))
            for number in range(processes):
                child = subprocess.Popen([PIPERUN, "p.pipe", "--workers", str(each), "--state-dir", f"state{number}"], cwd=self.folder,
                                         stdout=log, stderr=log)
                stack.callback(lambda child=child: (child.terminate(), child.wait(60)))
            yield

    def read(self):
        """Records that have a fate."""
        shown = rows_of(self.piperun("offsets", "show", "p.pipe", "--json"))
        return sum(each["read"] for each in shown if each["topic"] == f"{self.name}.in")

    def see_all(self, expected):
        wait_until(lambda: self.read() == expected, 90, f"{expected} records were not read; see {self.folder}")

    def rows(self):
        return rows_of(self.piperun("table", "peek", "lines", "p.pipe", "--json", "--limit", "100000"))

    def stored_in_postgres(self):
        statement = (f"SELECT count(*) FROM piperun.keys k JOIN piperun.operators o ON o.id = k.operator WHERE o.pipeline = '{self.name}'")
        done = subprocess.run(["psql", os.environ["POSTGRES_URL"], "-Atqc", statement], capture_output=True, text=True, check=True)
        return int(done.stdout)

    def stored_beside_kafka(self):
        found = 0
        for file in self.folder.glob("state*/*.keys/*.db"):
            with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
                found += database.execute("SELECT count(*) FROM piperun_keys").fetchone()[0]
        return found

    def waves(self, stored, shift):
        """Each wave once, and with the next one again, so many partitions further. The most keys that were ever seen."""
        most = 0
        for wave in range(WAVES):
            for partition in range(PARTITIONS):
                again = self.orders(wave - 1, (partition + shift) % PARTITIONS) if wave > 0 else ""
                self.put(partition, self.orders(wave, partition) + again)
            most = max(most, stored())
        return most

    def test_several_processes_keep_the_table_of_a_database_small(self):
        self.write('shop {{ table = "{name}_lines", create = true }}')
        with self.workers(2, 2):
            most = self.waves(self.stored_in_postgres, 1)
            self.see_all((2 * WAVES - 1) * WAVE)
        self.assertLess(most, MOST)
        self.assertLess(self.stored_in_postgres(), MOST)
        self.assertEqual(len(self.rows()), WAVES * WAVE)

    def test_several_workers_keep_the_stores_beside_kafka_small(self):
        self.write('bus {{ topic = "{name}.out" }}', ", partitioned_by = id")
        with self.workers(1, 2):
            self.waves(lambda: 0, 0)
            self.see_all((2 * WAVES - 1) * WAVE)
        stored = self.stored_beside_kafka()
        self.assertGreater(stored, 0)
        self.assertLess(stored, MOST)
        written = [json.loads(row["value"])["id"] for row in rows_of(self.piperun("topic", "peek", "lines", "p.pipe", "--all"))]
        self.assertEqual(len(written), WAVES * WAVE)
        self.assertEqual(len(set(written)), WAVES * WAVE)

    def test_a_partition_that_is_behind_keeps_its_keys(self):
        self.write('shop {{ table = "{name}_lines", create = true }}')
        self.put(0, self.orders(0, 0))
        with self.workers(1, 2):
            self.see_all(WAVE // PARTITIONS)
            for wave in range(1, WAVES):
                self.put(1, self.orders(wave, 1))
                self.put(2, self.orders(wave, 2))
            self.put(0, self.orders(0, 0))  # late, for the others are hours ahead
            self.see_all(2 * WAVE // PARTITIONS + 2 * (WAVES - 1) * WAVE // PARTITIONS)
        self.assertEqual(len(self.rows()), WAVE // PARTITIONS + 2 * (WAVES - 1) * WAVE // PARTITIONS)


if __name__ == "__main__":
    unittest.main()
