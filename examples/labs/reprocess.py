#!/usr/bin/env python3
"""Reading again. Where a unit goes on is stored with its name: `start` counts only the first time, and what was read is not read again
until somebody says so. Bookings have no key, so that they show what was read; receipts have one, and stay what they are.
"""
import datetime
import time

from lab import PAYMENTS_TABLES, Lab, await_that, payments

AT_WORK = 75  # exit code: another process owns this work

with Lab(__doc__) as lab:
    lab.sql(PAYMENTS_TABLES)
    pipeline = lab.pipeline("payments.pipe", "exactly_once", commit_records=1)
    pipeline.put("paid", payments(1, 6))
    time.sleep(0.01)
    noon = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    time.sleep(0.01)
    pipeline.put("paid", payments(7, 10))

    def read_again(words, expected, *command, options=()):
        before = lab.rows("bookings")
        if command:
            pipeline.tell(*command)
        pipeline.drain(*options)
        lab.expect(f"read, {words}", expected, lab.rows("bookings") - before)

    read_again("the first time", 10)
    read_again("once more: nothing is new", 0)
    read_again("from the beginning", 10, "offsets", "reset", "--to", "earliest")
    read_again("from a time on", 4, "offsets", "reset", "--to", "datetime", noon)
    read_again("as if it had never been there", 10, "offsets", "delete")
    lab.expect("receipts, whose key is the payment", 10, lab.rows("receipts"))

    lab.say("What is at work is left alone:")
    pipeline.put("paid", payments(11, 11))
    pipeline.start()
    await_that(lambda: lab.rows("receipts") == 11, "the payment")
    pipeline.tell("offsets", "reset", "--to", "earliest", code=AT_WORK)
    pipeline.stop()
    read_again("after a reset that was refused", 0)

    lab.say("Two modes: what was before that time, once, and what comes after it, each with positions of its own, beside the others:")
    for mode, count, bounds in [("history", 6, ["--from", "earliest", "--until", noon]), ("live", 5, ["--from", noon])]:
        before = lab.rows("bookings")
        pipeline.drain("--as", f"{lab.run}_{mode}", *bounds)
        lab.expect(f"read, {mode}", count, lab.rows("bookings") - before)
    lab.expect("receipts", 11, lab.rows("receipts"))

    lab.say("The pipeline itself, as if it were new, begins where the history ended; started again with the same words, it goes on:")
    after = ["--after", f"{lab.run}_history"]
    read_again("behind the history", 5, "offsets", "delete", options=after)
    pipeline.put("paid", payments(12, 14))
    read_again("behind its own position", 3, options=after)
    lab.expect("receipts", 14, lab.rows("receipts"))
