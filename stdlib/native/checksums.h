// Checksums and hashes that are no cryptography.
#pragma once
#include <cstdint>
#include <string_view>

namespace piperun::native {

std::uint32_t crc32(std::string_view bytes);   // ISO 3309, as in zip
std::uint64_t xxh64(std::string_view bytes);   // seed 0; the xxHash specification, version 0.1.1

}  // namespace piperun::native
