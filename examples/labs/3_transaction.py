#!/usr/bin/env python3
"""Exercise 3. A batch in one transaction: all of its orders, or none.

The shop sends a hundred orders in one Kafka transaction and dies in the middle of it. What it has sent is in the log, and nobody who
reads committed records ever sees it. Then it sends all of them again.
"""
import json
import subprocess

from lab import ORDERS_TABLE, Lab, await_that, kill, orders

with Lab(__doc__) as lab:
    lab.sql(ORDERS_TABLE)
    pipeline = lab.pipeline("orders_once.pipe")
    pipeline.put("placed", orders(1, 1))

    batch = [json.dumps(order) + "\n" for order in orders(2, 101)]
    shop = lab.kcat("-P", "-t", f"{lab.run}.placed", "-X", f"transactional.id={lab.run}.shop", "-X", "linger.ms=0")
    dying = lab.start(*shop, stdin=subprocess.PIPE)
    dying.stdin.write("".join(batch[:60]))
    dying.stdin.flush()
    await_that(lambda: len(lab.read("placed", "read_uncommitted")) > 1, "orders of an open transaction")
    kill(dying)
    lab.say("The shop is in the middle of its transaction, and is killed.")
    lab.expect("orders that a reader of committed records sees", 1, len(lab.read("placed")))

    lab.call(*shop, text="".join(batch))
    lab.say("It is started again, which ends what it had left open, and sends the whole batch.")
    lab.expect("orders that a reader of committed records sees", 101, len(lab.read("placed")))
    logged = len(lab.read("placed", "read_uncommitted"))
    lab.expect("orders in the log", "more than 101", logged, logged > 101)

    ledger, *_ = pipeline.drain()
    lab.expect("rows in orders", 101, lab.rows("orders"))
    lab.expect("repeats that were detected: there were none to be seen", 0, ledger["duplicates"])
