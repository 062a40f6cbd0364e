"""What the examples must give, worked out from their data alone: Python's json and decimal, no code of piperun's.

Each recount takes the folder of the data and gives a Recount; `differences` holds it against what a run left behind.
"""
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal


@dataclass
class Recount:
    unit: str
    fates: Counter = field(default_factory=Counter)  # of each record read
    dead: dict = field(default_factory=dict)         # number of the record → words that its reason must hold
    tables: dict = field(default_factory=dict)       # name → rows, by key
    topics: dict = field(default_factory=dict)       # name → values of the records, in order

    def bury(self, number, words):
        self.fates["dead"] += 1
        self.dead[number] = words


class Bad(Exception):
    """A record that does not fit its type."""


def read_lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def by_key(path, key):
    return {row[key]: row for row in map(json.loads, read_lines(path))}


def parse(line):
    try:
        return json.loads(line, parse_float=Decimal)
    except json.JSONDecodeError:
        raise Bad("invalid JSON") from None


def number(record, name, scale):
    """An exact decimal of at most `scale` digits behind the point, from a JSON number or a text."""
    if name not in record:
        raise Bad(f"`{name}`: missing")
    text = str(record[name])
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise Bad(f"`{name}`: not a number")
    value = Decimal(text)
    if -value.as_tuple().exponent > scale:
        raise Bad(f"`{name}`: more digits behind the point")
    return value


def moment(record, name):
    if name not in record:
        raise Bad(f"`{name}`: missing")
    return datetime.fromisoformat(record[name].replace("Z", "+00:00"))


class Seen:
    """Keys accepted within a time: the first wins, a repeat does not extend it."""

    def __init__(self, within):
        self.within, self.times = within, {}

    def repeats(self, key, time):
        return any(abs(time - other) < self.within for other in self.times.get(key, ()))

    def accept(self, key, time):
        self.times.setdefault(key, []).append(time)


def orders(data):
    result = Recount("orders.shop", tables={"order_lines": {}})
    customers = by_key(data / "customers.ndjson", "id")
    seen = Seen(timedelta(hours=24))
    for index, line in enumerate(read_lines(data / "orders.ndjson")):
        try:
            order = parse(line)
            total, price, at = number(order, "total", 2), number(order, "unit_price", 2), moment(order, "created_at")
        except Bad as bad:
            result.bury(index, str(bad))
            continue
        if total <= 0:
            result.fates["filtered"] += 1
        elif seen.repeats(order["order_id"], at):
            result.fates["duplicates"] += 1
        elif order["customerId"] not in customers:
            result.bury(index, f"no customer {order['customerId']}")
        else:
            seen.accept(order["order_id"], at)
            result.fates["used"] += 1
            customer = customers[order["customerId"]]
            result.tables["order_lines"][order["order_id"]] = {
                "order_id": order["order_id"], "amount": str((order["quantity"] * price).quantize(Decimal("0.01"))),
                "currency": order.get("currency") or "EUR", "name": customer["name"], "country": customer["country"] or "unknown"}
    return result


def fee(amount):
    share = amount * Decimal("0.002")
    if share < Decimal("0.10"):
        return Decimal("0.10")
    return Decimal("25.00") if share > 25 else share.quantize(Decimal("0.01"), ROUND_HALF_UP)


def payments(data):
    result = Recount("payments.bank", tables={"bookings": {}, "large_bookings": {}})
    accounts = by_key(data / "accounts.ndjson", "iban")
    seen = Seen(timedelta(days=7))
    for index, line in enumerate(read_lines(data / "payments.ndjson")):
        try:
            payment = parse(line)
            amount, at = number(payment, "amount", 2), moment(payment, "booked_at")
        except Bad as bad:
            result.bury(index, str(bad))
            continue
        debtor, creditor = payment["from"], payment["to"]
        if seen.repeats(payment["payment_id"], at):
            result.fates["duplicates"] += 1
        elif debtor == creditor:
            seen.accept(payment["payment_id"], at)
            result.fates["filtered"] += 1
        elif debtor not in accounts:
            result.bury(index, f"no account {debtor}")
        elif accounts[debtor]["status"] != "open":
            result.bury(index, f"account {debtor} is {accounts[debtor]['status']}")
        else:
            seen.accept(payment["payment_id"], at)
            result.fates["used"] += 1
            row = {"payment_id": payment["payment_id"], "debtor": debtor, "creditor": creditor, "payer": accounts[debtor]["owner"],
                   "amount": str(amount.quantize(Decimal("0.01"))), "fee": str(fee(amount)), "currency": payment["currency"],
                   "booked_at": payment["booked_at"]}
            result.tables["bookings"][row["payment_id"]] = row
            if amount >= 40_000:
                large = {name: row[name] for name in ("payment_id", "amount", "currency", "payer")}
                result.tables["large_bookings"][row["payment_id"]] = large
    return result


