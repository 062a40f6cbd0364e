// Keys of the Kafka domain: changelog, local store and their agreement, on a real broker.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "runtime/commit/embedded/key_store.h"
#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "tests/integration/kafka_domain_member.h"

namespace piperun::integration {
namespace {

using base::ErrorCode;
using commit::KeyClaim;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Times = std::vector<std::int64_t>;

constexpr const char* kStage = "lines.dedup";

class KafkaKeysTest : public KafkaDomainTest {
 protected:
  KafkaKeysTest() { stages_ = {kStage}; }
  std::string changelog() const { return pipeline_ + "." + kUnit + "." + kStage + ".keys"; }
  std::string local(int partition = 0) const {
    return state_dir_ + "/" + pipeline_ + ".keys/" + kUnit + "." + std::to_string(partition) + ".db";
  }
  static Times times(kafka::KafkaDomain& domain, const std::string& key) {
    return value_of(domain.lookup_keys(kStage, std::vector{key})).at(0).times;
  }
  static KeyClaim claim(const std::string& key, Times read, Times set, int partition = 0) {
    KeyClaim result;
    result.key = key;
    result.read = std::move(read);
    result.set = std::move(set);
    result.partition = partition;
    return result;
  }
  std::unique_ptr<kafka::KafkaDomain> worker(Member& member, bool transactional = true) {
    auto result = domain(&member, transactional);
    assign(*result);
    done(result->restore_state());
    return result;
  }
  // The list batch with keys, up to its commit and apply_state if they are wanted.
  enum class Until { Aborted, Committed, Applied };
  void batch(kafka::KafkaDomain& domain, std::int64_t from, const std::vector<KeyClaim>& claims, Until until = Until::Applied) {
    done(domain.begin());
    EXPECT_TRUE(value_of(domain.claim_keys(kStage, claims)));
    done(domain.check_membership());
    done(domain.store_offsets(std::vector{advance(from, from + 1)}));
    if (until == Until::Aborted) return domain.abort();
    done(domain.commit());
    if (until == Until::Applied) done(domain.apply_state());
  }
  // What a store says on its own.
  Times stored(const std::string& key, int partition = 0) {
    return value_of(value_of(embedded::KeyStore::open(local(partition)))->times(kStage, key));
  }
};

TEST_F(KafkaKeysTest, KeysCommitWithTheirBatch) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = worker(member);
  EXPECT_THAT(times(*domain, "a"), IsEmpty());
  batch(*domain, 0, {claim("a", {}, {10}), claim("b", {}, {11}, 1)}, Until::Committed);
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
  done(domain->apply_state());
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
  EXPECT_THAT(times(*domain, "b"), ElementsAre(11));
  batch(*domain, 1, {claim("a", {10}, {10, 20})});
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10, 20));
  EXPECT_THAT(stored("a"), ElementsAre(10, 20));
  EXPECT_THAT(stored("b"), IsEmpty());
  EXPECT_THAT(stored("b", 1), ElementsAre(11));
}

TEST_F(KafkaKeysTest, AnAbortedBatchLeavesNoKeys) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = worker(member);
  batch(*domain, 0, {claim("a", {}, {10})});
  batch(*domain, 1, {claim("a", {10}, {10, 20}), claim("b", {}, {21})}, Until::Aborted);
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
  EXPECT_THAT(times(*domain, "b"), IsEmpty());
  std::filesystem::remove_all(state_dir_);
  auto next = worker(member);  // the log ends with the marker of the aborted transaction
  EXPECT_THAT(times(*next, "a"), ElementsAre(10));
  EXPECT_THAT(times(*next, "b"), IsEmpty());
}

TEST_F(KafkaKeysTest, AClaimAgainstOtherTimesIsRefused) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = worker(member);
  batch(*domain, 0, {claim("a", {}, {10})});
  done(domain->begin());
  EXPECT_FALSE(value_of(domain->claim_keys(kStage, std::vector{claim("a", {}, {20})})));
  domain->abort();
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
}

TEST_F(KafkaKeysTest, AWipedStoreIsRestoredFromALogThatEndsInAMarker) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  {
    auto domain = worker(member);
    for (int i = 0; i < 50; ++i)
      batch(*domain, i, {claim("k" + std::to_string(i), {}, {i}), claim("last", i ? Times{i - 1} : Times{}, {i})});
  }
  std::filesystem::remove_all(state_dir_);
  const auto begun = std::chrono::steady_clock::now();
  auto domain = worker(member);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  for (int i = 0; i < 50; ++i) EXPECT_THAT(times(*domain, "k" + std::to_string(i)), ElementsAre(i));
  EXPECT_THAT(times(*domain, "last"), ElementsAre(49));
}

