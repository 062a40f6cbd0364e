#!/usr/bin/env python3
"""Exercise 2. The sender repeats: the same order is sent three times, by a client that got no answer and tried again.

These are three records with three offsets, so no transaction sees that they are one order. `dedup order_id within 24h` does.
"""
from lab import ORDERS_TABLE, Lab, orders

with Lab(__doc__) as lab:
    lab.sql(ORDERS_TABLE)
    pipeline = lab.pipeline("orders_once.pipe")
    pipeline.put("placed", orders(1, 1) + orders(2, 2) * 3)
    ledger, *_ = pipeline.drain()
    lab.expect("records in the topic", 4, len(lab.read("placed")))
    lab.expect("rows in orders", 2, lab.rows("orders"))
    lab.expect("repeats that were detected", 2, ledger["duplicates"])

    lab.say("Also when the repeat comes later, and to a process that was not there the first time:")
    pipeline.put("placed", orders(2, 2))
    ledger, *_ = pipeline.drain()
    lab.expect("rows in orders", 2, lab.rows("orders"))
    lab.expect("repeats that were detected", 3, ledger["duplicates"])
