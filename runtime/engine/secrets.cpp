#include "runtime/engine/secrets.h"

#include <fmt/format.h>

#include <cstdlib>

#include "runtime/base/read_file.h"

namespace piperun::engine {
namespace {

constexpr std::size_t kMostBytes = 1U << 20;  // of a secret's file: a device that never ends holds none

}  // namespace

std::expected<std::string, std::string> read_secret(const std::string& name) {
  if (const char* value = std::getenv(name.c_str())) {
    if (*value == '\0') return std::unexpected(fmt::format("the variable {} is empty", name));
    return value;
  }
  const char* path = std::getenv((name + "_FILE").c_str());
  if (path == nullptr || *path == '\0') return std::unexpected("");
  auto text = base::read_file(path, kMostBytes);
  if (!text)
    return std::unexpected(fmt::format("the file {}, which {}_FILE names, cannot be read: {}", path, name, text.error()));
  if (text->ends_with('\n')) text->pop_back();
  if (text->empty()) return std::unexpected(fmt::format("the file {}, which {}_FILE names, is empty", path, name));
  return text;
}

std::optional<std::string> secret_from_environment(const std::string& name) {
  auto secret = read_secret(name);
  return secret ? std::optional(std::move(*secret)) : std::nullopt;
}

base::Result<expr::Secrets> read_secrets(const ir::Program& program, const Options& options) {
  expr::Secrets secrets;
  for (const std::string& name : expr::secrets_of(program)) {
    auto value = options.secret(name);
    if (!value) {
      const auto known = read_secret(name);
      const std::string why = known ? "" : known.error();
      return base::failure(
          base::ErrorCode::SecretMissing,
          why.empty()
              ? fmt::format("the secret {} is not set: set the variable {}, or {}_FILE to a file that holds it", name, name, name)
              : fmt::format("the secret {}: {}", name, why));
    }
    secrets[name] = std::move(*value);
  }
  return secrets;
}

}  // namespace piperun::engine