// The commit is known to the group alone: the process died before apply_state.
TEST_F(KafkaKeysTest, AStoreThatIsBehindCatchesUp) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  {
    auto domain = worker(member);
    batch(*domain, 0, {claim("a", {}, {10})});
    batch(*domain, 1, {claim("a", {10}, {10, 20}), claim("b", {}, {21})}, Until::Committed);
  }
  EXPECT_THAT(stored("a"), ElementsAre(10));
  auto domain = worker(member);
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10, 20));
  EXPECT_THAT(stored("b"), ElementsAre(21));
}

TEST_F(KafkaKeysTest, AStoreThatIsAheadOrOfAnotherLogIsNotBelieved) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  std::string log;
  {
    auto domain = worker(member);
    batch(*domain, 0, {claim("a", {}, {10})});
    log = value_of(kafka::topic_id(member.consumer().handle(), changelog()));
  }
  const commit::KeyEntry ghost{"ghost", {1}};
  done(value_of(embedded::KeyStore::open(local()))->apply(kStage, std::span(&ghost, 1), {log, 1'000'000, 0}));
  EXPECT_THAT(times(*worker(member), "ghost"), IsEmpty());
  EXPECT_THAT(stored("a"), ElementsAre(10));
  done(value_of(embedded::KeyStore::open(local()))->apply(kStage, std::span(&ghost, 1), {"another", 1, 0}));
  auto domain = worker(member);
  EXPECT_THAT(times(*domain, "ghost"), IsEmpty());
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
}

// The place moves on, so that a restart reads little; what it skips must be in the store.
TEST_F(KafkaKeysTest, ThePlaceInTheLogFollowsAndNothingIsSkipped) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  std::int64_t at_first = 0;
  {
    auto domain = worker(member);
    for (int i = 0; i < 5; ++i) {
      batch(*domain, i, {claim("k" + std::to_string(i), {}, {i})});
      if (i == 0) at_first = value_of(value_of(embedded::KeyStore::open(local()))->place(kStage))->position;
      if (i == 0) done(domain->restore_state());  // opening the store above has made it ours
      std::this_thread::sleep_for(std::chrono::milliseconds(600));
    }
  }
  EXPECT_GT(value_of(value_of(embedded::KeyStore::open(local()))->place(kStage))->position, at_first);
  auto domain = worker(member);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(times(*domain, "k" + std::to_string(i)), ElementsAre(i));
}

TEST_F(KafkaKeysTest, AReplacedWorkerCannotWriteTheLocalStore) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto old = worker(member);
  batch(*old, 0, {claim("a", {}, {10})}, Until::Committed);
  auto next = worker(member);
  const auto refused = old->apply_state();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::LostOwnership);
  EXPECT_THAT(times(*next, "a"), ElementsAre(10));
}

TEST_F(KafkaKeysTest, ExpiredKeysAreGoneFromStoreAndLog) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = worker(member);
  batch(*domain, 0, {claim("old", {}, {10}), claim("young", {}, {90}), claim("both", {}, {10, 90})});
  done(domain->expire_keys(kStage, 50));
  EXPECT_THAT(times(*domain, "old"), IsEmpty());
  EXPECT_THAT(times(*domain, "young"), ElementsAre(90));
  std::filesystem::remove_all(state_dir_);
  domain = worker(member);
  EXPECT_THAT(times(*domain, "old"), IsEmpty());
  EXPECT_THAT(times(*domain, "both"), ElementsAre(10, 90));
}

TEST_F(KafkaKeysTest, KeysOfOnePartitionExpireAlone) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = worker(member);
  batch(*domain, 0, {claim("a", {}, {10}), claim("b", {}, {10}, 1)});
  ASSERT_TRUE(domain->keeps_keys_by_partition());
  done(domain->expire_keys(kStage, 50, 1));
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
  EXPECT_THAT(times(*domain, "b"), IsEmpty());
}

// ---- A changelog that is gone

TEST_F(KafkaKeysTest, AChangelogThatIsGoneStopsAUnitThatHasRead) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  batch(*worker(member), 0, {claim("a", {}, {10})});
  done(kafka::delete_topic(member.consumer().handle(), changelog()));
  for (const bool has_store : {true, false}) {
    if (!has_store) std::filesystem::remove_all(state_dir_);
    auto domain = this->domain(&member);
    assign(*domain);
    const auto refused = domain->restore_state();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::StoreDamaged);
    EXPECT_NE(refused.error().message.find(changelog()), std::string::npos);
    if (has_store) { EXPECT_THAT(stored("a"), ElementsAre(10)) << "the local keys stay"; }
  }
  EXPECT_FALSE(kafka::describe_topic(member.consumer().handle(), changelog()));
}

