// The only door to SQLite: one connection to one database file, prepared statements kept, errors as our codes.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "runtime/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace piperun::embedded {

class Database;

// One use of a prepared statement, given back when this goes away. Of one text there may be one use at a time. Parameters count from
// 1, columns from 0. Bound views must live until the last step; views of columns live until the next step.
class Query {
 public:
  Query(Database& database, sqlite3_stmt* statement, std::optional<base::Error> error)
      : database_(&database), statement_(statement), error_(std::move(error)) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  Query& bind(int parameter, std::int64_t value);
  Query& bind(int parameter, double value);
  Query& bind(int parameter, std::string_view text);
  Query& bind_bytes(int parameter, const std::optional<std::string_view>& bytes);
  Query& bind_null(int parameter);

  base::Result<bool> step();  // true: there is a row
  base::Result<std::int64_t> run();  // to the end, then ready for new values; rows changed
  void reset();

  int kind(int column) const;  // SQLITE_INTEGER, …
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view bytes(int column) const;  // text too
  std::string text(int column) const { return std::string(bytes(column)); }
  std::optional<std::string> optional_bytes(int column) const;
  int columns() const;
  std::string column_name(int column) const;

 private:
  Database* database_;
  sqlite3_stmt* statement_;  // null: `error_` says why
  std::optional<base::Error> error_;
};

// One thread at a time. A call waits for another process's lock at most `busy_limit`, then fails with DatabaseLocked, which names it.
class Database {
 public:
  // Write makes file, folder and tables. A file of an earlier format is brought to this one whoever opens it.
  enum class Access : std::uint8_t { Read, Write };
  enum class Durability : std::uint8_t { Normal, Full };  // Normal: kill -9 safe; Full: power loss too
  static constexpr std::int64_t kBusyLimit = 1'000'000;

  static base::Result<std::unique_ptr<Database>> open(const std::string& path, Access access,
                                                      Durability durability = Durability::Normal,
                                                      std::int64_t busy_limit = kBusyLimit);
  static base::Result<bool> has_tables(const std::string& path);  // false: there is no such file, or nothing of piperun in it
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Query query(std::string_view sql);
  base::Result<void> execute(const std::string& sql);  // several statements, without parameters

  base::Result<void> begin();  // takes the write lock
  base::Result<void> begin_reading();
  base::Result<void> commit();
  void roll_back();  // nothing if no transaction is open
  bool in_transaction() const;

  // Changes whenever another connection committed.
  base::Result<std::int64_t> data_version();

  const std::string& path() const { return path_; }
  std::int64_t busy_limit() const { return busy_limit_; }
  base::Error error_of(int result);  // for what SQLite just answered

 private:
  explicit Database(std::string path, std::int64_t busy_limit) : path_(std::move(path)), busy_limit_(busy_limit) {}
  base::Result<void> connect(Access access, Durability durability);
  base::Result<std::int64_t> format();
  base::Result<void> check_format(Access access);
  base::Result<void> make_tables();
  static int on_busy(void* self, int attempts);

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::string path_;
  std::int64_t busy_limit_;
  std::int64_t busy_since_ = 0;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*, TextHash, std::equal_to<>> statements_;
};

// Part of the transaction that is open, or one of its own, rolled back unless `commit` was called.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database), is_own_(!database.in_transaction()) {}
  ~Transaction() {
    if (is_open_) database_.roll_back();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  base::Result<void> begin();
  base::Result<void> commit();
  bool is_own() const { return is_own_; }

 private:
  Database& database_;
  bool is_own_;
  bool is_open_ = false;
};

// `"name"`, quotes doubled.
std::string quoted(std::string_view name);

// Process ids that hold a lock on the database; empty: none, or the system does not tell.
std::string lock_holders(const std::string& path);

}  // namespace piperun::embedded
