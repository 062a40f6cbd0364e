#!/usr/bin/env python3
"""Side by side. A loop with automatic commits and a pipeline that promises exactly_once read the same payments, 50 a second. Both are
killed at random moments, sometimes before a commit of the loop, sometimes behind one. Which of them never loses a payment?
"""
import json
import random
import subprocess
import time

from lab import PAYMENTS_TABLES, Lab, await_that, kill, payments

KILLS = [(2, 4), (6, 7), (2, 4)]  # seconds after the start, from and to; the loop commits every 5
PAUSE = 0.02
SEED = 38

with Lab(__doc__) as lab:
    lab.sql(PAYMENTS_TABLES + "; create table public.RUN_naive (like public.RUN_bookings)")
    pipeline = lab.pipeline("payments.pipe", "exactly_once", commit_interval="50ms")
    pipeline.put("paid", payments(1, 50))
    sender = lab.start(*pipeline.command("topic", "put", "paid"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    chance, sent = random.Random(SEED), 50

    for earliest, latest in KILLS:
        pipeline.start()
        loop = lab.naive(0.05, "naive", stdout=subprocess.DEVNULL)
        end = time.monotonic() + chance.uniform(earliest, latest)
        while time.monotonic() < end:
            sent += 1
            sender.stdin.write(json.dumps(*payments(sent, sent)) + "\n")
            sender.stdin.flush()
            time.sleep(PAUSE)
        pipeline.kill()
        kill(loop)
    sender.stdin.close()
    sender.wait()

    lab.say("No more payments and no more kills: both do what is left.")
    pipeline.drain()
    loop = lab.naive(0, "naive", stdout=subprocess.DEVNULL)
    await_that(lambda: lab.number(f"select count(*) from RUN_naive where payment_id = 'payment-{sent:05}'"), "the last payment")
    kill(loop)

    lab.say(f"{sent} payments, {len(KILLS)} kills of each:")
    for table, words, some in [("naive", "automatic commits", True), ("bookings", "exactly_once", False)]:
        lost = sent - lab.number(f"select count(distinct payment_id) from RUN_{table}")
        for what, number in [("lost", lost), ("repeated", lab.repeated(table, "payment_id"))]:
            lab.expect(f"{what} with {words}", "some" if some else 0, number, (number > 0) == some)
