#!/usr/bin/env python3
"""A record that fails follows the error policy of its flow: where the table that two flows write refuses it, and where it cannot be read."""
import unittest

from commands import rows_of, servers
from running import Pipelines

FILE = """
pipeline {name} {{
  delivery = exactly_once
  on error {{ dead_letter = skip }}
}}
connection bus  = kafka {{ brokers = env("KAFKA_BOOTSTRAP") }}
connection shop = postgres {{ url = secret("POSTGRES_URL") }}
type Order {{ id: int64 }}
source web:    Order = bus {{ topic = "{name}.web" }}
source stores: Order = bus {{ topic = "{name}.stores" }}
sink lines = shop {{ table = "{name}_lines" }}
{flows}
"""
CHECK = """
flow checked {{
  from web
  filter if id == 1 then fail("one") else true
  to lines
  on error {{ dead_letter = keep }}
}}
"""
FLOW = """
flow {flow} {{
  from {source}
  to lines
  on error {{ dead_letter = {policy} }}
}}
"""


class Policies(Pipelines):
    def run_with(self, flows, web=(), stores=(), more="", code=0):
        """`flows`: (source, policy) in the order of the file. Returns what it said; offsets of letters by their topic."""
        for what in ("web", "stores"):
            self.topic(what, 1)
        servers("sql", f"create table public.{self.name}_lines (id int8 check (id < 100))")
        self.write(FILE, flows="".join(FLOW.format(flow=f"from_{source}", source=source, policy=policy) for source, policy in flows) + more.format())
        for source, records in (("web", web), ("stores", stores)):
            self.piperun("topic", "put", source, "p.pipe", text="".join(f"{record}\n" for record in records))
        return self.piperun("p.pipe", "--drain", code=code)

    def letters(self):
        return [(each["topic"].split(".")[1], each["offset"]) for each in rows_of(self.piperun("dlq", "show", "p.pipe"))]

    def test_a_refused_row_follows_the_flow_that_made_it(self):
        good, refused = '{"id": 1}', '{"id": 100}'
        self.run_with((("web", "keep"), ("stores", "skip")), web=[good, refused], stores=[refused, good])
        self.assertEqual(self.letters(), [("web", 1)])
        self.assertEqual(self.ids_in_table(f"{self.name}_lines"), [1, 1])

    def test_the_order_of_the_flows_does_not_matter(self):
        self.run_with((("stores", "skip"), ("web", "keep")), web=['{"id": 100}'], stores=['{"id": 100}'])
        self.assertEqual(self.letters(), [("web", 0)])

    def test_a_row_that_was_taken_back_is_nobodys(self):
        """The first record dies behind the output that its row was made for."""
        self.run_with((("web", "stop"), ("stores", "skip")), web=['{"id": 1}'], stores=['{"id": 100}'], more=CHECK)
        self.assertEqual(self.letters(), [("web", 0)])
        self.assertEqual(self.ids_in_table(f"{self.name}_lines"), [])

    def test_a_refused_row_of_a_flow_that_stops_stops(self):
        said = self.run_with((("web", "stop"), ("stores", "skip")), web=['{"id": 100}'], code=3)
        self.assertIn("web/0@0", said)
        self.assertEqual(self.read(), 0)

    def test_what_cannot_be_read_follows_the_flow_that_reads_it(self):
        self.run_with((("web", "keep"), ("stores", "skip")), web=['{"id": "one"}'], stores=['{"id": "one"}'])
        self.assertEqual(self.letters(), [("web", 0)])


if __name__ == "__main__":
    unittest.main()
