#include "runtime/piperun/secrets.h"

#include <fmt/format.h>

#include <map>

#include "runtime/engine/secrets.h"

namespace piperun::cli {
namespace {

struct Lacking {
  std::map<std::string, std::string> not_set;  // name, and what needs it first
  std::map<std::string, std::string> unusable;  // name, and what needs it and why it does not help
};

Lacking lacking_for(const ir::Program& program) {
  Lacking result;
  const auto check = [&](const std::string& name, const std::string& user) {
    const auto secret = engine::read_secret(name);
    if (secret) return;
    if (secret.error().empty()) result.not_set.try_emplace(name, user);
    else result.unusable.try_emplace(name, fmt::format("(for {}): {}", user, secret.error()));
  };
  constexpr std::string_view kSecret = "secret:";
  for (const ir::System& system : program.systems) {
    for (const auto& [option, value] : system.options) {
      if (!system.stand_in && value.starts_with(kSecret))
        check(value.substr(kSecret.size()), fmt::format("`{}` of {}", option, system.name));
    }
  }
  for (const std::string& name : expr::secrets_of(program)) check(name, "a parameter");
  return result;
}

std::string words_of(const std::map<std::string, std::string>& unusable) {
  std::string words;
  for (const auto& [name, why] : unusable) words += fmt::format("{}the secret {} {}", words.empty() ? "" : "; ", name, why);
  return words;
}

}  // namespace

base::Result<void> check_secrets(const ir::Program& program) {
  const Lacking lacking = lacking_for(program);
  if (lacking.not_set.empty() && lacking.unusable.empty()) return {};
  std::string words = words_of(lacking.unusable);
  if (!lacking.not_set.empty()) {
    std::string names;
    for (const auto& [name, user] : lacking.not_set) names += fmt::format("{}{} (for {})", names.empty() ? "" : ", ", name, user);
    const std::string& first = lacking.not_set.begin()->first;
    words += fmt::format("{}not set: {}; set the variable {}, or {}_FILE to a file that holds it", words.empty() ? "" : "; ",
                         names, first, first);
  }
  return base::failure(base::ErrorCode::SecretMissing, std::move(words));
}

std::string unusable_secrets(const ir::Program& program) { return words_of(lacking_for(program).unusable); }

}  // namespace piperun::cli
