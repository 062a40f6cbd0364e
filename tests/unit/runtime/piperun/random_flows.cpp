#include "tests/unit/runtime/piperun/random_flows.h"

#include <fmt/format.h>

namespace piperun::cli {
namespace {

enum class Kind { Int, MaybeInt, Decimal, Text, MaybeText, Bool, Float, List, Record, Person };

struct Field {
  std::string name;
  Kind kind;
};

constexpr const char* kPrelude = R"(pipeline random {
  delivery = exactly_once
  on error { dead_letter = keep }
}
connection store = embedded { path = "random.db" }
type Item { x: int64, y: string?, w: decimal(6, 2) }
type Row {
  a: int64
  b: int64?
  c: decimal(8, 2)
  d: string
  e: string?
  f: bool
  g: float64
  h: int64 = 7
  l: list<Item>
  at: timestamp
}
type Person { id: int64, name: string, level: int64? }
source rows: Row = store { topic = "rows", event_time = at }
table people: Person = store { table = "people", key = id }
fn twice(n: int64) -> int64 = n + n
fn short(s: string) -> string = substring(s, 0, 3)
)";

class Writer {
 public:
  explicit Writer(std::uint32_t seed) : random_(seed) {}

  std::string program() {
    const std::vector<Field> row = {{"a", Kind::Int},   {"b", Kind::MaybeInt},  {"c", Kind::Decimal},
                                    {"d", Kind::Text},  {"e", Kind::MaybeText}, {"f", Kind::Bool},
                                    {"g", Kind::Float}, {"h", Kind::Int},       {"l", Kind::List}};
    std::string flows;
    const bool shared = chance(50);
    std::vector<Field> start = row;
    if (shared) {
      fields_ = row;
      meta_ = true;
      flows += "flow base {\n  from rows\n" + stages(below(4));
      flows += "}\n";
      start = fields_;
    }
    const bool meta = !shared || meta_;
    const bool flat = flat_, looked = looked_;
    const int count = 1 + below(3);
    for (int i = 0; i < count; ++i) {
      fields_ = start;
      meta_ = meta;
      flat_ = flat;
      looked_ = looked;
      flows += fmt::format("flow f{} {{\n  from {}\n{}{}}}\n", i, shared ? "base" : "rows", stages(1 + below(6)), ending());
    }
    std::string sinks;
    for (int i = 0; i < sinks_; ++i) sinks += fmt::format("sink out{0} = store {{ topic = \"out{0}\" }}\n", i);
    return kPrelude + sinks + flows;
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool chance(int percent) { return below(100) < percent; }
  std::string fresh() { return fmt::format("v{}", names_++); }

  // A field of this kind, or nothing.
  std::string field(Kind kind) {
    std::vector<std::string> fit;
    for (const Field& each : fields_) {
      if (each.kind == kind) fit.push_back(each.name);
      if (each.kind == Kind::Record && kind == Kind::Int) fit.push_back(each.name + ".x");
      if (each.kind == Kind::Record && kind == Kind::MaybeText) fit.push_back(each.name + ".y");
      if (each.kind == Kind::Record && kind == Kind::Decimal) fit.push_back(each.name + ".w");
      if (each.kind == Kind::Person && kind == Kind::Text) fit.push_back(each.name + ".name");
      if (each.kind == Kind::Person && kind == Kind::MaybeInt) fit.push_back(each.name + ".level");
    }
    return fit.empty() ? "" : fit[static_cast<std::size_t>(below(static_cast<int>(fit.size())))];
  }

  // A field that an `if` can narrow: a plain name.
  std::string plain(Kind kind) {
    const std::string name = field(kind);
    return name.find('.') == std::string::npos ? name : "";
  }

  std::string integer(int depth) {
    const std::string known = field(Kind::Int), null = field(Kind::MaybeInt), list = field(Kind::List),
                      narrow = plain(Kind::MaybeInt);
    if (depth <= 0) return !known.empty() && chance(70) ? known : fmt::format("{}", below(9));
    switch (below(13)) {
      case 0: return fmt::format("({} + {})", integer(depth - 1), integer(depth - 1));
      case 1: return fmt::format("({} - {})", integer(depth - 1), integer(depth - 1));
      case 2: return fmt::format("({} * {})", integer(depth - 1), integer(depth - 1));
      case 3: return fmt::format("(if {} then {} else {})", boolean(depth - 1), integer(depth - 1), integer(depth - 1));
      case 4: return fmt::format("length({})", text(depth - 1));
      case 5: return null.empty() ? integer(depth - 1) : fmt::format("({} ?? {})", null, below(9));
      case 6: return fmt::format("to_int({})!", text(depth - 1));
      case 7: return fmt::format("(to_int({}) catch {})", text(depth - 1), below(9));
      case 8: return list.empty() ? integer(depth - 1) : fmt::format("sum(i.x for i in {} if i.x > {})", list, below(9));
      case 9:
        return narrow.empty() ? integer(depth - 1)
                              : fmt::format("(if {0} is not null then {0} + 1 else {1})", narrow, integer(depth - 1));
      case 10: return fmt::format("twice({})", integer(depth - 1));
      case 11: return fmt::format("({} % {} catch {})", integer(depth - 1), integer(depth - 1), below(5));
      default: return meta_ && chance(50) ? "meta.offset" : integer(depth - 1);
    }
  }

  std::string decimal(int depth) {
    const std::string known = field(Kind::Decimal), list = field(Kind::List);
    if (depth <= 0) return !known.empty() && chance(70) ? known : fmt::format("{}.{:02}", below(50), below(100));
    switch (below(5)) {
      case 0: return fmt::format("({} + {})", decimal(depth - 1), decimal(depth - 1));
      case 1: return fmt::format("round({} * {}, 2)", decimal(depth - 1), decimal(0));
      case 2: return fmt::format("(to_decimal({}, 8, 2) catch {}.50)", text(depth - 1), below(9));
      case 3: return fmt::format("to_decimal({}, 8, 2)!", decimal(depth - 1));
      default: return list.empty() ? decimal(depth - 1) : fmt::format("to_decimal(sum(i.w for i in {}), 8, 2)!", list);
    }
  }

  std::string text(int depth) {
    const std::string known = field(Kind::Text), null = field(Kind::MaybeText);
    if (depth <= 0) return !known.empty() && chance(70) ? known : fmt::format("\"{}\"", chance(50) ? "abc" : "12");
    switch (below(9)) {
      case 0: return fmt::format("\"{{{}}}/{{{}}}\"", field(Kind::Int).empty() ? "1" : field(Kind::Int), text(0));
      case 1: return fmt::format("upper({})", text(depth - 1));
      case 2: return null.empty() ? text(depth - 1) : fmt::format("({} ?? \"none\")", null);
      case 3: return fmt::format("(if {} then {} else {})", boolean(depth - 1), text(depth - 1), text(depth - 1));
      case 4: return fmt::format("short({})", text(depth - 1));
      case 5: return fmt::format("(regex_find({}, r\"\\d+\") ?? \"no\")", text(depth - 1));
      case 6: return fmt::format("(if {} then {} else fail(\"made {{{}}}\"))", boolean(depth - 1), text(depth - 1), text(0));
      case 7: return chance(30) ? "uuid()" : fmt::format("to_string({})", integer(depth - 1));
      default: return fmt::format("replace({}, \"1\", \"x\")", text(depth - 1));
    }
  }

  std::string boolean(int depth) {
    const std::string known = field(Kind::Bool), null = field(Kind::MaybeInt), list = field(Kind::List),
                      real = field(Kind::Float);
    if (depth <= 0 && !known.empty() && chance(60)) return known;
    switch (below(depth <= 0 ? 4 : 9)) {
      case 0: return fmt::format("({} > {})", integer(depth - 1), integer(0));
      case 1: return fmt::format("({} == {})", text(depth - 1), text(0));
      case 2: return fmt::format("({} <= {})", decimal(depth - 1), decimal(0));
      case 3: return null.empty() ? "true" : fmt::format("({} is null)", null);
      case 4: return fmt::format("({} and {})", boolean(depth - 1), boolean(depth - 1));
      case 5: return fmt::format("({} or {})", boolean(depth - 1), boolean(depth - 1));
      case 6: return fmt::format("(not {})", boolean(depth - 1));
      case 7: return list.empty() ? boolean(depth - 1) : fmt::format("any(i.x > {} for i in {})", integer(0), list);
      default: return real.empty() ? boolean(depth - 1) : fmt::format("({} * 2.0 < 1.0)", real);
    }
  }

  std::string expression(Kind& kind) {
    switch (below(4)) {
      case 0: kind = Kind::Int; return integer(3);
      case 1: kind = Kind::Text; return text(3);
      case 2: kind = Kind::Decimal; return decimal(2);
      default: kind = Kind::Bool; return boolean(3);
    }
  }

  std::string set() {
    Kind kind;
    const std::string value = expression(kind);
    for (Field& each : fields_) {
      if (each.kind == kind && chance(20)) return fmt::format("  set {} = {}\n", each.name, value);
    }
    fields_.push_back({fresh(), kind});
    return fmt::format("  set {} = {}\n", fields_.back().name, value);
  }

  std::string map() {
    std::vector<Field> kept;
    std::string items;
    for (const Field& each : fields_) {
      if (!chance(60)) continue;
      kept.push_back(each);
      items += "    " + each.name + "\n";
    }
    for (int i = below(2) + (kept.empty() ? 1 : 0); i > 0; --i) {
      Kind kind;
      const std::string value = expression(kind);
      kept.push_back({fresh(), kind});
      items += fmt::format("    {} = {}\n", kept.back().name, value);
    }
    fields_ = std::move(kept);
    meta_ = false;
    return "  map {\n" + items + "  }\n";
  }

  std::string drop() {
    if (fields_.size() < 2) return "";
    const int at = below(static_cast<int>(fields_.size()));
    const std::string name = fields_[static_cast<std::size_t>(at)].name;
    fields_.erase(fields_.begin() + at);
    return fmt::format("  drop {}\n", name);
  }

  std::string flatten() {
    const std::string list = field(Kind::List);
    if (list.empty() || flat_) return "";
    flat_ = true;
    const std::string item = fresh(), number = fresh();
    fields_.push_back({item, Kind::Record});
    fields_.push_back({number, Kind::Int});
    return fmt::format("  flatten {} as {} at {}\n", list, item, number);
  }

  std::string enrich() {
    const std::string key = plain(Kind::Int);
    if (key.empty() || looked_) return "";
    looked_ = true;
    const std::string name = fresh();
    fields_.push_back({name, Kind::Person});
    return fmt::format("  enrich {} = people[{}] ?? fail(\"nobody is {{{}}}\")\n", name, key, key);
  }

  std::string dedup() {
    const std::string key = plain(chance(50) ? Kind::Int : Kind::Text);
    return key.empty() || looked_ || !meta_ ? "" : fmt::format("  dedup {} within 1h\n", key);
  }

  std::string stages(int count) {
    std::string result;
    for (int i = 0; i < count; ++i) {
      switch (below(12)) {
        case 0:
        case 1:
        case 2: result += "  filter " + boolean(2) + "\n"; break;
        case 3:
        case 4:
        case 5: result += set(); break;
        case 6: result += map(); break;
        case 7:
        case 8: result += drop(); break;
        case 9: result += flatten(); break;
        case 10: result += enrich(); break;
        default: result += dedup(); break;
      }
    }
    return result;
  }

  std::string ending() {
    std::string result;
    const std::string key = plain(Kind::Int);
    if (!key.empty() && !looked_ && chance(30)) result += "  key by " + key + "\n";
    if (!chance(40)) return fmt::format("{}  to out{}\n", result, sinks_++);
    const std::string condition = boolean(2);
    result += fmt::format("  route {{\n    when {} to out{}\n    else to out{}\n  }}\n", condition, sinks_, sinks_ + 1);
    sinks_ += 2;
    return result;
  }

  std::mt19937 random_;
  std::vector<Field> fields_;
  int names_ = 0, sinks_ = 0;
  bool meta_ = false;     // `meta.…` can still be read
  bool flat_ = false;     // one flatten per flow, or the rows multiply
  bool looked_ = false;   // values may come from a look-up: no key may
};

}  // namespace

