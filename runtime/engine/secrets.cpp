#include "runtime/engine/secrets.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace piperun::engine {

std::optional<std::string> secret_from_environment(const std::string& name) {
  if (const char* value = std::getenv(name.c_str())) return value;
  const char* path = std::getenv((name + "_FILE").c_str());
  std::ifstream file(path ? path : "", std::ios::binary);
  if (!path || !file) return std::nullopt;
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

base::Result<expr::Secrets> read_secrets(const ir::Program& program, const Options& options) {
  expr::Secrets secrets;
  for (const std::string& name : expr::secrets_of(program)) {
    auto value = options.secret(name);
    if (!value) {
      return base::failure(
          base::ErrorCode::SecretMissing,
          fmt::format("the secret {} is not set: set the variable {}, or {}_FILE to a file that holds it", name, name, name));
    }
    secrets[name] = std::move(*value);
  }
  return secrets;
}

}  // namespace piperun::engine
