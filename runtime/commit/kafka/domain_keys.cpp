#include "runtime/commit/kafka/domain_keys.h"

namespace piperun::kafka {
using base::ErrorCode;
using base::Result;
namespace {
std::unexpected<base::Error> missing() { return base::failure(ErrorCode::NotInThisVersion, "`dedup` whose keys lie in Kafka"); }
}  // namespace
Result<std::vector<commit::KeyEntry>> KafkaDomain::lookup_keys(const std::string&, std::span<const std::string>) {
  return missing();
}
Result<bool> KafkaDomain::claim_keys(const std::string&, std::span<const commit::KeyClaim>) { return missing(); }
Result<void> KafkaDomain::expire_keys(const std::string&, std::int64_t) { return missing(); }
Result<void> KafkaDomain::restore_state() { return missing(); }
Result<void> KafkaDomain::apply_state() { return missing(); }
Result<std::vector<commit::KeyEntry>> KafkaDomain::all_keys(const std::string&, const std::string&, std::int64_t) {
  return missing();
}
Result<void> KafkaDomain::rename_stage(const std::string&, const std::string&) { return missing(); }
Result<void> KafkaDomain::watch_changelogs() { return {}; }
}  // namespace piperun::kafka
