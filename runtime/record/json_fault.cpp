// What JsonReader says of a text that it does not take.
#include <fmt/format.h>

#include <utility>

#include "runtime/record/json_reader.h"

namespace piperun::record {

using base::ErrorCode;

bool JsonReader::wrong_type(std::string_view words) {
  if (in_.next() == 0 && in_.position() == in_.end()) return in_.malformed();
  if (in_.next() == 'n') return in_.fail(ErrorCode::MissingField, "null", in_.position());
  return in_.fail(ErrorCode::WrongType, words, in_.position());
}

bool JsonReader::refuse(const ScalarFault& fault, const char* at) { return in_.fail(fault.code, fault.words, at); }

bool JsonReader::in_path(std::string_view name) {
  path_.insert(0, path_.empty() || path_.front() == '[' ? std::string(name) : std::string(name) + '.');
  return false;
}

bool JsonReader::in_path(std::size_t index) {
  path_.insert(0, path_.empty() || path_.front() == '[' ? fmt::format("[{}]", index) : fmt::format("[{}].", index));
  return false;
}

// What is not well-formed is that, whatever else is wrong with it.
DecodeFault JsonReader::fault(std::string_view text) {
  const std::string path = std::exchange(path_, {});
  cells_.clear();
  ErrorCode code = in_.fault();
  std::string_view what = in_.what();
  std::size_t byte = in_.fault_byte();
  bool is_syntax = code == ErrorCode::InvalidJson || code == ErrorCode::InvalidUtf8 || code == ErrorCode::TooDeep;
  if (JsonScanner whole; !is_syntax && (whole.start(text), !whole.skip_value() || !whole.finish())) {
    is_syntax = true;
    code = whole.fault();
    what = whole.what();
    byte = whole.fault_byte();
  }
  if (!is_syntax) {
    const std::string where = path.empty() ? std::string() : fmt::format("`{}`: ", path);
    return {code, fmt::format("{}{}, at byte {}", where, what, byte)};
  }
  const std::string_view title = code == ErrorCode::InvalidJson   ? "invalid JSON"
                                 : code == ErrorCode::InvalidUtf8 ? "invalid UTF-8"
                                                                  : "";
  if (title.empty()) return {code, fmt::format("{}, at byte {}", what, byte)};
  return {code, what.empty() ? fmt::format("{} at byte {}", title, byte) : fmt::format("{} at byte {}: {}", title, byte, what)};
}

}  // namespace piperun::record
