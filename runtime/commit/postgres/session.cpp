#include "runtime/commit/postgres/session.h"

#include <fmt/core.h>
#include <libpq-events.h>
#include <libpq-fe.h>

#include <charconv>
#include <pqxx/pqxx>
#include <stdexcept>

#include "runtime/commit/postgres/errors.h"
#include "runtime/commit/postgres/watchdog.h"

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;

namespace {

// To a user called `piperun` our schema would be "$user", and the tables that a program names would be looked for and made in it.
constexpr const char* kOwnPath =
    "SELECT set_config('search_path', coalesce(string_agg(quote_ident(s), ', '), 'public'), false) "
    "FROM unnest(current_schemas(false)) s WHERE s <> 'piperun'";

constexpr std::int64_t kGrace = 10'000'000;  // microseconds that the server has to notice its own timeout
constexpr std::size_t kCopiedAtOnce = 64 * 1024;  // bytes of lines in one message

// Of a statement that was prepared before: most often "cached plan must not change result type".
constexpr std::string_view kNotSupported = "0A000";

struct OutdatedPlan : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Of an error libpqxx gives away the words and the SQLSTATE, libpq all fields. `raised_in`: Session::raised_in_.
int note_error(PGEventId event, void* about, void* raised_in) noexcept {
  if (event != PGEVT_RESULTCREATE) return 1;
  const PGresult* const result = static_cast<PGEventResultCreate*>(about)->result;
  if (PQresultStatus(result) != PGRES_FATAL_ERROR) return 1;
  const char* const function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
  *static_cast<std::string*>(raised_in) = function == nullptr ? "" : function;
  return 1;
}

pqxx::params bound(const Parameters& parameters) {
  pqxx::params result;
  result.reserve(parameters.values().size());
  for (const Parameters::Value& value : parameters.values()) {
    if (value.is_null) result.append();
    else if (value.is_binary) result.append(pqxx::binary_cast(value.data));
    else result.append(pqxx::zview(value.data));
  }
  return result;
}

// Owned by the caller. libpqxx connects too, but does not give away what its COPY lacks: many lines in one message.
PGconn* connected_to(const std::map<std::string, std::string>& parameters) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  PGconn* const connection = PQconnectdbParams(names.data(), values.data(), 0);
  if (PQstatus(connection) == CONNECTION_OK) return connection;
  const std::string said = connection == nullptr ? "out of memory" : PQerrorMessage(connection);
  PQfinish(connection);
  throw pqxx::broken_connection(said);
}

// The last part of `schema."na""me"`, as it is called.
std::string plain_name(std::string_view table) {
  std::string name;
  bool is_quoted = false;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i] == '"' && is_quoted && i + 1 < table.size() && table[i + 1] == '"') name += table[++i];
    else if (table[i] == '"') is_quoted = !is_quoted;
    else if (table[i] == '.' && !is_quoted) name.clear();
    else name += table[i];
  }
  return name;
}

// The row that `COPY orders, line 3, column id` names in the context of an error, or -1. The context quotes data too: where a second line
// of it looks like that, none counts, and whoever asks has to find the row by trying.
std::int64_t line_of_copy(std::string_view context, std::string_view table) {
  const std::string begin = fmt::format("COPY {}, ", plain_name(table));
  std::int64_t row = -1;
  for (std::size_t at = 0; at < context.size(); at = std::min(context.find('\n', at), context.size() - 1) + 1) {
    std::string_view text = context.substr(at, context.find('\n', at) - at);
    if (!text.starts_with(begin)) continue;
    if (row >= 0) return -1;
    text.remove_prefix(std::min(text.find_first_of("0123456789", begin.size()), text.size()));
    std::int64_t line = 0;
    std::from_chars(text.data(), text.data() + text.size(), line);
    row = line - 1;
  }
  return row;
}

class Armed {
 public:
  Armed(Watchdog& watchdog, int socket, std::int64_t micros) : watchdog_(watchdog) { watchdog_.arm(socket, micros); }
  ~Armed() { watchdog_.disarm(); }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;

 private:
  Watchdog& watchdog_;
};

}  // namespace

// ---- Session

Session::Session(PostgresSettings settings) : settings_(std::move(settings)) {}

Result<std::unique_ptr<Session>> Session::open(PostgresSettings settings) {
  auto session = std::unique_ptr<Session>(new Session(std::move(settings)));
  if (auto connected = session->connect(); !connected) return std::unexpected(connected.error());
  return session;
}

Session::~Session() {
  roll_back();
  connection_.reset();
}

