#!/usr/bin/env python3
"""Exercise 6. The same crash under at_most_once, with 20 orders.

The position moves first. The process is killed before the batch is written, and no other will read it: it is lost. Nothing is repeated.
"""
from crash import crash
from lab import Lab

with Lab(__doc__) as lab:
    crash(lab, "at_most_once", 20, "orders")
    for table in ["orders", "shipments"]:
        lab.expect(f"rows in {table} of 20 orders", "15: one batch of 5 is lost", lab.rows(table), lab.rows(table) == 15)
        lab.expect(f"repeated rows in {table}", 0, lab.repeated(table, "order_id"))
