#!/usr/bin/env python3
"""One output that is larger than its topic takes is a dead letter; the others of its batch are written, once, by the same transaction."""
import json
import random
import string
import unittest

from commands import rows_of
from running import Pipelines

LIMIT = 20_000  # bytes that the topic takes
ROWS, LARGE = 60, 31

FILE = """use std.text

pipeline {name} {{
  delivery        = exactly_once
  commit_interval = 200ms
  on error {{ dead_letter = keep }}
}}
connection bus = kafka {{ brokers = env("KAFKA_BOOTSTRAP"), properties = {{ {properties} }} }}
type Order {{ id: int64, times: int64, part: string }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = bus {{ topic = "{name}.out" }}
flow booked {{
  from orders
  map {{ id, whole = text.repeat(part, times) }}
  to lines
}}
"""


class Oversize(Pipelines):
    def book(self, large, times, properties=""):
        """Sixty orders in one batch; what one of them becomes is too large, though none is too large to be read."""
        self.write(FILE, properties=properties)
        self.topic("in", 1)
        self.topic("out", 1, f"max.message.bytes={LIMIT}")
        orders = [{"id": number, "times": 1, "part": f"order {number}"} for number in range(ROWS)]
        orders[LARGE] |= {"times": times, "part": large}
        self.piperun("topic", "put", "orders", "p.pipe", text="".join(json.dumps(order) + "\n" for order in orders))
        said = rows_of(self.piperun("p.pipe", "--drain", "--json"))
        self.assertEqual(self.ids_in_topic(), [number for number in range(ROWS) if number != LARGE])
        self.assertEqual(self.read(), ROWS)
        letters = rows_of(self.piperun("dlq", "show", "p.pipe"))
        self.assertEqual([(letter["code"], json.loads(letter["value"])["id"]) for letter in letters], [("P1202", LARGE)], said)
        self.assertNotIn("FAIL", self.piperun("audit", "p.pipe"))
        return letters[0]

    def test_seen_before_it_is_sent(self):
        letter = self.book("x" * 1000, 30)
        self.assertIn(f"topic {self.name}.out takes {LIMIT}", letter["reason"])

    def test_refused_by_the_broker(self):
        """Where compression hides the size."""
        noise = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=2 * LIMIT))
        self.book(noise, 1, '"compression.type" = "gzip"')


if __name__ == "__main__":
    unittest.main()