// As a broker does it by itself when somebody writes to a topic that was deleted.
TEST_F(KafkaKeysTest, AChangelogThatOthersHaveMadeIsNone) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  const auto refused = [&] {
    done(kafka::delete_topic(member.consumer().handle(), changelog()));
    done(kafka::create_topic(value_of(kafka::open_admin(client_settings())).get(), changelog(), 2, {}));
    auto domain = this->domain(&member);
    assign(*domain);
    const auto restored = domain->restore_state();
    return restored ? base::Error{} : restored.error();
  };
  worker(member);
  EXPECT_EQ(refused().code, ErrorCode::CannotOpen);
  done(kafka::delete_topic(member.consumer().handle(), changelog()));
  batch(*worker(member), 0, {claim("a", {}, {10})});
  const auto error = refused();
  EXPECT_EQ(error.code, ErrorCode::StoreDamaged);
  EXPECT_NE(error.message.find(changelog() + " was made anew by others, its cleanup.policy is `delete`"), std::string::npos);
  EXPECT_NE(error.message.find("--state clear"), std::string::npos);
  auto stored = this->domain(nullptr, true, "");
  EXPECT_FALSE(stored->all_keys(kStage, "", 2)) << "nobody takes its keys over";
}

TEST_F(KafkaKeysTest, AUnitThatHasReadNothingMakesItsChangelogAgain) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  worker(member);
  done(kafka::delete_topic(member.consumer().handle(), changelog()));
  auto domain = worker(member);
  batch(*domain, 0, {claim("a", {}, {10})});
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
}

// `offsets reset --state clear`, also of one partition: with keys, and when the changelog is gone already.
TEST_F(KafkaKeysTest, AfterItsKeysAreForgottenAUnitGoesOn) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  batch(*worker(member), 0, {claim("a", {}, {10})});
  for (const bool is_gone : {false, true}) {
    if (is_gone) done(kafka::delete_topic(member.consumer().handle(), changelog()));
    auto person = this->domain(nullptr, false, "");
    value_of(person->claim(std::vector<commit::PartitionName>{{source_, 1}}));
    done(person->expire_keys(kStage, INT64_MAX));
    auto domain = worker(member);
    EXPECT_THAT(times(*domain, "a"), IsEmpty());
  }
}

// A changed program: the manifest that has the stage finds, or makes, its changelog.
TEST_F(KafkaKeysTest, ANewStageOfAUnitThatHasReadHasAChangelogWithItsManifest) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  batch(*worker(member), 0, {claim("a", {}, {10})});
  stages_ = {kStage, "new"};
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->begin());
  done(domain->put_manifest({kUnit, "{\"changed\": 1}", false}));
  done(domain->commit());
  done(domain->restore_state());
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
  EXPECT_THAT(value_of(domain->lookup_keys("new", std::vector<std::string>{"a"})).at(0).times, IsEmpty());
}

// `--upgrade reset`: the stage stays, its keys do not.
TEST_F(KafkaKeysTest, AWorkerThatForgetsTheKeysOfAStageGoesOnWithoutThem) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  batch(*worker(member), 0, {claim("a", {}, {10})});
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->begin());
  done(domain->expire_keys(kStage, INT64_MAX));
  done(domain->put_manifest({kUnit, "{\"changed\": 1}", false}));
  done(domain->commit());
  done(domain->restore_state());
  EXPECT_THAT(times(*domain, "a"), IsEmpty());
}

// ---- A local store that cannot be read

