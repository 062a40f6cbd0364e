// The local store that follows changelogs elsewhere: keys of the stages of one partition of one unit, in a database file of their own,
// each stage with the place in its changelog up to which it was brought.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/commit/domain.h"
#include "runtime/commit/embedded/database.h"

namespace piperun::embedded {

// Used by one thread. Every write fails with LostOwnership once another store was opened on the same file: a worker that was paused
// must not put old keys over those of its successor.
class KeyStore {
 public:
  static base::Result<std::unique_ptr<KeyStore>> open(const std::string& path);
  // The file is `<path>.damaged` from now on, in the place of an earlier one, and the next open() makes a store without keys. Whoever
  // still has it open goes on with what is put aside.
  static base::Result<void> put_aside(const std::string& path);

  // A call has met a damaged file (StoreDamaged): nothing in it is to be believed.
  bool is_damaged() const { return is_damaged_; }
  const std::string& path() const { return database_->path(); }

  struct Place {
    std::string log;  // which changelog: a topic's id
    std::int64_t position = 0;  // the next one to read
    std::int64_t generation = 0;  // the highest of an owner seen in it
  };
  base::Result<std::optional<Place>> place(const std::string& stage);

  base::Result<std::vector<std::int64_t>> times(const std::string& stage, std::string_view key);
  // Keys whose newest time is before that.
  base::Result<std::vector<std::string>> keys_before(const std::string& stage, std::int64_t time, std::int64_t limit);

  // One local transaction: the entries (without times: removed) and the place.
  base::Result<void> apply(const std::string& stage, std::span<const commit::KeyEntry> entries, const Place& place);
  base::Result<void> wipe(const std::string& stage);

 private:
  explicit KeyStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  base::Result<void> take();
  base::Result<void> check_owner();
  base::Result<std::int64_t> stage_id(const std::string& stage);
  template <typename T>
  std::unexpected<base::Error> error_in(const base::Result<T>& result);
  base::Result<void> commit(Transaction& transaction);

  std::unique_ptr<Database> database_;
  bool is_damaged_ = false;
  std::int64_t epoch_ = 0;
  std::unordered_map<std::string, std::int64_t> stages_;
};

}  // namespace piperun::embedded
