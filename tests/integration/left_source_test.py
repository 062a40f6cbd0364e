#!/usr/bin/env python3
"""A source leaves a pipeline, and the new file is started at once: the group still gives its member what the old file has read."""
import unittest

from processes import wait_until
from running import Pipelines

TWO_SOURCES = """
pipeline {name} {{
  delivery        = {delivery}
  commit_interval = 50ms
}}
connection bus = kafka {{ brokers = env("KAFKA_BOOTSTRAP"){assignment}, properties = {{ "session.timeout.ms" = "60000" }} }}
type Order {{ id: int64 }}
source orders: Order  = bus {{ topic = "{name}.in" }}
source returns: Order = bus {{ topic = "{name}.back" }}
sink lines = bus {{ topic = "{name}.out" }}
flow booked {{
  from {sources}
  to lines
}}
"""
IN_TIME = 30  # seconds; the session of the member that has stopped takes 60


class LeftSource(Pipelines):
    def left(self, delivery, assignment=""):
        for topic in ("in", "back", "out"):
            self.topic(topic)
        words = {"delivery": delivery, "assignment": assignment}
        self.write(TWO_SOURCES, sources="orders, returns", **words)
        self.put(range(10))
        before = self.start("p.pipe", log="before")
        wait_until(lambda: self.ids_in_topic() == list(range(10)), 30, before.said())
        self.assertEqual(before.stop(), 0, before.said())
        self.write(TWO_SOURCES, sources="orders", **words)
        self.put(range(10, 20))
        refused = self.start("p.pipe", log="refused")
        self.assertEqual(refused.wait(), 3, refused.said())
        self.assertIn("P0517", refused.said())
        self.assertIn("partitions of topics that this file does not read are given to it", refused.said())
        after = self.start("p.pipe", "--upgrade", "keep", log="after")
        wait_until(lambda: self.ids_in_topic() == list(range(20)), IN_TIME, after.said())
        self.assertEqual(after.stop(), 0, after.said())

    def test_exactly_once(self):
        self.left("exactly_once")

    def test_at_least_once(self):
        self.left("at_least_once")

    def test_a_member_that_keeps_its_partitions(self):
        self.left("exactly_once", ", assignment = cooperative_sticky")


if __name__ == "__main__":
    unittest.main()
