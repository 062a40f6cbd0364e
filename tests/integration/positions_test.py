#!/usr/bin/env python3
"""Positions of units, seen and moved by a person: `piperun offsets`, `lag`, and `group = "old"`."""
import time
import unittest

from commands import SINKS, SLOW, Commands, order, rows_of, servers, suite
from processes import wait_until


class Positions(Commands):
    def test_lag_tells_how_far_a_unit_is_behind(self):
        lines = rows_of(self.piperun("lag", "p.pipe", "--json").stdout)
        self.assertEqual([each.get("position") for each in lines[:-1]], [None, None], "it has not begun")
        self.drain()
        self.assertEqual(self.lag(), 0)
        self.put(1, order(4), order(5))
        lines = rows_of(self.piperun("lag", "p.pipe", "--json").stdout)
        self.assertEqual([(each["unit"], each["partition"], each["position"], each["end"], each["lag"]) for each in lines[:-1]],
                         [(self.unit, 0, 2, 2, 0), (self.unit, 1, 2, 4, 2)])
        self.assertEqual(lines[-1]["lag"], 2)
        self.assertIn("behind 2 in all", self.piperun("lag", "p.pipe").stdout)

    def test_the_end_of_a_transaction_is_no_record(self):
        self.piperun("topic", "put", "orders", "p.pipe", "--partition", "0", "--atomic", text=order(4) + "\n")
        self.drain()
        lines = rows_of(self.piperun("lag", "p.pipe", "--json").stdout)
        self.assertEqual([(each["partition"], each["end"], each["lag"]) for each in lines[:-1]], [(0, 4, 0), (1, 2, 0)])
        for number in (5, 6):
            self.piperun("topic", "put", "orders", "p.pipe", "--partition", "0", "--atomic", text=order(number) + "\n")
        self.assertEqual(self.lag(), 2, "of four offsets two are records")
        self.piperun("topic", "put", "orders", "p.pipe", "--partition", "1", "--atomic", text="\n".join(order(7 + n) for n in range(100)))
        self.assertEqual(self.lag(), 103, "of many the offsets are counted")
        self.drain()
        self.assertEqual(self.lag(), 0)

    def test_reset_to_the_beginning_without_keys_reads_all_again(self):
        self.drain()
        refused = self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", code=2)
        self.assertIn("say `--state keep`", refused.stderr)
        said = self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "clear", "--dry-run").stdout
        self.assertIn(f"{self.name}.in/0: 2 -> 0", said)
        self.assertEqual(self.positions(), {0: 2, 1: 2}, "--dry-run changes nothing")
        self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "clear")
        self.assertEqual(self.positions(), {0: 0, 1: 0})
        self.drain()
        self.assertEqual(self.positions(), {0: 2, 1: 2})
        self.assertEqual(self.stored_ids(), ["o1", "o1", "o3", "o3"] if self.sink == "kafka" else ["o1", "o3"])

    def test_reset_that_keeps_the_keys_makes_repeats(self):
        self.drain()
        self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "keep")
        ledger = self.drain()
        self.assertEqual(self.stored_ids(), ["o1", "o3"], ledger)

    def test_reset_of_one_partition_to_an_offset_a_time_or_by_a_shift(self):
        self.drain()
        between = int(time.time()) + 1
        wait_until(lambda: time.time() > between, 5, "time stands still")
        between = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(between))
        self.put(1, order(4), order(5))
        self.drain()
        one = ["--state", "keep", "--topic", f"{self.name}.in", "--partition", "1"]
        for words, expected in ((["offset", "1"], 1), (["shift", "+2"], 3), (["shift", "-1"], 2), (["latest"], 4), (["datetime", between], 2),
                                (["earliest"], 0), (["shift", "-7"], 0)):
            self.piperun("offsets", "reset", "p.pipe", "--to", *words, *one)
            self.assertEqual(self.positions(), {0: 2, 1: expected}, words)
        outside = self.piperun("offsets", "reset", "p.pipe", "--to", "offset", "99", *one, code=3)
        self.assertIn("which has 0 .. 4", outside.stderr)
        self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "keep", "--topic", "other", code=2)

    def test_at_least_once_keeps_them_with_the_source(self):
        self.write(SINKS[self.sink].format(name=self.name), "at_least_once")
        self.drain()
        self.assertEqual((self.positions(), self.lag()), ({0: 2, 1: 2}, 0))
        self.piperun("offsets", "reset", "p.pipe", "--to", "shift", "-1", "--state", "clear")
        self.assertEqual((self.positions(), self.lag()), ({0: 1, 1: 1}, 2))
        self.drain()
        self.assertEqual((self.positions(), self.stored_ids()), ({0: 2, 1: 2}, ["o1", "o3", "o3"] if self.sink == "kafka" else ["o1", "o3"]))
        self.assertNotIn("FAIL", self.piperun("audit", "p.pipe").stdout)

    def test_what_is_at_work_is_left_alone(self):
        child = self.start()
        wait_until(lambda: self.positions() == {0: 2, 1: 2}, SLOW, "it does not work")
        for words in (["reset", "p.pipe", "--to", "earliest", "--state", "keep"], ["delete", "p.pipe", "--letters"]):
            refused = self.piperun("offsets", *words, code=75)
            self.assertIn(f"the unit {self.unit} of {self.name} is at work", refused.stderr)
        self.assertIsNone(child.poll(), "nobody has disturbed it")
        child.terminate()
        child.wait(SLOW)
        self.piperun("offsets", "reset", "p.pipe", "--to", "earliest", "--state", "keep")
        self.assertEqual(self.positions(), {0: 0, 1: 0})

    def test_a_deleted_unit_starts_as_new(self):
        self.drain()
        refused = self.piperun("offsets", "delete", "p.pipe", code=2)
        self.assertIn("2 dead letters", refused.stderr)
        self.piperun("offsets", "delete", "p.pipe", "--letters", "--dry-run")
        self.assertEqual(self.positions(), {0: 2, 1: 2})
        self.piperun("offsets", "delete", "p.pipe", "--letters")
        self.assertEqual((self.positions(), self.letters()), ({}, []))
        self.drain()
        self.assertEqual(self.positions(), {0: 2, 1: 2})
        self.assertEqual(len(self.letters()), 2)
        self.assertEqual(self.stored_ids(), ["o1", "o1", "o3", "o3"] if self.sink == "kafka" else ["o1", "o3"])


