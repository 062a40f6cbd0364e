// Where a PostgreSQL server is and how long it is waited for.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "lang/ir/dataflow.h"
#include "runtime/base/result.h"

namespace piperun::postgres {

using ReadSecret = std::function<std::optional<std::string>(const std::string& name)>;

// All times in microseconds. The server enforces what it can, so that a process that was stopped holds nothing for ever.
struct PostgresSettings {
  std::string name = "postgres";  // of the connection in the program, for messages
  std::string url;  // postgresql://… or `host=… dbname=…`; may hold a password, so it is in no message
  std::string purpose;  // the unit; people see it in pg_stat_activity
  bool takes_any_server = false;  // also a standby, or one that is read-only, unless the url says what is wanted
  std::int64_t connect_timeout = 5'000'000;
  std::int64_t statement_timeout = 30'000'000;
  std::int64_t lock_timeout = 5'000'000;
  std::int64_t idle_in_transaction_timeout = 10'000'000;
  std::int64_t patience = 10'000'000;  // a claim waits that long for another worker's open transaction, then ends it
};

// From the option `url` of a connection. SecretMissing; CannotOpen when there is none.
base::Result<PostgresSettings> postgres_settings(const ir::System& system, const ReadSecret& secret, std::string purpose);

// libpq's parameters by name: those of the url, and ours. What the url says wins, but for what the promise rests on.
// CannotOpen for a url that cannot be read, or a part of whose password would be taken for something else; nothing of it is shown.
base::Result<std::map<std::string, std::string>> connect_parameters(const PostgresSettings& settings);

// `shop at db.example.com:5432/orders`: for messages.
std::string address_of(const PostgresSettings& settings, const std::map<std::string, std::string>& parameters);

// `piperun 4711@host unit`: the application name of this process's connections, at most 63 bytes. Up to the second blank it names the
// process.
std::string application_name(const std::string& purpose);
std::string process_of(const std::string& application_name);

}  // namespace piperun::postgres
