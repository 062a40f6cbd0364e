#include "runtime/commit/embedded/database.h"

#include <fmt/core.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "runtime/base/steady_now.h"
#include "runtime/commit/embedded/schema.h"

namespace piperun::embedded {

namespace {

using base::ErrorCode;

ErrorCode code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::DatabaseLocked;
    case SQLITE_FULL: return ErrorCode::DiskFull;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return ErrorCode::ConstraintViolated;
    case SQLITE_TOOBIG: return ErrorCode::Oversize;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::StoreDamaged;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return ErrorCode::CannotOpen;
    case SQLITE_ERROR: return ErrorCode::SchemaMismatch;  // what our own statements meet: a user's table that changed
    default: return ErrorCode::SystemUnavailable;
  }
}

// As a server of the SQL standard would say it.
const char* sqlstate_of(int result) {
  switch (result) {
    case SQLITE_CONSTRAINT_NOTNULL: return "23502";
    case SQLITE_CONSTRAINT_FOREIGNKEY: return "23503";
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return "23505";
    case SQLITE_CONSTRAINT_CHECK: return "23514";
    case SQLITE_CONSTRAINT_DATATYPE: return "22000";
    default: return (result & 0xff) == SQLITE_CONSTRAINT ? "23000" : "";
  }
}

// The byte of the -shm file that a writer in WAL mode locks (WAL_WRITE_LOCK in SQLite's wal.c).
constexpr std::string_view kWriteLock = "120";

// Order of two decimals of one scale, as text: -1, 0, 1.
int decimal_order(std::string_view a, std::string_view b) {
  const bool a_negative = a.starts_with('-'), b_negative = b.starts_with('-');
  if (a_negative != b_negative) return a_negative ? -1 : 1;
  const int magnitude = a.size() != b.size() ? (a.size() < b.size() ? -1 : 1) : std::clamp(a.compare(b), -1, 1);
  return a_negative ? -magnitude : magnitude;
}

void decimal_order_function(sqlite3_context* context, int, sqlite3_value** values) {
  const auto text = [](sqlite3_value* value) {
    const auto* data = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return data == nullptr ? std::string_view{} : std::string_view(data);
  };
  if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL) return;  // unknown, as in SQL
  sqlite3_result_int(context, decimal_order(text(values[0]), text(values[1])));
}

}  // namespace

// From /proc/locks rather than by F_GETLK: closing a descriptor of our own would drop SQLite's locks.
std::string lock_holders(const std::string& path) {
  struct stat shm{};
  if (::stat((path + "-shm").c_str(), &shm) != 0) return {};
  const std::string inode = ":" + std::to_string(shm.st_ino);
  std::ifstream locks("/proc/locks");
  std::string result;
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, kind, how, mode, pid, file, first, last;
    words >> number >> kind >> how >> mode >> pid >> file >> first >> last;
    if (mode != "WRITE" || !file.ends_with(inode) || first != kWriteLock || last != kWriteLock) continue;
    result += (result.empty() ? "" : ", ") + pid;
  }
  return result;
}

