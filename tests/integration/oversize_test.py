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
OTHERS = [number for number in range(ROWS) if number not in (LARGE, LARGE + 9)]

FILE = """use std.text

pipeline {name} {{
  delivery        = {delivery}
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


WITH_LETTERS = """
pipeline {name} {{
  delivery        = {delivery}
  commit_interval = 200ms
  on error {{ dead_letter = bad }}
}}
connection bus = kafka {{ brokers = env("KAFKA_BOOTSTRAP"), properties = {{ {properties} }} }}
type Order {{ id: int64, more: string? }}
source orders: Order = bus {{ topic = "{name}.in" }}
sink lines = bus {{ topic = "{name}.out" }}
sink bad   = bus {{ topic = "{name}.bad" }}
flow booked {{
  from orders
  to lines
}}
"""


class Oversize(Pipelines):
    def book(self, large, times, properties="", delivery="exactly_once"):
        """Sixty orders in one batch; what one of them becomes is too large, though none is too large to be read. Under at_least_once
        the others may be there twice."""
        self.write(FILE, properties=properties, delivery=delivery)
        self.topic("in", 1)
        self.topic("out", 1, f"max.message.bytes={LIMIT}")
        orders = [{"id": number, "times": 1, "part": f"order {number}"} for number in range(ROWS)]
        orders[LARGE] |= {"times": times, "part": large}
        self.piperun("topic", "put", "orders", "p.pipe", text="".join(json.dumps(order) + "\n" for order in orders))
        said = rows_of(self.piperun("p.pipe", "--drain", "--json"))
        ids = self.ids_in_topic()
        self.assertEqual(sorted(set(ids)) if delivery == "at_least_once" else sorted(ids), [id for id in range(ROWS) if id != LARGE])
        self.assertEqual(self.read(), ROWS)
        letters = rows_of(self.piperun("dlq", "show", "p.pipe"))
        self.assertEqual([(letter["code"], json.loads(letter["value"])["id"]) for letter in letters], [("P1202", LARGE)], said)
        self.assertNotIn("FAIL", self.piperun("audit", "p.pipe"))
        return letters[0]

    def test_seen_before_it_is_sent(self):
        letter = self.book("x" * 1000, 30)
        self.assertIn(f"topic {self.name}.out takes {LIMIT}", letter["reason"])

    def test_refused_by_the_broker(self):
        """Where compression hides the size. A broker refuses the whole batch of records for one."""
        noise = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=2 * LIMIT))
        for delivery in ("at_most_once", "at_least_once", "exactly_once"):
            with self.subTest(delivery):
                self.setUp()
                self.book(noise, 1, '"compression.type" = "gzip"', delivery)

    def book_beside_a_large_letter(self, delivery, large, properties=""):
        """Its sink does not take it, and it stays in the store. Returns what was written."""
        self.write(WITH_LETTERS, delivery=delivery, properties=properties)
        for what, settings in (("in", []), ("out", []), ("bad", [f"max.message.bytes={LIMIT}"])):
            self.topic(what, 1, *settings)
        lines = [json.dumps({"id": number}) for number in range(ROWS)]
        lines[LARGE], lines[LARGE + 9] = large, "?"
        self.piperun("topic", "put", "orders", "p.pipe", text="\n".join(lines))
        self.piperun("p.pipe", "--drain")
        sent = [json.loads(row["value"]) for row in rows_of(self.piperun("topic", "peek", "bad", "p.pipe", "--all"))]
        self.assertEqual({letter["offset"] for letter in sent}, {LARGE + 9})
        kept = {letter["offset"]: letter["reason"] for letter in rows_of(self.piperun("dlq", "show", "p.pipe"))}
        self.assertEqual(set(kept), {LARGE, LARGE + 9})
        self.assertIn("bad does not take the letter", kept[LARGE])
        self.assertNotIn("does not take", kept[LARGE + 9])
        self.assertNotIn("FAIL", self.piperun("audit", "p.pipe"))
        return self.ids_in_topic()

    def test_rows_and_letters_that_are_refused_at_once(self):
        """By two topics, where compression hides the size: each record of the batch has its fate, and what cannot be told is kept."""
        noise = ["".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=2 * LIMIT)) for seed in range(4)]
        large = {4: json.dumps({"id": 4, "more": noise[0]}), 50: json.dumps({"id": 50, "more": noise[1]}), 20: "?" + noise[2]}
        for delivery in ("at_most_once", "at_least_once", "exactly_once"):
            with self.subTest(delivery):
                self.setUp()
                self.write(WITH_LETTERS, delivery=delivery, properties='"compression.type" = "gzip"')
                for what, settings in (("in", []), ("out", [f"max.message.bytes={LIMIT}"]), ("bad", [f"max.message.bytes={LIMIT}"])):
                    self.topic(what, 1, *settings)
                lines = [large.get(number, json.dumps({"id": number})) for number in range(ROWS)]
                lines[30] = "?"
                self.piperun("topic", "put", "orders", "p.pipe", text="\n".join(lines))
                counted = rows_of(self.piperun("p.pipe", "--drain", "--json"))[0]
                self.assertEqual((counted["used"], counted["dead"], counted["unknown"]), (ROWS - 4, 4, 0))
                ids = self.ids_in_topic()
                self.assertEqual(sorted(set(ids)) if delivery == "at_least_once" else ids,
                                 [number for number in range(ROWS) if number not in (4, 20, 30, 50)])
                kept = {letter["offset"]: letter["reason"] for letter in rows_of(self.piperun("dlq", "show", "p.pipe"))}
                self.assertEqual({offset: "does not take" in reason for offset, reason in kept.items()},
                                 {4: True, 20: True, 30: False, 50: True})
                self.assertNotIn("FAIL", self.piperun("audit", "p.pipe"))

    def test_a_letter_costs_the_others_nothing(self):
        for delivery in ("at_most_once", "at_least_once", "exactly_once"):
            with self.subTest(delivery):
                self.setUp()
                self.assertEqual(self.book_beside_a_large_letter(delivery, "?" * LIMIT), OTHERS)

    def test_a_letter_that_the_broker_refuses(self):
        """What was written beside it may be there already, and under at_least_once comes again."""
        noise = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=2 * LIMIT))
        for delivery in ("at_most_once", "at_least_once", "exactly_once"):
            with self.subTest(delivery):
                self.setUp()
                ids = self.book_beside_a_large_letter(delivery, noise, '"compression.type" = "gzip"')
                self.assertEqual(sorted(set(ids)) if delivery == "at_least_once" else ids, OTHERS)


if __name__ == "__main__":
    unittest.main()
