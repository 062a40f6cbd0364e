#!/usr/bin/env python3
"""Exercise 1. The three guarantees: one file, one word changed.

Without a crash nobody sees a difference. `piperun explain` says what a kill behind each step would do to a batch; exercises 4, 5 and 6
do it.
"""
from lab import Lab, orders

with Lab(__doc__) as lab:
    lab.pipeline("orders.pipe").put("placed", orders(1, 3))
    for delivery, worst in {"at_most_once": "lost", "at_least_once": "twice", "exactly_once": "once"}.items():
        lab.say(f"\ndelivery = {delivery}")
        pipeline = lab.pipeline("orders.pipe", delivery, id=f'"{{$run}}_{delivery}"')
        crashes = pipeline.explain("What a kill")
        lab.say("\n".join(crashes))
        fates = {fate for line in crashes for fate in line.split()[-2:]}
        lab.expect("the worst that a kill can do to an order", worst, next(fate for fate in ["lost", "twice", "once"] if fate in fates))
        ledger, = pipeline.drain()
        lab.expect("orders used without a crash", 3, ledger["used"])
