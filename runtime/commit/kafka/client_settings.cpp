// From the options of a connection to librdkafka's settings.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "lang/catalog/catalog.h"
#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

namespace {

// The option `security = { … }`: our name, librdkafka's, whether it is the path of a file.
struct SecurityOption {
  std::string_view name, property;
  bool is_path;
};
constexpr std::array<SecurityOption, 9> kSecurity = {{
    {"protocol", "security.protocol", false},
    {"mechanism", "sasl.mechanism", false},
    {"username", "sasl.username", false},
    {"password", "sasl.password", false},
    {"ca", "ssl.ca.location", true},
    {"certificate", "ssl.certificate.location", true},
    {"key", "ssl.key.location", true},
    {"key_password", "ssl.key.password", false},
    {"verify_host", "ssl.endpoint.identification.algorithm", false},
}};

constexpr std::string_view kSecret = "secret:";

Result<std::string> revealed(const std::string& value, const ReadSecret& secret) {
  if (!value.starts_with(kSecret)) return value;
  const std::string name = value.substr(kSecret.size());
  if (auto found = secret(name)) return *found;
  return base::failure(
      ErrorCode::SecretMissing,
      fmt::format("the secret {} is not set: set the variable {}, or {}_FILE to a file that holds it", name, name, name));
}

Result<void> check_property(const ir::System& system, const std::string& name, const std::string& value, ir::Delivery delivery) {
  const auto refused = catalog::refused_properties();
  const auto found = std::ranges::find(refused, name, &catalog::RefusedProperty::name);
  if (found == refused.end()) return {};
  if (!found->allowed_if.empty() && value == found->allowed_if && delivery == ir::Delivery::AtMostOnce) return {};
  return base::failure(ErrorCode::CannotOpen, fmt::format("connection {}: `{}` carries the guarantee and cannot be set: {}",
                                                          system.name, name, found->reason));
}

Result<void> add_security(ClientSettings& settings, const std::string& name, std::string value, const std::string& base_dir) {
  const auto found = std::ranges::find(kSecurity, name, &SecurityOption::name);
  if (found == kSecurity.end()) {
    std::string all;
    for (const SecurityOption& each : kSecurity) all += (all.empty() ? "" : ", ") + std::string(each.name);
    return base::failure(ErrorCode::CannotOpen,
                         fmt::format("connection {}: `security` has no `{}`; it has {}", settings.name, name, all));
  }
  if (found->is_path) value = (std::filesystem::path(base_dir) / value).string();
  if (name == "verify_host") value = value == "false" ? "none" : "https";
  settings.security[std::string(found->property)] = std::move(value);
  return {};
}

// Who gives a name and a password, or a certificate, without saying how means the safe way.
void complete_security(std::map<std::string, std::string>& security) {
  if (security.empty()) return;
  const bool has_login = security.contains("sasl.username");
  if (!security.contains("security.protocol")) security["security.protocol"] = has_login ? "sasl_ssl" : "ssl";
  if (has_login && !security.contains("sasl.mechanism")) security["sasl.mechanism"] = "SCRAM-SHA-512";
}

}  // namespace

Result<ClientSettings> client_settings(const ir::System& system, const ReadSecret& secret, ir::Delivery delivery,
                                       const std::string& base_dir) {
  ClientSettings result;
  result.name = system.name;
  for (const auto& [option, text] : system.options) {
    auto value = revealed(text, secret);
    if (!value) return std::unexpected(value.error());
    const std::size_t dot = option.find('.');
    const std::string group = option.substr(0, dot), name = dot == std::string::npos ? "" : option.substr(dot + 1);
    Result<void> done;
    if (option == "brokers") {
      result.brokers = *value;
    } else if (group == "security") {
      done = add_security(result, name, std::move(*value), base_dir);
    } else if (group == "properties") {
      done = check_property(system, name, *value, delivery);
      result.properties[name] = std::move(*value);
    }
    if (!done) return std::unexpected(done.error());
  }
  if (result.brokers.empty()) result.brokers = "localhost:9092";
  complete_security(result.security);
  return result;
}

}  // namespace piperun::kafka
