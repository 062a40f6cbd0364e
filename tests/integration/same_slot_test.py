#!/usr/bin/env python3
"""Two processes with one name, for somebody copied a state directory: they fence each other, and still each record takes effect once."""
import shutil
import unittest

from processes import wait_until
from running import Pipelines

WAVES, WAVE = 16, 50

FILE = """
pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 20ms
}}
connection bus = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
type Order {{ id: int64 }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = bus {{ topic = "{name}.out" }}
flow booked {{
  from orders
  to lines
}}
"""


class SameSlot(Pipelines):
    def setUp(self):
        super().setUp()
        self.write(FILE)
        self.topic("in")
        self.topic("out")
        self.put([0], 0)
        self.piperun("p.pipe", "--drain", "--state-dir", "first")
        shutil.copytree(self.folder / "first", self.folder / "second")
        self.assertTrue((self.folder / "second" / "host").read_text())

    def two_at_work(self):
        """Both begin with the same name, and there is work all the while."""
        both = [self.start("p.pipe", "--state-dir", directory, log=directory) for directory in ("first", "second")]
        for wave in range(WAVES):
            self.put(range(1 + wave * WAVE, 1 + (wave + 1) * WAVE), wave % 2)
        return both

    def has_fenced(self, both):
        return any("fenced by" in running.said() or running.child.poll() == 75 for running in both)

    def test_one_of_both_ends(self):
        both = self.two_at_work()
        wait_until(lambda: any(running.child.poll() is not None for running in both), 40, "none of them ends")
        gone, other = both if both[0].child.poll() is not None else reversed(both)
        self.assertEqual(gone.child.returncode, 75)
        self.assertIn("give one of them a state directory of its own", gone.said())
        wait_until(lambda: self.read() == 1 + WAVES * WAVE, 60, "the other one does not go on")
        self.assertIsNone(other.child.poll())
        self.assertEqual(self.ids_in_topic(), list(range(1 + WAVES * WAVE)))


if __name__ == "__main__":
    unittest.main()
