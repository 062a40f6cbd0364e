// A worker with a Kafka domain is killed again and again: output, keys and ledger stay exact. Number of kills: $PIPERUN_KILLS, or 15.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <set>

#include "tests/integration/kafka_domain_member.h"

namespace piperun::integration {
namespace {

using commit::KeyClaim;

constexpr const char* kStage = "lines.dedup";
constexpr std::int64_t kBatch = 20;

// What the record at an offset of partition 0 has as its key: most keys come back later.
std::string key_at(std::int64_t offset) { return "k" + std::to_string((offset * 2654435761u >> 7) % 5000); }

class KafkaKillsTest : public KafkaDomainTest {
 protected:
  KafkaKillsTest() { stages_ = {kStage}; }

  base::Result<void> one_batch(kafka::KafkaDomain& domain, std::int64_t from) {
    commit::Advance advance{{source_, 0}, from, from + kBatch, {.read = kBatch}, 0};
    std::vector<KeyClaim> claims;
    std::vector<std::string> values;
    std::set<std::string> in_batch;
    for (std::int64_t offset = from; offset < from + kBatch; ++offset) {
      const std::string key = key_at(offset);
      auto held = domain.lookup_keys(kStage, std::vector{key});
      if (!held) return std::unexpected(held.error());
      if (!held->front().times.empty() || !in_batch.insert(key).second) {
        ++advance.counts.duplicates;
        continue;
      }
      ++advance.counts.used;
      claims.push_back({key, {}, {offset + 1}, 0});
      values.push_back(std::to_string(offset) + " " + key);
    }
    if (auto begun = domain.begin(); !begun) return begun;
    auto claimed = domain.claim_keys(kStage, claims);
    if (!claimed) return std::unexpected(claimed.error());
    if (!*claimed) throw std::runtime_error("a key was not what was read");
    for (const std::string& value : values) write(domain, value);
    done(domain.add_rows("lines", std::ssize(values)));
    if (auto checked = domain.check_membership(); !checked) return checked;
    if (auto stored = domain.store_offsets(std::vector{advance}); !stored) return stored;
    if (auto committed = domain.commit(); !committed) return committed;
    done(domain.retire_producer_if_unclear());
    return domain.apply_state();
  }

  // In a process of its own, until it is killed or the position is there.
  void work(std::int64_t end, const std::string& slot) {
    Member member(group(), source_, is_static_ ? pipeline_ + ".static" : "");
    if (!member.joins(2)) _exit(2);
    auto domain = this->domain(&member, true, slot);
    std::int64_t position = at(assign(*domain), {source_, 0}).next_offset;
    done(domain->restore_state());
    while (position < end) {
      done(one_batch(*domain, position));
      position += kBatch;
      member.poll();
      if (write_end_ >= 0 && ::write(write_end_, ".", 1) != 1) _exit(3);
    }
  }
  // `batches` becomes the reading end of a pipe with one byte for each batch that is done.
  pid_t start(std::int64_t end, int* batches = nullptr, const std::string& slot = "0") {
    int ends[2] = {-1, -1};
    if (batches != nullptr && pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t child = fork();
    if (child == 0) write_end_ = ends[1];
    if (child != 0 && batches != nullptr) {
      ::close(ends[1]);
      *batches = ends[0];
    }
    if (child != 0) return child;
    try {
      work(end, slot);
      _exit(0);
    } catch (const std::exception& error) { std::fprintf(stderr, "worker: %s\n", error.what()); }
    _exit(1);
  }
  bool is_static_ = true;
  int write_end_ = -1;
  std::int64_t position() {
    const auto positions = value_of(domain(nullptr, true, "")->read_positions(ir::StepMode::Plain));
    for (const commit::Position& position : positions) {
      if (position.partition.number == 0 && position.partition.topic == source_) return position.next_offset;
    }
    return -1;
  }

  // Returns the lines of output.
  std::size_t expect_exact(std::int64_t end) {
    std::vector<std::string> expected;
    std::set<std::string> seen;
    for (std::int64_t offset = 0; offset < end; ++offset) {
      if (seen.insert(key_at(offset)).second) expected.push_back(std::to_string(offset) + " " + key_at(offset));
    }
    EXPECT_EQ(output(), expected);
    const commit::Position last = stored(*domain(nullptr, true, ""));
    EXPECT_EQ(last.next_offset, end);
    EXPECT_EQ(last.counts.read, end);
    EXPECT_EQ(last.counts.used, std::ssize(expected));
    EXPECT_TRUE(last.counts.balances());
    EXPECT_EQ(value_of(domain(nullptr, true, "")->rows()).at(0).second, std::ssize(expected));
    return expected.size();
  }
};

TEST_F(KafkaKillsTest, OutputKeysAndLedgerStayExact) {
  const char* wanted = std::getenv("PIPERUN_KILLS");
  const int kills = wanted ? std::atoi(wanted) : 15;
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  int idle = 0;
  for (int kill_number = 0; kill_number < kills; ++kill_number) {
    int batches = -1;
    const pid_t child = start(INT64_MAX, &batches);
    char byte = 0;
    for (int done_batches = 0; done_batches < 2; ++done_batches) ASSERT_EQ(::read(batches, &byte, 1), 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution(0, 120)(random)));
    idle += kill(child, SIGKILL) != 0;
    int status = 0;
    waitpid(child, &status, 0);
    ::close(batches);
    ASSERT_TRUE(WIFSIGNALED(status));
    if (kill_number % 4 == 3) std::filesystem::remove_all(state_dir_);
  }
  EXPECT_EQ(idle, 0);
  const std::int64_t end = (position() / kBatch + 3) * kBatch;
  int status = 0;
  waitpid(start(end), &status, 0);
  ASSERT_EQ(status, 0);

  const std::size_t lines = expect_exact(end);
  std::printf("%d kills, %lld records, %zu lines of output, seed %u\n", kills, static_cast<long long>(end), lines, seed);
}

// A process that is stopped loses its partitions when its session ends, and wakes up with a batch half done.
TEST_F(KafkaKillsTest, APausedWorkerThatWakesUpCommitsNothing) {
  is_static_ = false;
  int batches = -1;
  const pid_t paused = start(INT64_MAX, &batches);
  char byte = 0;
  for (int done_batches = 0; done_batches < 5; ++done_batches) ASSERT_EQ(::read(batches, &byte, 1), 1);
  kill(paused, SIGSTOP);
  state_dir_ += ".other";
  constexpr std::int64_t kEnd = 60 * kBatch;
  int status = 0;
  waitpid(start(kEnd, nullptr, "1"), &status, 0);
  EXPECT_EQ(status, 0);
  kill(paused, SIGCONT);
  waitpid(paused, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  ::close(batches);
  expect_exact(kEnd);
}

}  // namespace
}  // namespace piperun::integration