// Found when it is opened, or when the damaged page is asked for first; then the worker is told to try again.
TEST_F(KafkaKeysTest, ADamagedStoreIsPutAsideAndRestored) {
  constexpr int kKeys = 2'000;
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  std::vector<KeyClaim> claims;
  for (int i = 0; i < kKeys; ++i) claims.push_back(claim("k" + std::to_string(i), {}, {i}));
  batch(*worker(member), 0, claims);
  const auto overwrite = [&](std::uintmax_t from) {
    const std::string garbage(std::filesystem::file_size(local()) - from, '\xa5');
    std::fstream file(local(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(from));
    file << garbage;
    ASSERT_TRUE(file.flush().good());
  };
  const std::vector<std::pair<const char*, std::function<void()>>> damages = {
      {"no database", [&] { overwrite(0); }},
      {"all but the first page", [&] { overwrite(4'096); }},
      {"the last pages", [&] { overwrite(std::filesystem::file_size(local()) / 4 * 3); }},
      {"cut in half", [&] { std::filesystem::resize_file(local(), std::filesystem::file_size(local()) / 2); }}};
  for (const auto& [how, damage] : damages) {
    SCOPED_TRACE(how);
    damage();
    auto domain = this->domain(&member);
    assign(*domain);
    const auto is_passing = [](const base::Error& error) { return error.code == ErrorCode::SystemUnavailable; };
    ASSERT_TRUE(eventually([&] {
      const auto restored = domain->restore_state();
      EXPECT_TRUE(restored || is_passing(restored.error()));
      return restored.has_value();
    }));
    for (int i = 0; i < kKeys; ++i) {
      Times found;
      ASSERT_TRUE(eventually([&] {
        const auto entries = domain->lookup_keys(kStage, std::vector{"k" + std::to_string(i)});
        EXPECT_TRUE(entries || is_passing(entries.error()));
        if (entries) found = entries->at(0).times;
        return entries.has_value();
      }));
      ASSERT_THAT(found, ElementsAre(i));
    }
    EXPECT_TRUE(std::filesystem::remove(local() + ".damaged"));
  }
}

TEST_F(KafkaKeysTest, AStoreThatIsLockedIsNotTakenForDamaged) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  batch(*worker(member), 0, {claim("a", {}, {10})});
  auto domain = this->domain(&member);
  assign(*domain);
  {
    const auto other = value_of(embedded::Database::open(local(), embedded::Database::Access::Write));
    done(other->begin());
    const auto refused = domain->restore_state();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::DatabaseLocked);
  }
  EXPECT_FALSE(std::filesystem::exists(local() + ".damaged"));
  done(domain->restore_state());
  EXPECT_THAT(times(*domain, "a"), ElementsAre(10));
}

TEST_F(KafkaKeysTest, AnotherNumberOfPartitionsStopsTheUnit) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  done(kafka::create_topic(member.consumer().handle(), changelog(), 3, {{"cleanup.policy", "compact"}}));
  auto domain = this->domain(&member);
  assign(*domain);
  const auto refused = domain->lookup_keys(kStage, std::vector<std::string>{"a"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::ManifestConflict);
}

TEST_F(KafkaKeysTest, AllKeysComeInPagesAndAStageMayBeRenamed) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = worker(member);
  batch(*domain, 0, {claim("c", {}, {3}), claim("a", {}, {1}), claim("b", {}, {2}, 1)});
  auto stored = this->domain(nullptr, true, "");
  const auto page = value_of(stored->all_keys(kStage, "", 2));
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].key, "a");
  EXPECT_EQ(page[1].key, "b");
  EXPECT_EQ(value_of(stored->all_keys(kStage, "b", 2)).size(), 1u);
  EXPECT_THAT(value_of(stored->all_keys(kStage, "c", 2)), IsEmpty());

  done(domain->begin());
  done(domain->rename_stage(kStage, "renamed"));
  domain->abort();
  EXPECT_THAT(times(*domain, "a"), ElementsAre(1));
  done(domain->begin());
  done(domain->rename_stage(kStage, "renamed"));
  done(domain->commit());
  const auto moved = value_of(domain->lookup_keys("renamed", std::vector<std::string>{"a", "b", "c"}));
  EXPECT_THAT(moved[0].times, ElementsAre(1));
  EXPECT_THAT(moved[1].times, ElementsAre(2));
  EXPECT_TRUE(eventually([&] { return value_of(this->domain(nullptr, true, "")->all_keys(kStage, "", 9)).empty(); }));
}

// ---- Without transactions

TEST_F(KafkaKeysTest, WithoutTransactionsARecordOfAReplacedOwnerIsIgnored) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = worker(member, false);
  EXPECT_TRUE(value_of(domain->claim_keys(kStage, std::vector{claim("a", {}, {10})})));
  done(domain->commit_offsets(std::vector{advance(0, 1)}, ir::StepMode::Sync));
  done(domain->apply_state());
  const std::int64_t generation = value_of(member.consumer().membership()).generation();
  auto producer = value_of(kafka::Producer::open(client_settings(), {}));
  const auto put = [&](std::int64_t of, std::int64_t time) {  // as a worker of that generation would
    const std::string text = std::to_string(of), value(reinterpret_cast<const char*>(&time), sizeof time);
    const kafka::RecordHeader header{"piperun.generation", text};
    kafka::NewRecord record;
    record.key = "a";
    record.value = value;
    record.headers = std::span(&header, 1);
    record.partition = 0;
    done(producer->produce(value_of(producer->topic(changelog())), record));
    done(producer->flush(10'000'000));
  };
  put(generation + 1, 20);
  put(generation, 30);
  std::filesystem::remove_all(state_dir_);
  EXPECT_THAT(times(*worker(member, false), "a"), ElementsAre(20));
}

}  // namespace
}  // namespace piperun::integration