std::string quoted(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

// ---- Query

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(int parameter, std::int64_t value) {
  if (statement_ != nullptr) sqlite3_bind_int64(statement_, parameter, value);
  return *this;
}

Query& Query::bind(int parameter, double value) {
  if (statement_ != nullptr) sqlite3_bind_double(statement_, parameter, value);
  return *this;
}

Query& Query::bind(int parameter, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();  // a null pointer would bind NULL
  if (statement_ != nullptr) sqlite3_bind_text64(statement_, parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Query& Query::bind_bytes(int parameter, const std::optional<std::string_view>& bytes) {
  if (statement_ == nullptr) return *this;
  if (!bytes) return bind_null(parameter);
  sqlite3_bind_blob64(statement_, parameter, bytes->data() == nullptr ? "" : bytes->data(), bytes->size(), SQLITE_STATIC);
  return *this;
}

Query& Query::bind_null(int parameter) {
  if (statement_ != nullptr) sqlite3_bind_null(statement_, parameter);
  return *this;
}

base::Result<bool> Query::step() {
  if (statement_ == nullptr) return std::unexpected(*error_);
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  base::Error error = database_->error_of(result);
  sqlite3_reset(statement_);
  return std::unexpected(std::move(error));
}

base::Result<std::int64_t> Query::run() {
  for (;;) {
    auto row = step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
  }
  const std::int64_t changed = sqlite3_changes64(sqlite3_db_handle(statement_));
  sqlite3_reset(statement_);
  return changed;
}

void Query::reset() {
  if (statement_ != nullptr) sqlite3_reset(statement_);
}

int Query::kind(int column) const { return sqlite3_column_type(statement_, column); }
bool Query::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Query::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view Query::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::optional<std::string> Query::optional_bytes(int column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}

int Query::columns() const { return statement_ == nullptr ? 0 : sqlite3_column_count(statement_); }
std::string Query::column_name(int column) const { return sqlite3_column_name(statement_, column); }

// ---- Database

base::Result<std::unique_ptr<Database>> Database::open(const std::string& path, Access access, Durability durability,
                                                       std::int64_t busy_limit) {
  std::unique_ptr<Database> database(new Database(path, busy_limit));
  if (auto connected = database->connect(access, durability); !connected) return std::unexpected(connected.error());
  if (auto checked = database->check_format(access); !checked) return std::unexpected(checked.error());
  return database;
}

base::Result<bool> Database::has_tables(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return false;
  Database database(path, kBusyLimit);
  if (auto connected = database.connect(Access::Read, Durability::Normal); !connected) return std::unexpected(connected.error());
  Query version = database.query("PRAGMA user_version");
  if (auto row = version.step(); !row) return std::unexpected(row.error());
  return version.integer(0) != 0;
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

int Database::on_busy(void* self, int attempts) {
  auto& database = *static_cast<Database*>(self);
  const std::int64_t now = base::steady_now();
  if (attempts == 0) database.busy_since_ = now;
  const std::int64_t left = database.busy_since_ + database.busy_limit_ - now;
  if (left <= 0) return 0;
  const std::int64_t wait = std::min<std::int64_t>(left, std::int64_t{100} << std::min(attempts, 6));
  std::this_thread::sleep_for(std::chrono::microseconds(wait));
  return 1;
}

base::Result<void> Database::connect(Access access, Durability durability) {
  const bool writes = access == Access::Write;
  std::error_code ignored;
  const auto folder = std::filesystem::path(path_).parent_path();
  if (writes && !folder.empty()) std::filesystem::create_directories(folder, ignored);
  const int flags = writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  if (const int result = sqlite3_open_v2(path_.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr); result != SQLITE_OK) {
    return base::failure(ErrorCode::CannotOpen, fmt::format("cannot open the database {}: {}", path_, sqlite3_errstr(result)));
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_handler(handle_, &Database::on_busy, this);
  if (!writes) return {};
  sqlite3_create_function(handle_, "piperun_decimal_order", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
                          decimal_order_function, nullptr, nullptr);
  const std::int64_t deadline = base::steady_now() + busy_limit_;
  for (int attempts = 0;; ++attempts) {  // turning WAL on does not ask the busy handler when two processes make the file
    auto done = execute("PRAGMA journal_mode = WAL");
    if (done) break;
    if (done.error().code != ErrorCode::DatabaseLocked || base::steady_now() > deadline) return done;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return execute(fmt::format("PRAGMA synchronous = {}; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536",
                             durability == Durability::Full ? "FULL" : "NORMAL"));
}

base::Result<std::int64_t> Database::format() {
  Query asked = query("PRAGMA user_version");
  if (auto row = asked.step(); !row) return std::unexpected(row.error());
  return asked.integer(0);
}

base::Result<void> Database::check_format(Access access) {
  auto found = format();
  if (!found) return std::unexpected(found.error());
  const bool is_older = *found > 0 && *found < kFormatVersion;
  if (access == Access::Write && (*found == 0 || is_older)) {
    if (auto made = make_tables(); !made) return made;
  } else if (is_older) {
    if (auto writer = open(path_, Access::Write); !writer) return std::unexpected(writer.error());
  }
  found = format();
  if (!found) return std::unexpected(found.error());
  if (*found == kFormatVersion) return {};
  if (*found == 0) return base::failure(ErrorCode::StoreDamaged, fmt::format("{} is no database of piperun", path_));
  return base::failure(
      ErrorCode::StoreDamaged,
      fmt::format("{} has format {}; this version reads up to {}: use the version that wrote it", path_, *found, kFormatVersion));
}

// All of them, or what a file of an earlier format lacks.
base::Result<void> Database::make_tables() {
  Transaction making(*this);
  if (auto begun = making.begin(); !begun) return begun;
  const auto found = format();  // another process may have been quicker
  if (!found) return std::unexpected(found.error());
  if (*found >= kFormatVersion) return {};
  if (*found == 0) {
    auto made = execute(kSchema);
    if (!made && made.error().code == ErrorCode::SchemaMismatch)
      return base::failure(ErrorCode::StoreDamaged,
                           fmt::format("{}: tables of piperun without a format number: {}", path_, made.error().message));
    if (!made) return made;
  }
  for (std::int64_t from = *found; from > 0 && from < kFormatVersion; ++from) {
    if (auto made = execute(kUpgrades[from - 1]); !made) return made;
  }
  if (auto set = execute(fmt::format("PRAGMA user_version = {}", kFormatVersion)); !set) return set;
  return making.commit();
}

Query Database::query(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) return Query(*this, found->second, std::nullopt);
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) return Query(*this, nullptr, error_of(result));
  statements_.emplace(std::string(sql), statement);
  return Query(*this, statement, std::nullopt);
}

base::Result<void> Database::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return std::unexpected(error_of(result));
  return {};
}

base::Result<void> Database::begin() {
  auto done = query("BEGIN IMMEDIATE").run();
  if (!done) return std::unexpected(done.error());
  return {};
}

base::Result<void> Database::begin_reading() {
  auto done = query("BEGIN").run();
  if (!done) return std::unexpected(done.error());
  return {};
}

base::Result<void> Database::commit() {
  auto done = query("COMMIT").run();
  if (!done) return std::unexpected(done.error());
  return {};
}

void Database::roll_back() {
  if (in_transaction()) static_cast<void>(query("ROLLBACK").run());
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

base::Result<std::int64_t> Database::data_version() {
  Query asked = query("PRAGMA data_version");
  if (auto row = asked.step(); !row) return std::unexpected(row.error());
  return asked.integer(0);
}

base::Error Database::error_of(int result) {
  const ErrorCode code = code_of(result);
  base::Error error{code, fmt::format("{}: {}", path_, sqlite3_errmsg(handle_)), sqlstate_of(result), -1};
  if (code == ErrorCode::DiskFull) error.message = fmt::format("no space is left for {}", path_);
  if (result == SQLITE_IOERR_WRITE)
    error.message = fmt::format("{} cannot be written; the disk fails, or a quota or a limit of file sizes is reached", path_);
  if (code != ErrorCode::DatabaseLocked) return error;
  const std::string holders = lock_holders(path_);
  error.message = fmt::format("{} is locked by {}", path_, holders.empty() ? "another process" : "process " + holders);
  return error;
}

// ---- Transaction

base::Result<void> Transaction::begin() {
  if (!is_own_) return {};
  auto begun = database_.begin();
  is_open_ = begun.has_value();
  return begun;
}

base::Result<void> Transaction::commit() {
  if (!is_open_) return {};
  auto done = database_.commit();
  if (done || !database_.in_transaction()) is_open_ = false;
  return done;
}

}  // namespace piperun::embedded
