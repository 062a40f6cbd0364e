#!/usr/bin/env python3
"""Exercise 4. A consumer crashes in the middle of a batch, under exactly_once.

The order is written, its shipment is not, and the process is gone. Rows and position are in one transaction: it was not committed, so
nothing of it happened. The next process reads the batch again.
"""
from crash import crash
from lab import Lab

with Lab(__doc__) as lab:
    crash(lab, "exactly_once", 10, "shipments")
    for table in ["orders", "shipments"]:
        lab.expect(f"rows in {table} of 10 orders", 10, lab.rows(table))
        lab.expect(f"repeated rows in {table}", 0, lab.repeated(table, "order_id"))
