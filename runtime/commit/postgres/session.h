// The only door to PostgreSQL: one connection, opened again when it is lost, statements prepared once, errors as our codes.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/commit/postgres/parameters.h"
#include "runtime/commit/postgres/rows.h"
#include "runtime/commit/postgres/settings.h"

struct pg_conn;  // libpq's

namespace pqxx {
class connection;
class transaction_base;
}  // namespace pqxx

namespace piperun::postgres {

class Watchdog;

// One thread at a time. A call outside of a transaction connects again if the connection was lost; inside of one it fails, since the
// transaction is lost too. No call waits longer than the statement timeout and ten seconds.
class Session {
 public:
  static base::Result<std::unique_ptr<Session>> open(PostgresSettings settings);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  base::Result<Rows> query(const std::string& sql, const Parameters& parameters = {});
  base::Result<void> execute(const std::string& script);  // several statements, without parameters or results
  // Appends `rows` rows to `table (columns)`, both quoted. `add(i, text)` appends row i as a line of COPY's text format, without its end.
  // In the open transaction or one of its own. Error::row is the refused row, where the server names it beyond doubt.
  base::Result<void> copy(const std::string& table, const std::string& columns, std::size_t rows,
                          const std::function<void(std::size_t, std::string&)>& add);

  base::Result<void> begin();
  // Transient: the outcome is unknown, or the transaction was lost before. Any other error: it is undone.
  base::Result<void> commit();
  void roll_back();  // nothing if no transaction is open
  bool in_transaction() const { return state_ != State::None; }

  // Waits that one transaction may take, other than the session's; 0: for ever. In an open transaction, until its end.
  base::Result<void> set_lock_timeout(std::int64_t micros);

  int backend() const;  // process id of the server's side; changes when it connects again
  void set_purpose(std::string purpose) { settings_.purpose = std::move(purpose); }  // from the next connection on
  const PostgresSettings& settings() const { return settings_; }
  const std::string& address() const { return address_; }

 private:
  enum class State : std::uint8_t { None, Open, Failed };  // Failed: only a roll-back is left

  explicit Session(PostgresSettings settings);
  base::Result<void> connect();
  template <typename Work>
  auto guarded(Work work) -> decltype(work());
  base::Result<Rows> run(pqxx::transaction_base& transaction, const std::string& sql, const Parameters& parameters);
  void end_copy(std::string& context);
  base::Error lost(std::string_view said);

  PostgresSettings settings_;
  std::string address_;
  std::unique_ptr<Watchdog> watchdog_;
  std::string raised_in_;  // the function of the server that raised its last error, or ""; written while `connection_` is open
  std::unique_ptr<pqxx::connection> connection_;  // null: to be opened by the next call
  pg_conn* raw_ = nullptr;  // what `connection_` owns
  std::unique_ptr<pqxx::transaction_base> transaction_;
  State state_ = State::None;
  std::unordered_map<std::string, std::string> statements_;  // text, name; of this connection
  bool must_prepare_anew_ = false;  // a statement of them returns other types than the table has now
};

// Part of the transaction that is open, or one of its own, rolled back unless `commit` was called.
class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session), is_own_(!session.in_transaction()) {}
  ~Transaction() {
    if (is_open_) session_.roll_back();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  base::Result<void> begin();
  base::Result<void> commit();
  bool is_own() const { return is_own_; }

 private:
  Session& session_;
  bool is_own_;
  bool is_open_ = false;
};

// `"name"`, quotes doubled.
std::string quoted(std::string_view name);
// `schema.table` as `"schema"."table"`.
std::string quoted_table(std::string_view name);

}  // namespace piperun::postgres
