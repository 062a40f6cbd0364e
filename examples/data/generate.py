#!/usr/bin/env python3
"""Makes the data of the examples: the same bytes every time. Run in this folder; the results are kept in the repository."""
import json
import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal

START = datetime(2026, 1, 31, 6, 0, 0, tzinfo=timezone.utc)


def at(seconds):
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def write(name, lines):
    with open(name, "w", encoding="utf-8", newline="\n") as out:
        out.writelines(line + "\n" for line in lines)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


NAMES = "Ada Alan Barbara Dennis Edsger Frances Grace Hedy Ken Leslie Lynn Margaret Niklaus Radia Sophie Tim".split()
COUNTRIES = ["DE", "FR", "GB", "IT", "JP", "US", None]


def customers(rng):
    return [compact({"id": i, "name": f"{rng.choice(NAMES)} {i}", "country": rng.choice(COUNTRIES)}) for i in range(1, 501)]


def orders(rng, count=10_000):
    lines, kept = [], []
    for i in range(count):
        draw = rng.random()
        if kept and draw < 0.06:                      # the shop sends it again
            lines.append(rng.choice(kept[-200:]))
            continue
        quantity = rng.randint(1, 9)
        price = Decimal(rng.randint(99, 19_999)) / 100
        order = {"order_id": f"o{i:05}", "customerId": rng.randint(1, 500), "quantity": quantity, "unit_price": str(price),
                 "total": str(quantity * price), "created_at": at(i * 3)}
        if rng.random() < 0.3:
            order["currency"] = rng.choice(["EUR", "USD", "GBP"])
        if rng.random() < 0.1:
            order["note"] = rng.choice(["gift", "leave at the door", "\u00fcber Nacht", None])
        if draw < 0.07:
            order["total"] = rng.choice(["0.00", "-5.00"])           # filtered
        elif draw < 0.075:
            order["customerId"] = 9_000 + i                           # no such customer: dead
        elif draw < 0.08:
            order["total"] = "a lot"                                  # not a number: dead
        elif draw < 0.085:
            del order["created_at"]                                   # missing: dead
        line = compact(order)
        if 0.085 <= draw < 0.09:
            line = line[: len(line) // 2]                             # cut off: dead
        elif draw >= 0.09:
            kept.append(line)
        lines.append(line)
    return lines


def accounts(rng):
    return [compact({"iban": f"DE{i:020}", "owner": rng.choice(NAMES), "status": "open" if rng.random() < 0.95 else "closed"})
            for i in range(1, 201)]


def payments(rng, count=2_000):
    lines = []
    for i in range(count):
        amount = Decimal(rng.randint(1, 5_000_000)) / 100
        payment = {"payment_id": f"p{i:05}", "from": f"DE{rng.randint(1, 200):020}", "to": f"DE{rng.randint(1, 200):020}",
                   "amount": float(amount) if i % 2 else str(amount), "currency": rng.choice(["EUR", "EUR", "EUR", "CHF"]),
                   "booked_at": at(i * 7)}
        draw = rng.random()
        if draw < 0.01:
            payment["amount"] = "1.005"               # a tenth of a cent: never rounded silently
        elif draw < 0.02:
            payment["from"] = "DE" + "9" * 20         # no such account
        lines.append(compact(payment))
        if draw > 0.97:
            lines.append(lines[-1])                   # sent twice
    return lines


def readings(rng, count=3_000):
    lines = []
    for i in range(count):
        values = [{"kind": "temperature", "value": round(rng.gauss(21, 4), 2)}, {"kind": "humidity", "value": round(rng.uniform(20, 80), 1)}]
        if rng.random() < 0.05:
            values.append({"kind": "battery", "value": round(rng.uniform(0, 100), 1)})
        reading = {"device": {"id": f"s-{rng.randint(1, 40):03}", "room": rng.choice(["kitchen", "hall", "lab", None])},
                   "at": int((START + timedelta(seconds=i)).timestamp() * 1000), "values": values}
        lines.append(compact(reading))
    return lines


PATHS = ["/", "/cart", "/checkout", "/items/17", "/items/99?ref=mail", "/login", "/static/app.js", "/search?q=tea"]


def access_log(rng, count=4_000):
    lines = []
    for i in range(count):
        moment = (START + timedelta(seconds=i // 4)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        status = rng.choices([200, 304, 404, 500], [90, 5, 4, 1])[0]
        lines.append(f'10.0.{rng.randint(0, 9)}.{rng.randint(1, 250)} - - [{moment}] "{rng.choice(["GET", "GET", "POST"])} '
                     f'{rng.choice(PATHS)} HTTP/1.1" {status} {rng.randint(120, 90_000)}')
        if rng.random() < 0.003:
            lines.append("-- log rotated --")
    return lines


def changes(rng, count=3_000):
    lines = []
    for i in range(count):
        customer = rng.randint(1, 400)
        seconds = i * 5 - (rng.randint(0, 60) if rng.random() < 0.1 else 0)      # some arrive late: the newer row wins
        change = {"op": "u", "id": customer, "name": f"{rng.choice(NAMES)} {customer}", "email": f"c{customer}@example.org",
                  "updated_at": at(seconds)}
        if rng.random() < 0.05:
            change = {"op": "d", "id": customer, "updated_at": at(seconds)}
        lines.append(compact(change))
    return lines


if __name__ == "__main__":
    rng = random.Random(20260131)
    write("customers.ndjson", customers(rng))
    write("orders.ndjson", orders(rng))
    write("accounts.ndjson", accounts(rng))
    write("payments.ndjson", payments(rng))
    write("readings.ndjson", readings(rng))
    write("access.log", access_log(rng))
    write("changes.ndjson", changes(rng))
