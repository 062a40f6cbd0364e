#!/usr/bin/env python3
"""Exercise 5. The same crash under at_least_once.

The position moves only when every effect is confirmed. The orders of the batch were written, the shipments were not: the position
stays, the batch is read again, and its orders are written a second time. Nothing is lost.
"""
from crash import crash
from lab import Lab

with Lab(__doc__) as lab:
    crash(lab, "at_least_once", 10, "shipments")
    lab.expect("rows in orders of 10 orders", "more than 10", lab.rows("orders"), lab.rows("orders") > 10)
    lab.expect("repeated rows in orders: the batch that was cut off", 5, lab.repeated("orders", "order_id"))
    lab.expect("rows in shipments of 10 orders", 10, lab.rows("shipments"))
