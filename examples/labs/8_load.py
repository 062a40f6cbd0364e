#!/usr/bin/env python3
"""Exercise 8. Under load: orders keep coming for some seconds, every tenth is sent twice, and the process is killed in the middle of it.

How fast they are sent and processed, how long each takes to be stored, and that each is stored once.
"""
import json
import subprocess
import time

from lab import ORDERS_TABLE, Lab, await_that, orders

ROUNDS, A_ROUND, PAUSE = 40, 100, 0.1  # 1,000 orders a second, when the machine can do it

with Lab(__doc__) as lab:
    lab.sql(ORDERS_TABLE)
    pipeline = lab.pipeline("orders_once.pipe")
    pipeline.put("placed", orders(1, 1), partitions=3)
    pipeline.start()
    await_that(lambda: lab.rows("orders") == 1, "the first order")

    sender = lab.start(*pipeline.command("topic", "put", "placed"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    begun, sent = time.monotonic(), 0
    for n in range(ROUNDS):
        first = 2 + n * A_ROUND
        batch = orders(first, first + A_ROUND - 1) + orders(first, first + A_ROUND // 10 - 1)
        sender.stdin.write("".join(json.dumps(order) + "\n" for order in batch))
        sender.stdin.flush()
        sent += len(batch)
        if n == ROUNDS // 2:
            pipeline.kill()
            pipeline.start()
        time.sleep(PAUSE)
    sender.stdin.close()
    sender.wait()
    producing = time.monotonic() - begun
    unique = 1 + ROUNDS * A_ROUND
    await_that(lambda: lab.rows("orders") >= unique, "all orders in the table")
    processing = time.monotonic() - begun
    pipeline.stop()

    ledger, *_ = pipeline.drain()
    lab.say(f"sent {sent / producing:.0f} orders a second, processed {sent / processing:.0f}")
    (p50, p95, p99), = lab.sql("select " + ", ".join(
        f"round(1000 * percentile_cont({part}) within group (order by extract(epoch from stored_at - placed_at))::numeric)"
        for part in [0.5, 0.95, 0.99]) + " from RUN_orders")
    lab.say(f"stored within {p50} ms (median), {p95} ms (95 %), {p99} ms (99 %: those of the restart)")
    lab.expect("rows in orders", unique, lab.rows("orders"))
    lab.expect("repeated rows in orders", 0, lab.repeated("orders", "order_id"))
    lab.expect("repeats that were detected", sent + 1 - unique, ledger["duplicates"])