std::string random_flows(std::uint32_t seed) { return Writer(seed).program(); }

std::vector<std::string> random_records(std::uint32_t seed, int count) {
  std::mt19937 random(seed);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  std::vector<std::string> records;
  for (int i = 0; i < count; ++i) {
    std::string items;
    for (unsigned n = below(4); n > 0; --n) {
      items += fmt::format("{}{{\"x\":{},\"y\":{},\"w\":\"{}.25\"}}", items.empty() ? "" : ",", below(12),
                           below(3) ? "\"it 7\"" : "null", below(90));
    }
    const char* texts[] = {"12", "abc", "9 lives", "", "\\u00fcber 1", "-4"};
    const std::string a = below(40) ? fmt::format("{}", below(12)) : below(2) ? "9223372036854775807" : "-3";
    const std::string c = below(30) ? fmt::format("{}.{:02}", below(60), below(100)) : "\"much\"";
    std::string record = fmt::format(R"({{"a":{},"b":{},"c":{},"d":"{}",)", a, below(3) ? fmt::format("{}", below(12)) : "null",
                                     c, texts[below(6)]);
    if (below(2)) record += fmt::format(R"("e":"{}",)", texts[below(6)]);
    if (below(2)) record += fmt::format(R"("h":{},)", below(12));
    record += fmt::format(R"("f":{},"g":{}.5,"l":[{}],"at":"2026-01-31T{:02}:00:00Z"}})", below(2) ? "true" : "false", below(3),
                          items, below(24));
    if (!below(50)) record.resize(record.size() / 2);
    records.push_back(record);
  }
  return records;
}

}  // namespace piperun::cli
