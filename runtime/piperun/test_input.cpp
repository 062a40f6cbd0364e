// Lines of `-- input --`.
#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "lang/value/json_node.h"
#include "lang/value/text.h"
#include "lang/value/time.h"
#include "runtime/piperun/test_file.h"

namespace piperun::cli {
namespace {

// Reads words off the front of a line.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::string_view rest() const { return rest_; }
  void skip_blanks() {
    const std::size_t begin = rest_.find_first_not_of(' ');
    rest_.remove_prefix(begin == std::string_view::npos ? rest_.size() : begin);
  }
  std::string word() {
    skip_blanks();
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    std::string result(rest_.substr(0, end));
    rest_.remove_prefix(end);
    skip_blanks();
    return result;
  }
  // `name=` in front of a value: removed. Names of attributes are letters, digits, `.`, `_` and `-`.
  std::optional<std::string> attribute() {
    std::size_t end = 0;
    while (end < rest_.size() &&
           (std::isalnum(static_cast<unsigned char>(rest_[end])) || rest_[end] == '.' || rest_[end] == '_' || rest_[end] == '-'))
      ++end;
    if (end == 0 || end >= rest_.size() || rest_[end] != '=') return std::nullopt;
    const std::string_view name = rest_.substr(0, end);
    if (name != "key" && name != "partition" && name != "time" && !name.starts_with("header.")) return std::nullopt;
    rest_.remove_prefix(end + 1);
    return std::string(name);
  }
  // A bare word, or a JSON string.
  std::optional<std::string> attribute_value() {
    if (!rest_.starts_with('"')) return word();
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) return std::nullopt;
    value::Arena arena;
    const auto parsed = value::parse_json(rest_.substr(0, end + 1), arena);
    rest_.remove_prefix(end + 1);
    skip_blanks();
    if (!parsed) return std::nullopt;
    return std::string(std::string_view((*parsed)->text));
  }

 private:
  std::string_view rest_;
};

template <typename Int>
bool read_number(const std::string& text, Int& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

using Parsed = std::expected<InputLine, std::string>;

bool set_attribute(InputLine& line, const std::string& name, const std::string& value) {
  if (name == "key") line.key = value;
  else if (name == "partition") return read_number(value, line.partition);
  else if (name == "time") {
    const auto time = value::parse_timestamp(value);
    if (!time) return false;
    line.time = *time;
  } else {
    line.headers.emplace_back(name.substr(7), value);
  }
  return true;
}

// `null key="a1"` is a tombstone too: attributes may stand behind `null`.
Parsed parse_record(InputLine line, Words words) {
  line.name = words.word();
  bool is_null = false;
  for (;;) {
    if (!is_null && words.rest().starts_with("null") && (words.rest().size() == 4 || words.rest()[4] == ' ')) {
      words.word();
      is_null = true;
      continue;
    }
    const auto name = words.attribute();
    if (!name) break;
    const auto text = words.attribute_value();
    if (!text || !set_attribute(line, *name, *text))
      return std::unexpected(fmt::format("the value of `{}` cannot be read", *name));
  }
  if (is_null) {
    if (!words.rest().empty()) return std::unexpected("nothing can stand behind `null`");
    return line;
  }
  if (!words.rest().starts_with("base64:")) {
    line.value = std::string(words.rest());
    return line;
  }
  const auto bytes = value::decode_base64(words.rest().substr(7));
  if (!bytes) return std::unexpected("this is no base64");
  line.value = std::string(*bytes);
  return line;
}

Parsed parse_fail(InputLine line, Words words) {
  line.kind = InputLine::Kind::Fail;
  line.name = words.word();
  const std::string amount = words.word();
  if (read_number(amount, line.count) && line.count > 0) return line;
  const auto duration = value::parse_duration(amount);
  if (!duration || *duration <= 0) return std::unexpected("`@fail SINK N`, or for a time: `@fail SINK 2m`");
  line.count = 0;
  line.duration = *duration;
  return line;
}

Parsed parse_order(InputLine line, Words words) {
  const std::string order = words.word();
  if (order == "@fail") return parse_fail(line, words);
  if (order == "@batch") {
    line.kind = InputLine::Kind::Batch;
  } else if (order == "@replay") {
    line.kind = InputLine::Kind::Replay;
  } else if (order == "@crash") {
    line.kind = InputLine::Kind::Crash;
    if (words.word() != "after" || words.rest().empty()) return std::unexpected("`@crash after STEP`");
    line.name = std::string(words.rest());
  } else if (order == "@clock") {
    line.kind = InputLine::Kind::Clock;
    const auto duration = value::parse_duration(words.word());
    if (!duration) return std::unexpected("`@clock 25h`");
    line.duration = *duration;
  } else if (order == "@time") {
    line.kind = InputLine::Kind::Time;
    const auto time = value::parse_timestamp(words.word());
    if (!time) return std::unexpected("`@time 2026-02-01T00:00:00Z`");
    line.time = *time;
  } else if (order == "@pipeline") {
    line.kind = InputLine::Kind::Pipeline;
    line.name = words.word();
    line.upgrade = words.word();
    if (line.name.empty()) return std::unexpected("`@pipeline FILE [keep | migrate | reset]`");
  } else {
    return std::unexpected(fmt::format("there is no `{}`; @fail, @crash, @clock, @time, @batch, @replay, @pipeline", order));
  }
  return line;
}

}  // namespace

std::expected<std::vector<InputLine>, std::string> input_of(const TestFile& file, const Section& section) {
  std::vector<InputLine> lines;
  for (const TestLine& each : section.lines) {
    if (each.text.find_first_not_of(' ') == std::string::npos) continue;
    InputLine line;
    line.line = each.number;
    // A comment behind an order is no part of it; data may hold a `#`.
    const bool is_order = each.text.starts_with('@');
    const std::size_t comment = is_order ? each.text.find(" #") : std::string::npos;
    std::string_view text = std::string_view(each.text).substr(0, comment);
    if (is_order) {
      text = text.substr(0, text.find(';') == std::string_view::npos ? text.size() : text.find(';'));
      text = text.substr(0, text.find_last_not_of(' ') + 1);
    }
    auto parsed = is_order ? parse_order(line, Words(text)) : parse_record(line, Words(text));
    if (!parsed) return std::unexpected(fmt::format("{}:{}: {}", file.path, each.number, parsed.error()));
    lines.push_back(std::move(*parsed));
  }
  return lines;
}

}  // namespace piperun::cli
