#!/usr/bin/env python3
"""takeover_test.py PIPERUN [TEST…]: several workers, and several processes on one unit."""
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

PIPERUN = ""
PARTITIONS = 4
NOT_OWNER = 75
FILE = f"""
pipeline shared {{
  delivery = exactly_once
  commit_records  = 20
  commit_interval = 10ms
}}
connection box = embedded {{ path = "box.db" }}
type Event {{ id: int64, counts: bool }}
source events: Event = box {{ topic = "events", partitions = {PARTITIONS} }}
sink rows = box {{ table = "rows" }}
flow all {{
  from events
  filter counts
  to rows
}}
"""


def counts(number):
    return number % 5 != 0


class SharedUnit(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "shared.pipe").write_text(FILE)
        self.written = 0

    def run_piperun(self, *words, text=None):
        return subprocess.run([PIPERUN, *words], cwd=self.folder, input=text, capture_output=True, text=True, timeout=60)

    def put(self, number):
        ids = range(self.written, self.written + number)
        text = "".join(json.dumps({"id": i, "counts": counts(i)}) + "\n" for i in ids)
        done = self.run_piperun("topic", "put", "events", "shared.pipe", "--key", "id", text=text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.written += number

    def start(self, *options):
        process = subprocess.Popen([PIPERUN, "shared.pipe", *options], cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def until(self, what, words):
        deadline = time.monotonic() + 60
        while not what():
            self.assertLess(time.monotonic(), deadline, f"waited for {words}")
            time.sleep(0.005)

    def query(self, text):
        try:
            with sqlite3.connect(f"file:{self.folder / 'box.db'}?mode=ro", uri=True) as database:
                return database.execute(text).fetchall()
        except sqlite3.OperationalError:  # not made yet
            return []

    def positions(self):
        shown = self.run_piperun("offsets", "show", "shared.pipe", "--json").stdout.splitlines()
        return [each for each in map(json.loads, shown) if each["topic"] == "events"]

    def epoch(self):
        return max((each["epoch"] for each in self.positions()), default=0)

    def read(self):
        return sum(each["next_offset"] for each in self.positions())

    def row_count(self):
        found = self.query("SELECT count(*) FROM rows")
        return found[0][0] if found else 0

    def expect_all_once(self):
        expected = [(i,) for i in range(self.written) if counts(i)]
        self.assertEqual(self.query("SELECT id FROM rows ORDER BY id"), expected)

    def drain(self, *options):
        done = self.run_piperun("shared.pipe", "--drain", "--json", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)


class Workers(SharedUnit):
    def check(self, workers):
        self.put(1000)
        ledger = self.drain("--workers", str(workers))
        used = sum(map(counts, range(1000)))
        self.assertEqual((ledger["read"], ledger["used"], ledger["filtered"]), (1000, used, 1000 - used))
        self.assertEqual(ledger["sinks"], {"rows": used})
        ends = {partition: end for partition, end in self.query("SELECT number, end_offset FROM piperun_partitions")}
        self.assertEqual(len(ends), PARTITIONS)
        self.assertTrue(all(end > 0 for end in ends.values()), "each partition has records")
        self.assertEqual({each["partition"]: each["next_offset"] for each in self.positions()}, ends)
        self.expect_all_once()

    def test_one(self):
        self.check(1)

    def test_two(self):
        self.check(2)

    def test_four(self):
        self.check(4)

    def test_another_number_goes_on(self):
        self.check(4)
        self.put(500)
        self.assertEqual(self.drain("--workers", "2")["read"], 1500)
        self.expect_all_once()


class Takeover(SharedUnit):
    def test_busy(self):
        self.put(3000)
        first = self.start("--workers", "2")
        self.until(lambda: self.row_count() > 0, "the first batch")
        second = self.start("--workers", "4")
        self.assertEqual(first.wait(60), NOT_OWNER)
        self.assertIn("P2009", first.stderr.read())
        self.until(lambda: self.read() == self.written, "the second process")
        second.send_signal(signal.SIGTERM)
        self.assertEqual(second.wait(60), 0)
        self.expect_all_once()
        self.assertEqual(self.drain()["read"], self.written)

    def test_idle(self):
        self.put(100)
        first = self.start()
        self.until(lambda: self.read() == self.written, "the first process")
        second = self.start()
        self.assertEqual(first.wait(60), NOT_OWNER)
        self.put(100)
        self.until(lambda: self.read() == self.written, "the second process")
        self.assertIsNone(second.poll())
        self.expect_all_once()


class Reset(SharedUnit):
    def test_takes_the_unit_from_a_process(self):
        self.put(100)
        worker = self.start()
        self.until(lambda: self.read() == self.written, "the process")
        epoch = self.epoch()
        done = self.run_piperun("offsets", "reset", "shared.pipe", "--to", "earliest")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(worker.wait(60), NOT_OWNER)
        self.assertEqual((self.read(), self.epoch()), (0, epoch + 1))
        self.assertEqual(self.drain()["read"], 200)
        self.assertEqual(self.row_count(), 2 * sum(map(counts, range(100))))


class Signals(SharedUnit):
    def test_first_ends_in_good_order(self):
        self.put(3000)
        process = self.start()
        self.until(lambda: self.row_count() > 0, "the first batch")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.drain()["read"], self.written)
        self.expect_all_once()

    def test_second_ends_at_once(self):
        self.put(100)
        lock = sqlite3.connect(self.folder / "box.db", isolation_level=None)
        self.addCleanup(lock.close)
        process = self.start()
        self.until(lambda: self.read() == self.written, "the process")
        lock.execute("BEGIN IMMEDIATE")  # the run cannot end in good order: its last commit waits
        lock.execute("INSERT INTO piperun_records SELECT * FROM piperun_records LIMIT 0")
        self.stop_while_locked(process)
        lock.execute("ROLLBACK")
        self.drain()
        self.expect_all_once()

    def stop_while_locked(self, process):
        process.send_signal(signal.SIGINT)
        blocked = pathlib.Path(f"/proc/{process.pid}/status")
        self.until(lambda: signal.SIGINT not in pending(blocked), "the first signal to be taken")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 128 + signal.SIGINT)


