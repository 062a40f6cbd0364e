// std.bytes.
#include <algorithm>

#include "lang/value/hex.h"
#include "lang/value/text.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

bool slice(NativeCall& call) {
  const std::string_view bytes = text(call, 0);
  const auto size = static_cast<std::int64_t>(bytes.size());
  std::int64_t from = integer(call, 1), count = std::max<std::int64_t>(integer(call, 2), 0);
  if (from < -size) count = std::max<std::int64_t>(0, count + (from + size));
  from = std::clamp<std::int64_t>(from < 0 ? from + size : from, 0, size);
  return give_view(call, bytes.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(count)));
}

bool to_text(NativeCall& call) {
  return value::is_utf8(text(call, 0)) ? give_view(call, text(call, 0)) : fail(call, Fault::BadEncoding, "not UTF-8");
}

bool base64(NativeCall& call) {
  std::string out;
  value::append_base64(out, text(call, 0));
  return give_copy(call, out);
}

bool from_base64(NativeCall& call) {
  const auto bytes = value::decode_base64(text(call, 0));
  return bytes ? give_copy(call, *bytes) : fail(call, bytes.error(), "not base64");
}

bool read_hex(NativeCall& call) {
  const auto bytes = value::from_hex(text(call, 0));
  return bytes ? give_copy(call, *bytes) : fail(call, Fault::BadEncoding, "not hexadecimal");
}

constexpr Native kFunctions[] = {
    {"bytes.length", [](NativeCall& c) { return give(c, static_cast<std::int64_t>(c.args[0].s.size)); }},
    {"bytes.slice", slice},
    {"bytes.from_text", [](NativeCall& c) { return give_view(c, text(c, 0)); }},
    {"bytes.to_text", to_text},
    {"bytes.hex", [](NativeCall& c) { return give_copy(c, value::to_hex(text(c, 0))); }},
    {"bytes.from_hex", read_hex},
    {"bytes.base64", base64},
    {"bytes.from_base64", from_base64},
};

}  // namespace

std::span<const Native> bytes_functions() { return kFunctions; }

}  // namespace piperun::native
