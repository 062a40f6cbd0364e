#include "runtime/commit/postgres/settings.h"

#include <fmt/core.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <array>
#include <memory>

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::string_view kSecret = "secret:";
constexpr std::size_t kLongestName = 63;  // NAMEDATALEN - 1: the server cuts the rest off

std::string seconds(std::int64_t micros) { return std::to_string(std::max<std::int64_t>(1, micros / 1'000'000)); }
std::string millis(std::int64_t micros) { return std::to_string(micros / 1'000); }

std::string server_settings(const PostgresSettings& settings) {
  return fmt::format(
      "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} -c "
      "client_connection_check_interval=2000 "
      "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3 "
      "-c client_min_messages=warning -c default_transaction_isolation=read\\ committed -c TimeZone=UTC -c DateStyle=ISO "
      "-c IntervalStyle=postgres -c bytea_output=hex -c extra_float_digits=1 -c standard_conforming_strings=on",
      millis(settings.statement_timeout), millis(settings.lock_timeout), millis(settings.idle_in_transaction_timeout));
}

constexpr std::string_view kForm = "it looks like postgresql://user@host:5432/database";

std::unexpected<base::Error> unreadable(const PostgresSettings& settings, std::string_view mend) {
  return base::failure(ErrorCode::CannotOpen, fmt::format("the url of connection {} cannot be read; {}", settings.name, mend));
}

// libpq ends user name and password at the first `@`, and sees none behind a `/`. The rest of a password that holds one of them
// would be taken for a host, a port or a database, and those are shown.
bool ends_login_too_early(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || url.find('=') < scheme) return false;  // `host=… dbname=…`
  std::string_view rest = url.substr(scheme + 3);
  const std::size_t login = rest.substr(0, rest.find('/')).find('@');
  if (login != std::string_view::npos) rest.remove_prefix(login + 1);
  return rest.substr(0, rest.find('?')).contains('@');
}

}  // namespace

Result<PostgresSettings> postgres_settings(const ir::System& system, const ReadSecret& secret, std::string purpose) {
  PostgresSettings result;
  result.name = system.name;
  result.purpose = std::move(purpose);
  const auto url = system.options.find("url");
  if (url == system.options.end() || url->second.empty())
    return base::failure(ErrorCode::CannotOpen, fmt::format("connection {} has no url", system.name));
  if (!url->second.starts_with(kSecret)) {
    result.url = url->second;
    return result;
  }
  const std::string name = url->second.substr(kSecret.size());
  auto found = secret(name);
  if (!found) {
    return base::failure(
        ErrorCode::SecretMissing,
        fmt::format("the secret {} is not set: set the variable {}, or {}_FILE to a file that holds it", name, name, name));
  }
  result.url = std::move(*found);
  return result;
}

Result<std::map<std::string, std::string>> connect_parameters(const PostgresSettings& settings) {
  if (ends_login_too_early(settings.url)) return unreadable(settings, "write @ as %40 and / as %2F in user name and password");
  char* complaint = nullptr;  // repeats parts of the url, so it is not shown
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(PQconninfoParse(settings.url.c_str(), &complaint),
                                                                            &PQconninfoFree);
  PQfreemem(complaint);
  if (!parsed) return unreadable(settings, kForm);
  std::map<std::string, std::string> result = {{"connect_timeout", seconds(settings.connect_timeout)},
                                               {"tcp_user_timeout", "15000"},
                                               {"keepalives", "1"},
                                               {"keepalives_idle", "5"},
                                               {"keepalives_interval", "3"},
                                               {"keepalives_count", "3"},
                                               {"target_session_attrs", settings.takes_any_server ? "any" : "read-write"}};
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) result[option->keyword] = option->val;
  }
  // A url that lacks `@host` has the password there.
  if (result["port"].find_first_not_of("0123456789, ") != std::string::npos) return unreadable(settings, kForm);
  result["client_encoding"] = "UTF8";
  result["application_name"] = application_name(settings.purpose);
  std::string& options = result["options"];
  options = options.empty() ? server_settings(settings) : options + " " + server_settings(settings);
  return result;
}

std::string address_of(const PostgresSettings& settings, const std::map<std::string, std::string>& parameters) {
  const auto get = [&](const char* name, const char* fallback) {
    const auto found = parameters.find(name);
    return found == parameters.end() || found->second.empty() ? std::string(fallback) : found->second;
  };
  return fmt::format("{} at {}:{}/{}", settings.name, get("host", "localhost"), get("port", "5432"), get("dbname", ""));
}

std::string application_name(const std::string& purpose) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  std::string name = fmt::format("piperun {}@{}", getpid(), std::string(host.data()).substr(0, 24));
  if (!purpose.empty()) name += " " + purpose;
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';  // as the server would do it
  }
  return name.substr(0, kLongestName);
}

std::string process_of(const std::string& application_name) {
  const std::size_t first = application_name.find(' ');
  if (first == std::string::npos) return application_name;
  return application_name.substr(0, application_name.find(' ', first + 1));
}

}  // namespace piperun::postgres
