#!/usr/bin/env python3
"""Batches. A kill in the middle of a batch has all of it read again: larger batches are faster, and repeat more.

The same 40 payments and the same kill with batches of 5 and of 20, under at_least_once; then 20 under exactly_once.
"""
from lab import PAYMENTS_TABLES, Lab, await_that, payments

with Lab(__doc__) as lab:
    for size, delivery, repeated in [(5, "at_least_once", 5), (20, "at_least_once", 20), (20, "exactly_once", 0)]:
        lab.begin(f"{size}_{delivery}")
        lab.sql(PAYMENTS_TABLES)
        lab.say(f"{delivery}, batches of {size}:")
        pipeline = lab.pipeline("payments.pipe", delivery, commit_records=size)
        pipeline.put("paid", payments(1, 20))
        pipeline.start()
        await_that(lambda: lab.rows("notices") == 20, "20 payments")
        with lab.locked("notices") as await_writer:
            pipeline.put("paid", payments(21, 40))
            await_writer()
            pipeline.kill()
        pipeline.drain()
        lab.expect("payments booked", 40, lab.number("select count(distinct payment_id) from RUN_bookings"))
        lab.expect("booked once too often", repeated, lab.repeated("bookings", "payment_id"))
