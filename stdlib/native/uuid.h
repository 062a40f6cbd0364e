// UUIDs: 16 bytes as text.
#pragma once
#include <string>
#include <string_view>

#include "lang/value/hex.h"

namespace piperun::native {

// Lower case, with hyphens. Must be 16 bytes.
inline std::string uuid_text(std::string_view bytes) {
  std::string out = value::to_hex(bytes);
  for (const std::size_t at : {8u, 13u, 18u, 23u}) out.insert(at, 1, '-');
  return out;
}

// Sets the four bits that say how a UUID was made and the two that say it is one of RFC 9562.
inline void set_uuid_version(std::string& bytes, int version) {
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | (version << 4));
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
}

}  // namespace piperun::native
