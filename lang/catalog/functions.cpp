#include "lang/catalog/catalog.h"

namespace piperun::catalog {

namespace {

using enum CallKind;

constexpr Function kFunctions[] = {
    // Text
    {"upper", "(string) -> string", Native, "text.upper", false, "in capital letters", "upper(\"aé\") == \"AÉ\""},
    {"lower", "(string) -> string", Native, "text.lower", false, "in small letters", "lower(\"AÉ\") == \"aé\""},
    {"trim", "(string) -> string", Native, "text.trim", false, "without white space at both ends", "trim(\" a \") == \"a\""},
    {"length", "(string) -> int64", Native, "text.length", false, "how many code points", "length(\"né\") == 2"},
    {"length", "(list<T>) -> int64", Op, "list_length", false, "how many elements", "length([1, 2]) == 2"},
    {"length", "(map<string, T>) -> int64", Op, "list_length", false, "how many entries",
     "length(url.parameters(\"?a=1&b=2\")) == 2"},
    {"substring", "(string, int64, int64) -> string", Native, "text.substring", false,
     "so many code points from one on, counted from 0", "substring(\"abcd\", 1, 2) == \"bc\""},
    {"contains", "(string, string) -> bool", Native, "text.contains", false, "whether the second stands in the first",
     "contains(\"order\", \"de\")"},
    {"starts_with", "(string, string) -> bool", Native, "text.starts_with", false, "whether the first begins with the second",
     "starts_with(\"order\", \"or\")"},
    {"ends_with", "(string, string) -> bool", Native, "text.ends_with", false, "whether the first ends with the second",
     "ends_with(\"order\", \"er\")"},
    {"replace", "(string, string, string) -> string", Native, "text.replace", false, "every second by the third",
     "replace(\"a-b\", \"-\", \"+\") == \"a+b\""},
    {"split", "(string, string) -> list<string>", Native, "text.split", false, "the parts between the second",
     "split(\"a,b\", \",\") == [\"a\", \"b\"]"},
    {"join", "(list<string>, string) -> string", Native, "text.join", false, "one text, with the second between the elements",
     "join([\"a\", \"b\"], \"-\") == \"a-b\""},
    {"regex_matches", "(string, string) -> bool", Native, "text.regex_matches", false,
     "whether the regular expression is found in the text", "regex_matches(\"a1\", r\"\\d\")"},
    {"regex_find", "(string, string) -> string?", Native, "text.regex_find", false,
     "the first place where the regular expression fits", "regex_find(\"ab12\", r\"\\d+\") == \"12\""},
    {"regex_group", "(string, string, int64) -> string?", Native, "text.regex_group", false,
     "a group of the first fit; group 0 is all of it", "regex_group(\"ab12\", r\"([a-z]+)(\\d+)\", 2) == \"12\""},
    {"regex_replace", "(string, string, string) -> string", Native, "text.regex_replace", false,
     "every fit by the third, `$1` is a group", "regex_replace(\"a1\", r\"\\d\", \"x\") == \"ax\""},

    // Conversions
    {"to_int", "(string) -> int64!", Native, "text.to_int", false, "the number that the text says", "to_int(\"42\")! == 42"},
    {"to_int", "(decimal) -> int64!", Op, "dec_to_int", false, "without what is behind the point", "to_int(2.9)! == 2"},
    {"to_int", "(float64) -> int64!", Native, "math.truncate", false, "without what is behind the point", "to_int(-2.7)! == -2"},
    {"to_int", "(json) -> int64!", Op, "json_to", false, "a JSON number that is whole", "to_int(parse_json(\"7\")!)! == 7"},
    {"to_float", "(int64) -> float64", Op, "int_to_float", false, "the nearest float64", "to_float(2) == 2.0"},
    {"to_float", "(decimal) -> float64", Op, "dec_to_float", false, "the nearest float64", "to_float(round(1.25, 2)) == 1.25"},
    {"to_float", "(string) -> float64!", Native, "text.to_float", false, "the number that the text says",
     "to_float(\"1.5\")! == 1.5"},
    {"to_float", "(json) -> float64!", Op, "json_to", false, "a JSON number", "to_float(parse_json(\"0.5\")!)! == 0.5"},
    {"to_decimal", "(string, number, number) -> decimal!", Op, "text_to_decimal", false,
     "the exact number of that precision and scale", "to_decimal(\"9.99\", 12, 2)! == 9.99"},
    {"to_decimal", "(int64, number, number) -> decimal!", Op, "rescale", false, "as a decimal of that precision and scale",
     "to_decimal(7, 5, 2)! == 7.00"},
    {"to_decimal", "(decimal, number, number) -> decimal!", Op, "rescale", false,
     "rounded half to even to that precision and scale", "to_decimal(2.345, 5, 2)! == 2.34"},
    {"to_decimal", "(float64, number, number) -> decimal!", Op, "float_to_decimal", false,
     "rounded half to even to that precision and scale", "to_decimal(math.sqrt(2.0)!, 5, 3)! == 1.414"},
    {"to_decimal", "(json, number, number) -> decimal!", Op, "json_to", false, "a JSON number or text, exactly",
     "to_decimal(parse_json(\"9.99\")!, 12, 2)! == 9.99"},
    {"to_bool", "(string) -> bool!", Native, "text.to_bool", false, "true or false, as written in the language",
     "to_bool(\"true\")!"},
    {"to_bool", "(json) -> bool!", Op, "json_to", false, "a JSON true or false", "to_bool(parse_json(\"true\")!)!"},
    {"to_timestamp", "(string) -> timestamp!", Native, "text.to_timestamp", false, "an RFC 3339 time",
     "to_timestamp(\"2026-01-31T12:00:00Z\")! == 2026-01-31T12:00:00Z"},
    {"to_timestamp", "(json) -> timestamp!", Op, "json_to", false, "a JSON text that is an RFC 3339 time",
     "to_timestamp(json.get(parse_json(\"[\\\"2026-01-31T12:00:00Z\\\"]\")!, \"[0]\")!)! == 2026-01-31T12:00:00Z"},
    {"to_string", "(json) -> string!", Op, "json_to", false, "a JSON text", "to_string(parse_json(\"\\\"a\\\"\")!)! == \"a\""},
    {"to_string", "(T) -> string", Op, "to_text", false, "what `\"{x}\"` writes", "to_string(12.50) == \"12.50\""},

    // Numbers
    {"round", "(decimal, number) -> decimal", Op, "round", false,
     "to so many digits behind the point, half to even; into a narrower type that is expected, checked",
     "round(2.345, 2) == 2.34"},
    {"round", "(decimal, number, string) -> decimal", Op, "round", false,
     "the third is half_even, half_up, half_down, up, down, ceiling or floor", "round(2.345, 2, \"half_up\") == 2.35"},
    {"round", "(float64, number) -> float64", Native, "math.round", false, "to so many digits behind the point",
     "round(2.25, 1) == 2.2"},
    {"abs", "(int64) -> int64", Native, "math.abs", false, "without its sign", "abs(-2) == 2"},
    {"abs", "(decimal) -> decimal", Native, "math.abs_decimal", false, "without its sign", "abs(-2.50) == 2.50"},
    {"abs", "(float64) -> float64", Native, "math.abs_float", false, "without its sign", "abs(math.sin(-1.0)) == math.sin(1.0)"},
    {"floor", "(float64) -> float64", Native, "math.floor", false, "the next whole number below", "floor(math.pi()) == 3.0"},
    {"ceil", "(float64) -> float64", Native, "math.ceil", false, "the next whole number above", "ceil(math.pi()) == 4.0"},

    // Time, identity, chance
    {"now", "() -> timestamp", Op, "now", true, "the time of processing: another one on a replay, so it is volatile",
     "now() > 2026-01-31T12:00:00Z"},
    {"uuid", "() -> string", Op, "uuid", false, "an id seeded by the record's origin: the same on a replay",
     "length(uuid()) == 36"},
    {"random", "() -> float64", Op, "random", false, "from 0 to below 1, seeded by the record's origin: the same on a replay",
     "random() < 1.0"},

    // JSON, hashes
    {"parse_json", "(string) -> json!", Native, "json.parse", false, "the tree that the text says",
     "to_int(parse_json(\"[7]\")![0]!)! == 7"},
    {"to_json", "(json) -> string", Native, "json.write", false, "the tree as text, without blanks",
     "to_json(parse_json(\"[1, true]\")!) == \"[1,true]\""},
    {"hash", "(string) -> string", Native, "hash.sha256", false, "SHA-256, as 64 hexadecimal digits",
     "starts_with(hash(\"abc\"), \"ba7816bf\")"},
    {"hmac", "(string, secret) -> string", Native, "hash.hmac", false,
     "HMAC-SHA-256 with a secret param, as 64 hexadecimal digits",
     "starts_with(hmac(\"what do ya want for nothing?\", $key), \"5bdcc146\")"},

    {"fail", "(string) -> never", Op, "fail", false, "makes the record a dead letter with these words",
     "(if 2 > 1 then 7 else fail(\"never\")) == 7"},
};

constexpr FoldFunction kFolds[] = {
    {"count", "(T) -> int64", "how many elements", "count(n for n in [5, 0, 7] if n > 0) == 2"},
    {"sum", "(int64) -> int64 | (decimal(p, s)) -> decimal(38, s) | (float64) -> float64 | (duration) -> duration",
     "the sum; 0 of none", "sum(n * 0.50 for n in [1, 2]) == 1.50"},
    {"min", "(T) -> T?", "the least; null of none", "(min(n for n in [5, 3, 7]) ?? 0) == 3"},
    {"max", "(T) -> T?", "the greatest; null of none", "(max(n for n in [5, 3, 7]) ?? 0) == 7"},
    {"avg", "(float64) -> float64? | (int64) -> float64? | (decimal(p, s)) -> decimal(38, s + 6)?", "the mean; null of none",
     "(avg(n for n in [1, 2]) ?? 0.0) == 1.5"},
    {"any", "(bool) -> bool", "whether it is true of one; false of none", "any(t == \"vip\" for t in [\"new\", \"vip\"])"},
    {"all", "(bool) -> bool", "whether it is true of each; true of none", "all(n > 0 for n in [5, 7])"},
    {"first", "(T) -> T?", "the first; null of none", "first(n for n in [5, 0, 7] if n > 5) == 7"},
    {"last", "(T) -> T?", "the last; null of none", "last(n for n in [5, 0, 7]) == 7"},
    {"list", "(T) -> list<T>", "a list of the values", "list(upper(s) for s in [\"a\", \"b\"]) == [\"A\", \"B\"]"},
    {"join", "(string, string) -> string", "one text, with the second between the values",
     "join(upper(s) for s in [\"a\", \"b\"], \", \") == \"A, B\""},
};

constexpr Missing kMissing[] = {
    {"window", "`window` stages are", ""},
    {"join", "`join` stages are", "for data that changes slowly, `enrich` from a table joins already"},
    {"aggregate", "`aggregate` stages are", "a fold over a list is there: `sum(l.qty for l in lines)`"},
    {"top", "`top` stages are", ""},
    {"time", "`time by` stages are", "the source option `event_time = FIELD` is there"},
    {"http", "the connector `http` is", "write into a topic or a table, and let a program of yours send what stands there"},
    {"avro", "the format `avro` is", "`format = json` and `format = csv` are there"},
    {"protobuf", "the format `protobuf` is", "`format = json` and `format = csv` are there"},
    {"registry", "the option `registry` is", ""},
    {"schema", "a type from a schema file is", "write the fields: `type T { id: string, … }`"},
    {"forever", "`within forever` is", "give a duration: `within 24h`"},
};

}  // namespace

std::span<const Function> functions() { return kFunctions; }
std::span<const FoldFunction> fold_functions() { return kFolds; }
std::span<const Missing> missing() { return kMissing; }

const Missing& find_missing(std::string_view feature) {
  for (const Missing& entry : kMissing) {
    if (entry.feature == feature) return entry;
  }
  __builtin_unreachable();
}

}  // namespace piperun::catalog
