#!/usr/bin/env python3
"""Writes the stored vectors of decimals and times, from Python's own decimal and datetime: an independent implementation.

make_vectors.py FOLDER. Fields are separated by one space; the last one is the expected result, or the name of a fault.
"""
import calendar
import datetime
import decimal
import pathlib
import random
import struct
import sys

decimal.getcontext().prec = 400
D = decimal.Decimal
MODES = {
    "half_even": decimal.ROUND_HALF_EVEN, "half_up": decimal.ROUND_HALF_UP, "half_down": decimal.ROUND_HALF_DOWN,
    "up": decimal.ROUND_UP, "down": decimal.ROUND_DOWN, "floor": decimal.ROUND_FLOOR, "ceiling": decimal.ROUND_CEILING,
}
random.seed(20260131)


def unscaled(value, precision, scale, mode="half_even"):
    """`value` as an unscaled integer of decimal(precision, scale), or the fault."""
    result = int(value.scaleb(scale).to_integral_value(rounding=MODES[mode]))
    return str(result) if abs(result) < 10 ** precision else "Overflow"


def number(scale):
    """An unscaled integer: often small, at an edge, or a tie."""
    kind = random.randrange(8)
    if kind == 0:
        return random.choice([0, 1, -1, 5, -5, 10, -10, 15, 25, -25])
    if kind == 1:
        digits = random.randint(1, 38)
        return random.choice([1, -1]) * (10 ** digits - random.choice([0, 1]) * (digits > 0)) if digits < 38 else 10 ** 38 - 1
    if kind == 2:
        return random.choice([1, -1]) * random.choice([5, 15, 25, 35]) * 10 ** random.randint(0, 34)
    return random.choice([1, -1]) * random.randrange(10 ** random.randint(1, 38))


def as_decimal(value, scale):
    return D(value).scaleb(-scale)


def type_():
    precision = random.choice([38, 38, random.randint(1, 38)])
    return precision, random.randint(0, precision)


def decimals(out):
    for _ in range(500):
        a, b, (p, s) = number(0), number(0), type_()
        sa, sb, mode = random.randint(0, 38), random.randint(0, 38), random.choice(list(MODES))
        if b == 0:
            expected = "DivisionByZero"
        else:
            quotient = exact_quotient(a, sa, b, sb, p, s, mode)
            expected = quotient
        out.write(f"div {a} {sa} {b} {sb} {p} {s} {mode} {expected}\n")
    for _ in range(300):
        a, sa, (p, s), mode = number(0), random.randint(0, 38), type_(), random.choice(list(MODES))
        out.write(f"rescale {a} {sa} {p} {s} {mode} {unscaled(as_decimal(a, sa), p, s, mode)}\n")
    for _ in range(250):
        a, b, p = number(0), number(0), random.choice([38, random.randint(1, 38)])
        if random.random() < 0.6:
            a, b = a // 10 ** 19, b // 10 ** 19
        out.write(f"mul {a} {b} {p} {unscaled(D(a) * D(b), p, 0)}\n")
        out.write(f"add {a} {b} {p} {unscaled(D(a) + D(b), p, 0)}\n")
        out.write(f"sub {a} {b} {p} {unscaled(D(a) - D(b), p, 0)}\n")
    for _ in range(250):
        a, sa, b, sb = number(0), random.randint(0, 38), number(0), random.randint(0, 38)
        if random.random() < 0.3:
            shift = random.randint(0, 38 - len(str(abs(a))) if len(str(abs(a))) < 38 else 0)
            b, sb = a * 10 ** shift + random.choice([0, 0, 1, -1]), min(sa + shift, 38)
            if abs(b) >= 10 ** 38 or sa + shift > 38:
                b, sb = a, sa
        left, right = as_decimal(a, sa), as_decimal(b, sb)
        out.write(f"compare {a} {sa} {b} {sb} {(left > right) - (left < right)}\n")
    for _ in range(200):
        a, sa, b, sb = number(0), random.randint(0, 38), number(0), random.randint(0, 38)
        scale = max(sa, sb)
        if b == 0:
            expected = "DivisionByZero"
        else:
            left, right = abs(a) * 10 ** (scale - sa), abs(b) * 10 ** (scale - sb)
            rest = left % right * (1 if a >= 0 else -1)
            expected = str(rest) if abs(rest) < 10 ** 38 else "Overflow"
        out.write(f"rem {a} {sa} {b} {sb} 38 {scale} {expected}\n")
    for _ in range(300):
        text, (p, s), mode = number_text(), type_(), random.choice(list(MODES))
        value = D(text)
        exact = value.is_zero() or value == value.quantize(D(1).scaleb(-s), rounding=decimal.ROUND_DOWN) if value.adjusted() < 300 else True
        if value.adjusted() + s > 60:
            strict = rounded = "0" if value.is_zero() else "Overflow"
        else:
            rounded = unscaled(value, p, s, mode)
            cut = unscaled(value, p, s, "down")
            strict = cut if exact or cut == "Overflow" else "PrecisionExceeded"
        out.write(f"parse {text} {p} {s} {strict}\n")
        out.write(f"parse_rounded {text} {p} {s} {mode} {rounded}\n")
    for text in ["", "-", "+1", "01", "1.", ".5", "1e", "1e+", "1_0", "0x1", "1.5.2", "NaN", "--1", "1e1.5"]:
        out.write(f"parse {text or 'EMPTY'} 12 2 ParseDecimal\n")
    for _ in range(200):
        a, sa = number(0), random.randint(0, 38)
        bits = struct.pack(">d", float(as_decimal(a, sa))).hex()
        out.write(f"to_float {a} {sa} {bits}\n")
        out.write(f"format {a} {sa} {format(as_decimal(a, sa), 'f')}\n" if a or sa == 0 else f"format 0 {sa} 0.{'0' * sa}\n")
    for _ in range(200):
        value = random.choice([random.uniform(-1e6, 1e6), random.random(), random.uniform(-1, 1) * 10 ** random.randint(-20, 30), 0.1, 2.5, -0.5, 1e22])
        (p, s), mode = type_(), random.choice(list(MODES))
        out.write(f"from_float {value!r} {p} {s} {mode} {unscaled(D(repr(value)), p, s, mode)}\n")