class NewFiles(SharedUnit):
    """A file that comes under a pattern is read from its beginning by the next run, whatever `start` said of the first ones."""

    def test_exactly_once(self):
        self.read_twice("exactly_once", "box { table = \"rows\" }", lambda: [id for id, in self.query("SELECT id FROM rows ORDER BY id")])

    def test_at_least_once(self):
        self.read_twice("at_least_once", "file { path = \"rows.ndjson\", format = json }", self.lines)

    def lines(self):
        return sorted(json.loads(line)["id"] for line in (self.folder / "rows.ndjson").read_text().splitlines())

    def read_twice(self, delivery, sink, rows):
        (self.folder / "shared.pipe").write_text(f"""
pipeline shared {{ delivery = {delivery} }}
connection box = embedded {{ path = "box.db" }}
type Event {{ id: int64 }}
source events: Event = file {{ path = "in/*.ndjson", format = json, start = latest }}
sink rows = {sink}
flow all {{
  from events
  to rows
}}
""")
        (self.folder / "in").mkdir()
        def put(name, ids):
            with (self.folder / "in" / name).open("a") as file:
                file.writelines(f'{{"id":{i}}}\n' for i in ids)

        put("b.ndjson", range(100))
        self.drain()
        put("b.ndjson", range(100, 150))
        self.drain()
        self.assertEqual(rows(), list(range(100, 150)), "`start = latest` is for what was there at first")
        put("a.ndjson", range(200, 300))
        put("c.ndjson", range(300, 400))
        put("b.ndjson", range(150, 160))
        self.drain("--workers", "2")
        expected = [*range(100, 160), *range(200, 400)]
        self.assertEqual(rows(), expected)
        self.drain()
        self.assertEqual(rows(), expected)


def pending(status):
    """Signals that a process was sent and has not taken yet."""
    masks = [int(line.split()[1], 16) for line in status.read_text().splitlines() if line.startswith("ShdPnd")]
    return {number for number in range(1, 32) if masks and masks[0] >> (number - 1) & 1}


if __name__ == "__main__":
    PIPERUN = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