Result<void> Session::connect() {
  if (connection_) return {};
  statements_.clear();
  must_prepare_anew_ = false;
  auto parameters = connect_parameters(settings_);
  if (!parameters) return std::unexpected(parameters.error());
  address_ = address_of(settings_, *parameters);
  if (!watchdog_) watchdog_ = std::make_unique<Watchdog>();
  try {
    raw_ = connected_to(*parameters);
    connection_ = std::make_unique<pqxx::connection>(pqxx::connection::seize_raw_connection(raw_));
    PQregisterEventProc(raw_, note_error, "piperun", &raised_in_);
    connection_->set_notice_handler([](pqxx::zview) noexcept {});
    const Armed armed(*watchdog_, connection_->sock(), settings_.statement_timeout + kGrace);
    pqxx::nontransaction(*connection_).exec(kOwnPath);
  } catch (const std::exception& error) {
    connection_.reset();
    return std::unexpected(refused(error.what(), address_));
  }
  return {};
}

base::Error Session::lost(std::string_view said) {
  return {ErrorCode::SystemUnavailable, fmt::format("{}: the connection is lost: {}", address_, one_line(said)), {}, -1};
}

// What the library throws ends here. A connection that broke is closed: the next transaction opens another one.
template <typename Work>
auto Session::guarded(Work work) -> decltype(work()) {
  const auto failed = [this](base::Error error) {
    if (state_ == State::Open) state_ = State::Failed;
    if (!connection_ || !connection_->is_open()) {
      transaction_.reset();
      connection_.reset();
      if (base::traits(error.code).error_class == base::ErrorClass::Data) error.code = ErrorCode::SystemUnavailable;
    }
    return std::unexpected(std::move(error));
  };
  try {
    const Armed armed(*watchdog_, connection_->sock(), settings_.statement_timeout + kGrace);
    return work();
  } catch (const pqxx::insufficient_privilege& error) {  // libpqxx forgets its SQLSTATE
    return failed(error_of("42501", error.what(), address_, raised_in_));
  } catch (const pqxx::sql_error& error) {
    return failed(error_of(error.sqlstate(), error.what(), address_, raised_in_));
  } catch (const pqxx::failure& error) {
    return failed(lost(error.what()));
  } catch (const OutdatedPlan& error) {  // the transaction is lost, and the next one finds the table as it is now
    base::Error passing = error_of(kNotSupported, error.what(), address_);
    passing.code = ErrorCode::SystemUnavailable;
    return failed(std::move(passing));
  } catch (const std::exception& error) {  // a mistake in how the library is used
    return failed({ErrorCode::SystemUnavailable, fmt::format("{}: {}", address_, error.what()), {}, -1});
  }
}

// A prepared statement keeps the types of what it returns, so that it fails when somebody has changed those of the table; prepared anew
// it works, or says what does not fit. The server's words have its language: any refusal of this kind may be this one, once.
Result<Rows> Session::run(pqxx::transaction_base& transaction, const std::string& sql, const Parameters& parameters) {
  if (must_prepare_anew_) {
    transaction.exec("DEALLOCATE ALL");
    statements_.clear();
    must_prepare_anew_ = false;
  }
  auto known = statements_.find(sql);
  const bool is_new = known == statements_.end();
  if (is_new) {
    std::string name = fmt::format("p{}", statements_.size());
    connection_->prepare(name, sql);
    known = statements_.emplace(sql, std::move(name)).first;
  }
  try {
    return Rows(std::make_unique<pqxx::result>(transaction.exec(pqxx::prepped{known->second}, bound(parameters))));
  } catch (const pqxx::sql_error& error) {
    if (is_new || error.sqlstate() != kNotSupported) throw;
    must_prepare_anew_ = true;
    throw OutdatedPlan(error.what());
  }
}

Result<Rows> Session::query(const std::string& sql, const Parameters& parameters) {
  if (state_ == State::Failed) return std::unexpected(lost("the transaction has failed before"));
  if (auto connected = connect(); !connected) return std::unexpected(connected.error());
  return guarded([&]() -> Result<Rows> {
    if (transaction_) return run(*transaction_, sql, parameters);
    const auto run_alone = [&] {
      pqxx::nontransaction alone(*connection_);
      return run(alone, sql, parameters);
    };
    try {
      return run_alone();
    } catch (const OutdatedPlan&) {  // it has changed nothing
      return run_alone();
    }
  });
}

