// Which PostgreSQL database a position belongs to, as text without blanks: `database:SYSTEM/OID`, the cluster's system identifier and the
// database's oid in it. A standby that is promoted and a backup of files have both from the original; a dump has neither, nor has what
// pg_upgrade makes.
#pragma once
#include <string_view>

namespace piperun::commit {

inline constexpr std::string_view kDatabase = "database:";

// What a person does about it.
inline constexpr std::string_view kOtherDatabase =
    "numbers of one mean other rows in the other; `offsets reset` accepts this one: `--to earliest` sends all that is there, and "
    "where the rows were brought along with their numbers `--to \"shift 0\"` goes on at the same one";

// SYSTEM is empty where a server does not tell it to this user: then the oid alone decides.
constexpr bool is_same_database(std::string_view one, std::string_view other) {
  if (!one.starts_with(kDatabase) || !other.starts_with(kDatabase)) return one == other;
  one.remove_prefix(kDatabase.size());
  other.remove_prefix(kDatabase.size());
  if (one.starts_with('/') || other.starts_with('/')) return one.substr(one.find('/')) == other.substr(other.find('/'));
  return one == other;
}

}  // namespace piperun::commit
