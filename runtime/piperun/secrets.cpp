#include "runtime/piperun/secrets.h"

#include <fmt/format.h>

#include <map>

#include "runtime/engine/options.h"
#include "runtime/expr/row_function.h"

namespace piperun::cli {

base::Result<void> check_secrets(const ir::Program& program) {
  std::map<std::string, std::string> missing;  // name, and what needs it first
  const auto check = [&](const std::string& name, const std::string& user) {
    if (!engine::secret_from_environment(name)) missing.try_emplace(name, user);
  };
  constexpr std::string_view kSecret = "secret:";
  for (const ir::System& system : program.systems) {
    for (const auto& [option, value] : system.options) {
      if (!system.stand_in && value.starts_with(kSecret))
        check(value.substr(kSecret.size()), fmt::format("`{}` of {}", option, system.name));
    }
  }
  for (const std::string& name : expr::secrets_of(program)) check(name, "a parameter");
  if (missing.empty()) return {};
  std::string words;
  for (const auto& [name, user] : missing) words += fmt::format("{}{} (for {})", words.empty() ? "" : ", ", name, user);
  const std::string& first = missing.begin()->first;
  return base::failure(base::ErrorCode::SecretMissing,
                       fmt::format("not set: {}; set the variable {}, or {}_FILE to a file that holds it", words, first, first));
}

}  // namespace piperun::cli