class OldGroup(Commands):
    """`group = "old"`: positions of a consumer group that is none of ours."""
    def setUp(self):
        super().setUp()
        text = (self.folder / "p.pipe").read_text()
        (self.folder / "p.pipe").write_text(text.replace("partitioned_by = id }", f'partitioned_by = id, group = "{self.name}.old" }}'))

    def commit(self, partition, offset):
        servers("tool", "kafka-consumer-groups", "--group", f"{self.name}.old", "--topic", f"{self.name}.in:{partition}", "--reset-offsets",
                "--to-offset", str(offset), "--execute")

    def test_positions_are_taken_over_once(self):
        self.commit(0, 2)
        self.commit(1, 1)
        self.drain()
        self.assertEqual(self.stored_ids(), ["o3"])
        self.put(0, order(4))
        self.commit(0, 0)
        self.drain()
        self.assertEqual(self.stored_ids(), ["o3", "o4"], "what the old group does later is its own affair")

    def test_a_group_without_positions_is_an_error(self):
        refused = self.piperun("p.pipe", "--drain", code=3)
        self.assertIn(f"the group {self.name}.old has no position in the topic `{self.name}.in`", refused.stderr)
        self.assertEqual(self.positions(), {})


def load_tests(loader, _, __):
    return suite(loader, (Positions, SINKS), (OldGroup, SINKS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
