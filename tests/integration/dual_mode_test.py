#!/usr/bin/env python3
"""The history once, and beside it what is new: `--as NAME --from T --until T` and a live run that starts at the same time, while records come."""
import datetime
import subprocess
import threading
import time
import unittest

from commands import PIPERUN, SINKS, SLOW, Commands, order, rows_of, suite
from processes import wait_until

EVERY = 0.01  # seconds between two orders


def now(later=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=later)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Feeder:
    """Puts one order after the other into the topic, in the two partitions by turns, until it is stopped."""
    def __init__(self, test):
        self.count, self.is_over = 0, threading.Event()
        self.puts = [subprocess.Popen([PIPERUN, "topic", "put", "orders", "p.pipe", "--partition", str(i)], cwd=test.folder, env=test.environment,
                                      stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for i in range(2)]
        self.thread = threading.Thread(target=self.feed)
        self.thread.start()

    def feed(self):
        while not self.is_over.wait(EVERY):
            put = self.puts[self.count % 2]
            put.stdin.write(order(1000 + self.count) + "\n")
            put.stdin.flush()
            self.count += 1

    def stop(self):
        """How many orders it has put."""
        self.is_over.set()
        self.thread.join()
        for put in self.puts:
            put.stdin.close()
        assert all(put.wait(SLOW) == 0 for put in self.puts)
        return self.count


class DualMode(Commands):
    def setUp(self):
        super().setUp()  # two good orders, one too little and one that is no JSON
        self.edit("  dedup id within 1h\n", "")  # keys are of one run
        self.past = f"{self.name}_past"

    def edit(self, old, new):
        text = (self.folder / "p.pipe").read_text()
        self.assertIn(old, text)
        (self.folder / "p.pipe").write_text(text.replace(old, new))

    def ends(self, *words):
        """Next offset by partition."""
        shown = rows_of(self.piperun("offsets", "show", "p.pipe", "--json", *words).stdout)
        return {each["partition"]: each["next_offset"] for each in shown if each["topic"] == f"{self.name}.in"}

    def read(self, *words):
        shown = rows_of(self.piperun("offsets", "show", "p.pipe", "--json", *words).stdout)
        return sum(each["read"] for each in shown if not each["topic"].startswith("#"))

    def test_history_and_live_meet_without_a_gap_and_without_an_overlap(self):
        feeder = Feeder(self)
        self.addCleanup(feeder.is_over.set)
        wait_until(lambda: feeder.count > 100, SLOW, "nothing is put")
        seam = now()
        behind = feeder.count + 100
        wait_until(lambda: feeder.count > behind, SLOW, "nothing is put")  # in each partition something lies behind that time
        self.edit("partitioned_by = id }", f"partitioned_by = id, start = {seam} }}")
        live = self.start()
        ledger = rows_of(self.piperun("p.pipe", "--as", self.past, "--from", "earliest", "--until", seam, "--json").stdout)
        put = feeder.stop()
        wait_until(lambda: self.lag() == 0, SLOW, "the live run does not come to the end")
        live.terminate()
        self.assertEqual(live.wait(SLOW), 0)
        history = sum(each["read"] for each in ledger)
        self.assertGreater(history, 100)
        self.assertEqual(history, self.read("--as", self.past))
        self.assertEqual(history + self.read(), put + 4, "each record was read by one of both")
        self.assertEqual(self.stored_ids(limit=100_000), sorted(["o1", "o3", *(f"o{1000 + i}" for i in range(put))]))
        for words in ([], ["--as", self.past]):
            said = self.piperun("audit", "p.pipe", *words)
            self.assertNotIn("FAIL", said.stdout)
        self.assertEqual(len(self.letters("--as", self.past)), 2, "dead letters are of the run that read them")
        self.assertEqual(self.letters(), [])

    def test_until_a_time_to_come_it_ends_by_itself(self):
        begun = time.monotonic()
        self.piperun("p.pipe", "--as", self.past, "--from", "earliest", "--until", now(later=5))
        self.assertGreater(time.monotonic() - begun, 4)
        self.assertEqual(self.ends("--as", self.past), {0: 2, 1: 2})

    def test_other_bounds_under_the_same_name_are_refused(self):
        bounds = ["--from", "earliest", "--until", now()]
        self.piperun("p.pipe", "--as", self.past, *bounds)
        self.piperun("p.pipe", "--as", self.past, *bounds)
        refused = self.piperun("p.pipe", "--as", self.past, "--from", "2026-01-01T00:00:00Z", code=3)
        self.assertIn(f"{self.past} was made with --from earliest --until", refused.stderr)
        self.piperun("offsets", "delete", "p.pipe", "--as", self.past, "--letters")
        self.assertEqual(self.ends("--as", self.past), {})
        self.piperun("p.pipe", "--as", self.past, "--from", "2026-01-01T00:00:00Z", "--until", now())
        self.assertEqual(self.ends("--as", self.past), {0: 2, 1: 2})

    def test_two_pipelines_may_give_one_name_to_their_runs(self):
        bounds = ["--as", self.past, "--from", "earliest", "--until", now()]
        self.piperun("p.pipe", *bounds)
        other = self.folder / "other.pipe"
        other.write_text((self.folder / "p.pipe").read_text().replace(f"pipeline {self.name} ", f"pipeline {self.name}_other "))
        ledger = rows_of(self.piperun("other.pipe", *bounds, "--json").stdout)
        self.assertEqual(sum(each["read"] for each in ledger), 4)
        shown = rows_of(self.piperun("offsets", "show", "other.pipe", "--as", self.past, "--json").stdout)
        self.assertEqual({each["pipeline"] for each in shown}, {f"{self.name}_other.{self.past}"})
        self.piperun("offsets", "delete", "other.pipe", "--as", self.past, "--letters")
        self.assertEqual(self.ends("--as", self.past), {0: 2, 1: 2})

    def test_what_a_historical_run_could_not_process_is_replayed_in_it(self):
        bounds = ["--as", self.past, "--from", "earliest", "--until", now()]
        self.piperun("p.pipe", *bounds)
        self.assertEqual(len(self.letters("--as", self.past)), 2)
        self.piperun("dlq", "replay", "p.pipe", "--as", self.past, "--where", 'contains(reason, "too little")')
        self.piperun("p.pipe", *bounds, "--param", "least=-100")
        self.assertEqual(len(self.letters("--as", self.past)), 1)
        self.assertEqual(self.stored_ids(), ["o1", "o2", "o3"])
        self.assertEqual(self.ends(), {}, "the file's own run has not begun")


def load_tests(loader, _, __):
    return suite(loader, (DualMode, SINKS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