Result<void> Session::execute(const std::string& script) {
  if (state_ == State::Failed) return std::unexpected(lost("the transaction has failed before"));
  if (auto connected = connect(); !connected) return connected;
  return guarded([&]() -> Result<void> {
    if (transaction_) {
      transaction_->exec(script);
      return {};
    }
    pqxx::nontransaction alone(*connection_);
    alone.exec(script);
    return {};
  });
}

Result<void> Session::copy(const std::string& table, const std::string& columns, std::size_t rows,
                           const std::function<void(std::size_t, std::string&)>& add) {
  Transaction own(*this);
  if (auto begun = own.begin(); !begun) return begun;
  if (state_ == State::Failed) return std::unexpected(lost("the transaction has failed before"));
  std::string context;
  auto done = guarded([&]() -> Result<void> {
    transaction_->exec(fmt::format("COPY {} ({}) FROM STDIN", table, columns));
    std::string text;
    for (std::size_t i = 0; i < rows; ++i) {
      add(i, text);
      text += '\n';
      if (text.size() < kCopiedAtOnce && i + 1 < rows) continue;
      if (PQputCopyData(raw_, text.data(), static_cast<int>(text.size())) != 1) break;  // `end_copy` hears why
      text.clear();
    }
    end_copy(context);
    return {};
  });
  if (done) return own.commit();
  if (base::traits(done.error().code).error_class == base::ErrorClass::Data) {
    const std::int64_t line = line_of_copy(context, table);
    if (line >= 0 && line < static_cast<std::int64_t>(rows)) done.error().row = line;
  }
  return done;
}

// What the server says of all lines. Throws, as libpqxx does; `context` is that of the error then.
void Session::end_copy(std::string& context) {
  using Answer = std::unique_ptr<PGresult, decltype([](PGresult* answer) { PQclear(answer); })>;
  bool is_done = PQputCopyEnd(raw_, nullptr) == 1;
  std::string said = is_done ? "" : PQerrorMessage(raw_), state;
  while (const Answer answer{PQgetResult(raw_)}) {  // to the end: only then the connection takes another statement
    if (PQresultStatus(answer.get()) == PGRES_COMMAND_OK) continue;
    is_done = false;
    said = PQresultErrorMessage(answer.get());
    if (const char* code = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE)) state = code;
    if (const char* where = PQresultErrorField(answer.get(), PG_DIAG_CONTEXT)) context = where;
    if (PQresultStatus(answer.get()) == PGRES_COPY_IN) break;  // it could not be ended
  }
  if (is_done) return;
  if (state.empty()) throw pqxx::broken_connection(said);
  throw pqxx::sql_error(said, "COPY", state.c_str());
}

Result<void> Session::begin() {
  roll_back();
  if (auto connected = connect(); !connected) return connected;
  auto begun = guarded([&]() -> Result<void> {
    transaction_ = std::make_unique<pqxx::work>(*connection_);
    return {};
  });
  if (begun) state_ = State::Open;
  return begun;
}

Result<void> Session::commit() {
  if (state_ != State::Open) {
    roll_back();
    return std::unexpected(lost("the transaction had failed before its commit"));
  }
  auto done = guarded([&]() -> Result<void> {
    static_cast<pqxx::work&>(*transaction_).commit();
    return {};
  });
  transaction_.reset();
  state_ = State::None;
  return done;
}

void Session::roll_back() {
  if (transaction_) {
    // The destructor says ROLLBACK and swallows what goes wrong: what is lost is undone.
    const Armed armed(*watchdog_, connection_->sock(), settings_.statement_timeout + kGrace);
    transaction_.reset();
  }
  if (connection_ && !connection_->is_open()) connection_.reset();
  state_ = State::None;
}

Result<void> Session::set_lock_timeout(std::int64_t micros) {
  auto set = query("SELECT set_config('lock_timeout', $1, true)", Parameters().text(std::to_string(micros / 1'000)));
  if (!set) return std::unexpected(set.error());
  return {};
}

int Session::backend() const { return connection_ ? connection_->backendpid() : 0; }

// ---- Transaction

Result<void> Transaction::begin() {
  if (!is_own_) return {};
  auto begun = session_.begin();
  is_open_ = begun.has_value();
  return begun;
}

Result<void> Transaction::commit() {
  if (!is_own_) return {};
  is_open_ = false;
  return session_.commit();
}

std::string quoted(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result += '"';
}

std::string quoted_table(std::string_view name) {
  const std::size_t point = name.find('.');
  if (point == std::string_view::npos) return quoted(name);
  return quoted(name.substr(0, point)) + "." + quoted(name.substr(point + 1));
}

}  // namespace piperun::postgres
