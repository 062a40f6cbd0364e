// The one reader of whole files.
#pragma once
#include <cstddef>
#include <expected>
#include <string>

namespace piperun::base {

// All of a file, a pipe or a device. An error in words: `Is a directory`, or that it has more than `most` bytes.
std::expected<std::string, std::string> read_file(const std::string& path, std::size_t most);

}  // namespace piperun::base
