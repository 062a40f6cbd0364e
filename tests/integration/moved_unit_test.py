#!/usr/bin/env python3
"""A pipeline from topic to topic becomes one from topic to table, `--upgrade migrate`: what the group had read stays read, in the database."""
import json
import signal
import subprocess
import unittest

from commands import rows_of, servers
from processes import wait_until
from running import VICTIM, Pipelines

FIRST, ROWS = 600, 1000  # orders for the old file, and all of them
BAD = -1

FILE = """
pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 20ms
  commit_records  = 50
  on error {{ dead_letter = keep }}
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
type Order {{ id: int64 }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = {sink}
flow booked {{
  from orders
  set id = if id < 0 then fail("not a number of ours: {{id}}") else id
  to lines
}}
"""
STEPS = ("freeze", "claim", "put_manifest", "seed_position", "commit")  # of the hand-over


class MovedUnit(Pipelines):
    def setUp(self):
        super().setUp()
        self.table = f"{self.name}_lines"
        self.write(FILE, "old.pipe", sink=f'bus {{ topic = "{self.name}.out" }}')
        self.write(FILE, "new.pipe", sink=f'shop {{ table = "{self.table}", create = true }}')
        self.topic("in")
        self.topic("out")
        self.put_orders([BAD, *range(FIRST)])

    def put_orders(self, numbers):
        for partition in (0, 1):
            self.put([number for number in numbers if number % 2 == partition], partition, "old.pipe")

    def old_offsets(self):
        """What the broker has stored for the old group, asked with Kafka's own tool."""
        said = servers("tool", "kafka-consumer-groups", "--describe", "--offsets", "--group", f"{self.name}.bus.bus")
        rows = [line.split() for line in said.splitlines() if f" {self.name}.in " in line]
        return sorted(int(row[3]) for row in rows if row[3] != "-")

    def migrate(self):
        self.piperun("new.pipe", "--drain", "--upgrade", "migrate")

    def kill_behind(self, step):
        done = subprocess.run([VICTIM, "new.pipe", "--servers", "--upgrade", "migrate", "--kill-after", step, "--in", "on_assign", "--at", "1"],
                              cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, -signal.SIGKILL, f"behind {step}: {done.stdout}{done.stderr}")

    def assert_moved(self):
        """Each order is in one of both outputs, once; what was dead is so in the database alone."""
        old, new = self.ids_in_topic(file="old.pipe"), self.ids_in_table(self.table)
        self.assertEqual(sorted(old + new), list(range(ROWS)))
        self.assertEqual(self.read("new.pipe"), ROWS + 1)
        letters = rows_of(self.piperun("dlq", "show", "new.pipe"))
        self.assertEqual([json.loads(letter["value"])["id"] for letter in letters], [BAD])
        self.assertNotIn("FAIL", self.piperun("audit", "new.pipe"))

    def test_positions_go_over(self):
        self.piperun("old.pipe", "--drain")
        self.assertEqual(sum(self.old_offsets()), FIRST + 1)
        self.put_orders(range(FIRST, ROWS))
        for way in ([], ["--upgrade", "keep"]):
            said = self.piperun("new.pipe", "--drain", *way, code=3)
            self.assertIn("it reads what `bus.bus` read, which committed in `bus`; positions move to `shop`", said)
            self.assertIn("error[P0515]: a unit moves to another system", said)
            self.assertIn("`--upgrade migrate` or `--upgrade reset`", said)
        self.assertEqual(self.ids_in_table(self.table), [])
        self.migrate()
        self.assertEqual(self.old_offsets(), [])
        self.assert_moved()
        self.assertEqual(self.ids_in_topic(file="old.pipe"), list(range(FIRST)))
        self.assertIn("P0515", self.piperun("old.pipe", "--drain", code=3))
        self.piperun("new.pipe", "--drain")
        self.assertEqual(self.read("new.pipe"), ROWS + 1)

    def test_back_again(self):
        self.piperun("old.pipe", "--drain")
        self.put_orders(range(FIRST, ROWS))
        self.migrate()
        self.assert_moved()
        self.put_orders(range(ROWS, ROWS + 100))
        self.piperun("old.pipe", "--drain", "--upgrade", "migrate")
        old, new = self.ids_in_topic(file="old.pipe"), self.ids_in_table(self.table)
        self.assertEqual(sorted(old + new), list(range(ROWS + 100)))
        self.assertEqual(self.read("old.pipe"), ROWS + 101)
        # What a unit has read goes with it, the rows of its sinks do not: what it wrote here before it moved is not counted.
        self.assertIn("100 rows were written, 700 are there; the rest is by others, from before positions were set back, deleted or moved",
                      self.piperun("audit", "old.pipe", code=3))

    def test_a_member_at_work_is_left_alone(self):
        old = self.start("old.pipe", log="old")
        wait_until(lambda: self.read("old.pipe") == FIRST + 1, 30, "the first orders were not read")
        new = self.start("new.pipe", "--drain", "--upgrade", "migrate", log="new")
        refused = f"the group {self.name}.bus.bus cannot be taken over: "
        wait_until(lambda: refused in new.said(), 30, "it did not see the member")
        self.assertIn("is at work in it; stop it first", new.said())
        self.put_orders(range(FIRST, FIRST + 100))
        wait_until(lambda: self.read("old.pipe") == FIRST + 101, 30, "the member does not go on")
        self.assertEqual(self.ids_in_table(self.table), [])
        self.put_orders(range(FIRST + 100, ROWS))
        wait_until(lambda: self.read("old.pipe") == ROWS + 1, 30, "the member does not go on")
        self.assertEqual(old.stop(), 0)
        self.assertEqual(new.wait(), 0)
        self.assertEqual(self.ids_in_topic(file="old.pipe"), list(range(ROWS)))
        self.assert_moved()

    def test_killed_behind_each_step(self):
        old = self.start("old.pipe")
        wait_until(lambda: self.ids_in_topic(file="old.pipe"), 30, "no batch was committed")
        old.kill()
        self.put_orders(range(FIRST, ROWS))
        for step in STEPS:
            self.kill_behind(step)
            if step == STEPS[0]:
                self.assertIn("P0515", self.piperun("old.pipe", "--drain", code=3))
            if step != "commit":  # what is decided and not done must be said again
                self.assertIn("P0515", self.piperun("new.pipe", "--drain", code=3), step)
        self.piperun("new.pipe", "--drain")
        self.assertEqual(self.old_offsets(), [])
        self.assertGreaterEqual(len(self.ids_in_table(self.table)), ROWS - FIRST)
        self.assert_moved()


if __name__ == "__main__":
    unittest.main()
