#!/usr/bin/env python3
"""Automatic commits. A consumer loop commits positions by the clock; a payment takes 1 second of work, then 9; then the crash.

With 1 second the payment is stored, the position is not: it comes again and is stored twice. With 9 seconds the position is committed
while the work is going on: after the crash nobody does it. The clock of the commits knows nothing of the work.
"""
import time

from lab import PAYMENTS_TABLES, Lab, await_that, kill, payments

with Lab(__doc__) as lab:
    for seconds, fate, rows in [(1, "is stored twice", 2), (9, "is lost", 0)]:
        lab.begin(f"{seconds}s")
        lab.sql(PAYMENTS_TABLES)
        lab.pipeline("payments.pipe", "at_least_once").put("paid", payments(1, 1))
        lab.say(f"{seconds} s of work; killed {'when the payment is stored' if rows else '6 seconds after it was received'}:")
        loop = lab.naive(seconds)
        lab.say(loop.stdout.readline().rstrip())
        if rows:
            await_that(lambda: lab.rows("bookings") == 1, "the payment is stored")
        else:
            time.sleep(6)
        kill(loop)
        lab.say("  started again:")
        loop = lab.naive(seconds)
        if rows:
            await_that(lambda: lab.rows("bookings") == rows, "it comes again")
        else:
            time.sleep(4)  # a member that is known gets its partitions at once
        kill(loop)
        lab.say(loop.stdout.read().rstrip() or "    received nothing")
        lab.expect(f"rows of the payment, which {fate}", rows, lab.rows("bookings"))