def exact_quotient(a, sa, b, sb, p, s, mode):
    """Integer arithmetic alone: a quotient may have any number of digits."""
    shift = s + sb - sa
    top, bottom = abs(a) * 10 ** max(shift, 0), abs(b) * 10 ** max(-shift, 0)
    quotient, rest = divmod(top, bottom)
    negative = (a < 0) != (b < 0)
    twice = 2 * rest
    away = {
        "half_even": twice > bottom or (twice == bottom and quotient % 2 == 1), "half_up": twice >= bottom, "half_down": twice > bottom,
        "up": True, "down": False, "floor": negative, "ceiling": not negative,
    }[mode]
    if rest and away:
        quotient += 1
    if quotient >= 10 ** p:
        return "Overflow"
    return str(-quotient if negative else quotient)


def number_text():
    whole = str(random.choice([0, random.randrange(10), random.randrange(10 ** random.randint(1, 45))]))
    text = random.choice(["", "-"]) + whole
    if random.random() < 0.7:
        text += "." + random.choice(["5", "50", "25", "000", "".join(random.choice("0123456789") for _ in range(random.randint(1, 45)))])
    if random.random() < 0.3:
        text += random.choice(["e", "E"]) + random.choice(["", "+", "-"]) + str(random.choice([0, 1, 2, 5, 10, 37, 38, 60, 250]))
    return text


def times(out):
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    moments = [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), datetime.datetime(1970, 1, 1),
               datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), datetime.datetime(2000, 2, 29), datetime.datetime(1900, 3, 1),
               datetime.datetime(2024, 12, 30), datetime.datetime(2021, 1, 3), datetime.datetime(2027, 1, 1)]
    span = int((datetime.datetime(9999, 12, 31) - datetime.datetime(1, 1, 1)).total_seconds())
    for _ in range(400):
        moment = datetime.datetime(1, 1, 1) + datetime.timedelta(seconds=random.randrange(span))
        moments.append(moment.replace(microsecond=random.choice([0, 0, 250000, random.randrange(10 ** 6)])))
    for moment in moments:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
        micros = (moment - epoch) // datetime.timedelta(microseconds=1)
        fraction = "" if not moment.microsecond else f".{moment.microsecond // 1000:03}" if moment.microsecond % 1000 == 0 else f".{moment.microsecond:06}"
        text = f"{moment.year:04}-{moment.month:02}-{moment.day:02}T{moment:%H:%M:%S}{fraction}Z"
        year, week, weekday = moment.isocalendar()
        out.write(f"time {micros} {text} {weekday} {moment.timetuple().tm_yday} {year} {week}\n")
        if datetime.datetime(2, 1, 1) < moment.replace(tzinfo=None) < datetime.datetime(9998, 1, 1):
            minutes = random.randint(-23 * 60 - 59, 23 * 60 + 59)
            local = moment.astimezone(datetime.timezone(datetime.timedelta(minutes=minutes)))
            sign, minutes = ("-" if minutes < 0 else "+"), abs(minutes)
            written = f"{local.year:04}-{local.month:02}-{local.day:02}T{local:%H:%M:%S}.{local.microsecond:06}{sign}{minutes // 60:02}:{minutes % 60:02}"
            out.write(f"parse {written} {micros}\n")
        month = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        for name, start in [("hour", moment.replace(minute=0, second=0, microsecond=0)), ("day", day), ("month", month),
                            ("quarter", month.replace(month=(month.month - 1) // 3 * 3 + 1)), ("year", month.replace(month=1)),
                            ("week", day - datetime.timedelta(days=weekday - 1))]:
            out.write(f"truncate {micros} {name} {(start - epoch) // datetime.timedelta(microseconds=1)}\n")
        months = random.choice([1, -1, 12, random.randint(-500, 500)])
        total = moment.year * 12 + moment.month - 1 + months
        if 12 <= total < 120000:
            year, number_ = divmod(total, 12)
            last = calendar.monthrange(year, number_ + 1)[1]
            moved = moment.replace(year=year, month=number_ + 1, day=min(moment.day, last))
            out.write(f"add_months {micros} {months} {(moved - epoch) // datetime.timedelta(microseconds=1)}\n")


folder = pathlib.Path(sys.argv[1])
with open(folder / "decimal.txt", "w") as file:
    decimals(file)
with open(folder / "time.txt", "w") as file:
    times(file)
