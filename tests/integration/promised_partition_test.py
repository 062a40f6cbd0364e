#!/usr/bin/env python3
"""`partitioned_by` is a promise: a process that sees equal keys in two partitions of a Kafka topic stops, wherever it learned the first."""
import json
import unittest

from commands import Commands, suite


class PromisedPartition(Commands):
    def order(self, number):
        return json.dumps({"id": f"r{number}", "amount": 1.0})

    def stopped(self):
        done = self.piperun("p.pipe", "--drain", code=3)
        self.assertIn("P2016", done.stderr)
        return done.stderr

    def test_a_repeat_in_its_own_partition_is_dropped(self):
        self.put(0, self.order(1), self.order(1))
        self.put(1, self.order(2))
        self.drain()
        self.put(0, self.order(1))
        self.drain()
        self.assertEqual(self.stored_ids(), ["o1", "o3", "r1", "r2"])

    def test_two_in_one_batch(self):
        self.edit("commit_interval = 50ms", "commit_interval = 2s")
        self.put(0, self.order(1))
        self.put(1, self.order(1))
        said = self.stopped()
        for words in [f"{self.name}.in", "partition 0", "partition 1", "booked.dedup", "partitioned_by"]:
            self.assertIn(words, said)
        self.assertNotIn("r1", self.stored_ids())

    def test_one_that_was_stored_before(self):
        self.put(0, self.order(1))
        self.drain()
        before = self.positions()
        self.put(1, self.order(1), self.order(2))
        self.assertIn("partition 0, at ", self.stopped())
        self.assertIn("partition 0, at ", self.stopped())  # it does not go by itself
        self.assertEqual(self.positions(), before)
        self.assertEqual(self.stored_ids(), ["o1", "o3", "r1"])


class KeysAreOneSet(Commands):
    def test_a_repeat_from_another_partition_is_a_repeat(self):
        self.put(0, json.dumps({"id": "r1", "amount": 1.0}))
        self.put(1, json.dumps({"id": "r1", "amount": 1.0}))
        self.drain()
        self.assertEqual(self.stored_ids(), ["o1", "o3", "r1"])


def load_tests(loader, _tests, _pattern):
    return suite(loader, (PromisedPartition, ["kafka"]), (KeysAreOneSet, ["postgres"]))


if __name__ == "__main__":
    unittest.main()