def sensors(data):
    result = Recount("plant.plant", topics={"alerts": []})
    for line in read_lines(data / "readings.ndjson"):
        reading = json.loads(line)
        warm = [m["value"] for m in reading["values"] if m["kind"] == "temperature"]
        alerts = [(n, m["value"]) for n, m in enumerate(reading["values"]) if m["kind"] == "temperature" and m["value"] > 30.0]
        result.fates["used" if alerts else "filtered"] += 1
        at = datetime.utcfromtimestamp(reading["at"] // 1000).strftime("%Y-%m-%dT%H:%M:%SZ")
        for n, celsius in alerts:
            result.topics["alerts"].append({"device": reading["device"]["id"], "room": reading["device"]["room"] or "somewhere",
                                            "measure": n, "celsius": celsius, "highest": max(warm), "at": at})
    return result


LOG_LINE = re.compile(r'^(\S+) \S+ \S+ \[([^\]]+)\] "([A-Z]+) (\S+) [^"]*" (\d{3}) (\d+)$')


def logs(data):
    result = Recount("access.store", tables={"requests": []})
    for line in read_lines(data / "access.log"):
        fits = LOG_LINE.match(line)
        if not fits:
            result.fates["dead"] += 1  # a file's offsets count bytes, so `dead` says nothing about which
        elif fits[5] == "304":
            result.fates["filtered"] += 1
        else:
            result.fates["used"] += 1
            at = datetime.strptime(fits[2], "%d/%b/%Y:%H:%M:%S %z").strftime("%Y-%m-%dT%H:%M:%SZ")
            result.tables["requests"].append({"host": fits[1], "at": at, "method": fits[3], "page": fits[4].split("?")[0],
                                              "status": int(fits[5]), "size": int(fits[6]), "is_error": int(int(fits[5]) >= 500)})
    return result


def customers(data):
    result = Recount("changes.crm", tables={"customers_copy": {}})
    rows, newest = {}, {}
    for line in read_lines(data / "changes.ndjson"):
        change = json.loads(line)
        result.fates["used"] += 1
        key, at = change["id"], change["updated_at"]
        if key in newest and at <= newest[key]:
            continue
        newest[key] = at
        if change["op"] == "d":
            rows.pop(key, None)
        else:
            rows[key] = {name: change[name] for name in ("id", "name", "email", "updated_at")}
    result.tables["customers_copy"] = rows
    return result


RECOUNTS = {"orders": orders, "payments": payments, "sensors": sensors, "logs": logs, "customers": customers}


def rows_differ(name, want, got):
    """At most three words about rows that are missing, too many or different."""
    if isinstance(want, list):
        want, got = dict(enumerate(want)), dict(enumerate(got))
    else:
        keyed = {next(iter(row.values())): row for row in got}
        if len(keyed) != len(got):
            return [f"{name}: {len(got) - len(keyed)} rows have a key that is there already"]
        got = keyed
    keys = [key for key in want.keys() | got.keys() if want.get(key) != got.get(key)]
    return [f"{name}: {key}: recounted {want.get(key)}, found {got.get(key)}" for key in sorted(keys, key=str)[:3]]


def differences(name, data, found):
    """Sentences about what `found` (ledger, tables, topics, dead_letters of a run) has otherwise than the recount."""
    want = RECOUNTS[name](data)
    (ledger,) = found["ledger"]
    problems = [] if ledger["unit"] == want.unit else [f"the unit is {ledger['unit']}, not {want.unit}"]
    for fate in ("used", "filtered", "duplicates", "late", "skipped", "dead", "unknown"):
        if ledger[fate] != want.fates[fate]:
            problems.append(f"{fate}: recounted {want.fates[fate]}, the ledger says {ledger[fate]}")
    if ledger["read"] != want.fates.total():
        problems.append(f"read: {want.fates.total()} records, the ledger says {ledger['read']}")
    for table, rows in want.tables.items():
        problems += rows_differ(table, rows, found["tables"][table])
    for topic, values in want.topics.items():
        problems += rows_differ(topic, values, [json.loads(record["value"]) for record in found["topics"][topic]])
    letters = found["dead_letters"]
    if len(letters) != want.fates["dead"]:
        problems.append(f"{want.fates['dead']} dead letters recounted, {len(letters)} found")
    if want.dead:
        reasons = {letter["offset"]: letter["reason"] for letter in letters}
        for index, words in want.dead.items():
            if words not in reasons.get(index, ""):
                problems.append(f"record {index}: dead of `{words}`, found `{reasons.get(index)}`")
    return problems
