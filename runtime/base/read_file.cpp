#include "runtime/base/read_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace piperun::base {

std::expected<std::string, std::string> read_file(const std::string& path, std::size_t most) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (!file) return std::unexpected(std::strerror(errno));
  std::string text;
  std::array<char, 16 * 1024> piece;
  while (text.size() <= most) {
    const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get());
    if (std::ferror(file.get()) != 0) return std::unexpected(std::strerror(errno));
    if (got == 0) return text;
    text.append(piece.data(), got);
  }
  return std::unexpected("it has more than " + std::to_string(most) + " bytes");
}

}  // namespace piperun::base
