// std.text without its regular expressions.
#include "lang/value/text.h"

#include <algorithm>
#include <vector>

#include "lang/value/int.h"
#include "lang/value/time.h"
#include "lang/value/utf8.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

bool find_part(NativeCall& call) {
  const auto position = value::find(text(call, 0), text(call, 1));
  return position ? give_some(call, Cell::of(*position)) : give_null(call);
}

bool before(NativeCall& call) {
  const std::string_view whole = text(call, 0);
  return give_view(call, whole.substr(0, whole.find(text(call, 1))));
}

bool after(NativeCall& call) {
  const std::string_view whole = text(call, 0);
  const std::size_t position = whole.find(text(call, 1));
  return give_view(call, position == std::string_view::npos ? std::string_view() : whole.substr(position + text(call, 1).size()));
}

bool is_ascii(NativeCall& call) {
  return give(call, std::ranges::none_of(text(call, 0), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }));
}

std::vector<char32_t> code_points(std::string_view s) {
  std::vector<char32_t> points;
  for (std::size_t i = 0; i < s.size();) {
    const std::size_t size = value::code_point_size(s, i);
    points.push_back(value::code_point_at(s, i, size));
    i += size;
  }
  return points;
}

// Wagner and Fischer's table, one row at a time.
bool edit_distance(NativeCall& call) {
  constexpr std::size_t kMostSteps = 25'000'000;
  const auto a = code_points(text(call, 0));
  const auto b = code_points(text(call, 1));
  if (!b.empty() && a.size() > kMostSteps / b.size()) return fail(call, Fault::TooLarge);
  std::vector<std::int64_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = static_cast<std::int64_t>(j);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::int64_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return give(call, row.back());
}

constexpr Native kFunctions[] = {
    {"text.upper", [](NativeCall& c) { return give(c, value::upper(text(c, 0), c.arena)); }},
    {"text.lower", [](NativeCall& c) { return give(c, value::lower(text(c, 0), c.arena)); }},
    {"text.length", [](NativeCall& c) { return give(c, value::length(text(c, 0))); }},
    {"text.trim", [](NativeCall& c) { return give_view(c, value::trim(text(c, 0))); }},
    {"text.trim_start", [](NativeCall& c) { return give_view(c, value::trim_start(text(c, 0))); }},
    {"text.trim_end", [](NativeCall& c) { return give_view(c, value::trim_end(text(c, 0))); }},
    {"text.contains", [](NativeCall& c) { return give(c, value::contains(text(c, 0), text(c, 1))); }},
    {"text.starts_with", [](NativeCall& c) { return give(c, value::starts_with(text(c, 0), text(c, 1))); }},
    {"text.ends_with", [](NativeCall& c) { return give(c, value::ends_with(text(c, 0), text(c, 1))); }},
    {"text.find", find_part},
    {"text.substring", [](NativeCall& c) { return give_view(c, value::substring(text(c, 0), integer(c, 1), integer(c, 2))); }},
    {"text.before", before},
    {"text.after", after},
    {"text.split", [](NativeCall& c) { return give(c, value::split(text(c, 0), text(c, 1), c.arena)); }},
    {"text.join", [](NativeCall& c) { return give(c, value::join(c.args[0].l, text(c, 1), c.arena)); }},
    {"text.replace", [](NativeCall& c) { return give(c, value::replace(text(c, 0), text(c, 1), text(c, 2), c.arena)); }},
    {"text.pad_start", [](NativeCall& c) { return give(c, value::pad_start(text(c, 0), integer(c, 1), text(c, 2), c.arena)); }},
    {"text.pad_end", [](NativeCall& c) { return give(c, value::pad_end(text(c, 0), integer(c, 1), text(c, 2), c.arena)); }},
    {"text.repeat", [](NativeCall& c) { return give(c, value::repeat(text(c, 0), integer(c, 1), c.arena)); }},
    {"text.reverse", [](NativeCall& c) { return give(c, value::reverse(text(c, 0), c.arena)); }},
    {"text.is_ascii", is_ascii},
    {"text.edit_distance", edit_distance},
    {"text.to_int", [](NativeCall& c) { return give(c, value::parse_int(text(c, 0))); }},
    {"text.to_decimal", [](NativeCall& c) { return give_decimal(c, value::parse_decimal(text(c, 0), decimal_result(c))); }},
    {"text.to_float", [](NativeCall& c) { return give(c, value::parse_float(text(c, 0))); }},
    {"text.to_bool", [](NativeCall& c) { return give(c, value::parse_bool(text(c, 0))); }},
    {"text.to_timestamp", [](NativeCall& c) { return give(c, value::parse_timestamp(text(c, 0))); }},
    {"text.to_duration", [](NativeCall& c) { return give(c, value::parse_duration(text(c, 0))); }},
};

}  // namespace

std::span<const Native> text_functions() { return kFunctions; }

}  // namespace piperun::native
