// Dead letters of a Kafka domain, and the marks that ask for their replay.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/kafka_domain.h"
#include "runtime/commit/kafka/letter_record.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;
using commit::Letter;

namespace {

constexpr std::int64_t kLookEvery = 500'000;  // while nobody asks for a replay

auto place(const Letter& letter) { return std::tie(letter.origin, letter.offset, letter.element); }

std::int64_t size_of(const LetterRecord& record) {
  std::size_t bytes = record.key.size() + record.value.size();
  for (const auto& [name, value] : record.headers) bytes += name.size() + value.value_or("").size();
  return kBatchOverhead + kHeaderOverhead * std::ssize(record.headers) + static_cast<std::int64_t>(bytes);
}

}  // namespace

Result<void> KafkaDomain::put_letters(std::span<const Letter> letters) {
  std::vector<OwnRecord> records;
  for (const Letter& letter : letters) {
    auto record = own_record(letter);
    if (!record) return std::unexpected(record.error());
    records.push_back(std::move(*record));
  }
  if (auto done = write(records); !done) return done;
  for (OwnRecord& record : records) handled_.insert(std::move(record.key));
  return {};
}

// A record that its own topic took may be too large together with what is said about it: better a letter without the original, which
// the source has, than none. It is measured before it is written, for what a broker refuses ends the whole transaction.
Result<OwnRecord> KafkaDomain::own_record(const Letter& letter) {
  const std::string topic = letters_topic(settings_.pipeline);
  Letter ours = letter;
  ours.unit = settings_.unit;  // also of one that was taken over from another unit
  for (;;) {
    LetterRecord made = letter_record(ours);
    const auto is_taken = takes_letter(size_of(made));
    if (!is_taken) return std::unexpected(is_taken.error());
    const bool has_original = ours.value && ours.kept != commit::Kept::Hash;
    if (*is_taken || (!has_original && !ours.key && ours.headers.empty()))
      return OwnRecord{OwnTopic::Letters, topic, std::move(made.key), std::move(made.value), std::move(made.headers)};
    ours = has_original ? without_value(std::move(ours), topic) : without_key(std::move(ours), topic);
  }
}

// What does not fit is asked about each time: a person may have raised the topic's limit.
Result<bool> KafkaDomain::takes_letter(std::int64_t size) {
  if (size <= largest_letter_) return true;
  const auto client = handle();
  if (!client) return std::unexpected(client.error());
  const std::string topic = letters_topic(settings_.pipeline);
  if (const auto found = describe_topic(*client, topic); !found) {
    if (found.error().code != ErrorCode::NoSuchTopic) return std::unexpected(found.error());
    if (auto made = make_topic(*client, {OwnTopic::Letters, topic, {}}); !made) return std::unexpected(made.error());
  }
  const auto largest = largest_batch(*client, settings_.client, topic);
  if (!largest) return std::unexpected(largest.error());
  largest_letter_ = *largest;
  return size <= largest_letter_;
}

Result<void> KafkaDomain::remove_letter(const Letter& letter) { return remove_letters(std::span(&letter, 1)); }

Result<void> KafkaDomain::remove_letters(std::span<const Letter> letters) {
  std::vector<OwnRecord> records;
  for (const Letter& letter : letters) {
    records.push_back({OwnTopic::Letters, letters_topic(settings_.pipeline), own_key(letter)});
  }
  if (auto done = write(records); !done) return done;
  for (OwnRecord& record : records) handled_.insert(std::move(record.key));
  return {};
}

std::string KafkaDomain::own_key(const Letter& letter) const {
  Letter ours = letter;
  ours.unit = settings_.unit;
  return letter_key(ours);
}

// By key: compaction may not have run yet, so the last record of a key counts.
Result<std::vector<Letter>> KafkaDomain::stored_letters() {
  auto topics = reader();
  if (!topics) return std::unexpected(topics.error());
  std::map<std::string, Letter> found;
  const auto read =
      (*topics)->read({letters_topic(settings_.pipeline), 0}, TopicReader::kFromBeginning, [&](const TopicRecord& record) {
        if (!record.key) return;
        auto letter = record.value ? letter_of(*record.key, *record.value, record.headers) : std::nullopt;
        if (!letter) found.erase(*record.key);
        else if (letter->unit == settings_.unit) found[*record.key] = std::move(*letter);
      });
  if (!read && read.error().code != ErrorCode::NoSuchTopic) return std::unexpected(read.error());
  std::vector<Letter> result;
  for (auto& [key, letter] : found) result.push_back(std::move(letter));
  std::ranges::sort(result, [](const Letter& a, const Letter& b) { return place(a) < place(b); });
  return result;
}

// The marks behind the stored position of the replay topic.
Result<void> KafkaDomain::read_marks() {
  std::int64_t from = ledger_.stored_offset({Ledger::kReplay, 0});
  if (from < 0) {  // not claimed here
    auto client = consumer();
    if (!client) return std::unexpected(client.error());
    const commit::PartitionName name{replay_topic_, 0};
    const auto stored = (*client)->committed(std::span(&name, 1));
    if (!stored) return std::unexpected(stored.error());
    from = std::max<std::int64_t>(0, stored->front().offset);
  }
  from = std::max(from, passed_marks_);
  auto topics = reader();
  if (!topics) return std::unexpected(topics.error());
  std::vector<Mark> marks;
  const auto read = (*topics)->read({replay_topic_, 0}, from, [&](const TopicRecord& record) {
    Mark mark{record.offset + 1, record.key.value_or("")};
    const std::string_view count = record.value ? std::string_view(*record.value) : "";
    std::from_chars(count.data(), count.data() + count.size(), mark.replays);
    marks.push_back(std::move(mark));
  });
  if (!read && read.error().code != ErrorCode::NoSuchTopic) return std::unexpected(read.error());
  marks_ = std::move(marks);
  return {};
}

Result<std::vector<Letter>> KafkaDomain::letters(bool only_asked) {
  if (only_asked && marks_.empty() && clock_.monotonic() < look_again_at_) return std::vector<Letter>{};
  if (auto done = read_marks(); !done) return std::unexpected(done.error());
  look_again_at_ = clock_.monotonic() + kLookEvery;
  if (only_asked && marks_.empty()) return std::vector<Letter>{};
  auto all = stored_letters();
  if (!all) return all;
  std::map<std::string, std::size_t> by_key;
  for (std::size_t i = 0; i < all->size(); ++i) by_key[letter_key((*all)[i])] = i;
  std::vector<Letter> asked;  // in the order of their marks; two marks of a letter are one
  for (Mark& mark : marks_) {
    const auto found = by_key.find(mark.letter);
    mark.is_gone = found == by_key.end();
    if (mark.is_gone) continue;
    Letter& letter = (*all)[found->second];
    letter.replays = std::max(letter.replays, mark.replays);
    if (!std::exchange(letter.replay_asked, true)) asked.push_back(letter);
  }
  if (!only_asked) return all;
  if (asked.empty()) {
    passed_marks_ = marks_.back().next;
    marks_.clear();
  }
  return asked;
}

Result<void> KafkaDomain::ask_replay(const Letter& letter) { return ask_replays(std::span(&letter, 1)); }

// Asking twice before the unit came to it is one replay.
Result<void> KafkaDomain::ask_replays(std::span<const Letter> letters) {
  if (auto done = read_marks(); !done) return done;
  std::set<std::string> marked;
  for (const Mark& mark : marks_) marked.insert(mark.letter);
  std::vector<OwnRecord> records;
  for (const Letter& letter : letters) {
    std::string key = own_key(letter);
    if (marked.insert(key).second)
      records.push_back({OwnTopic::Replay, replay_topic_, std::move(key), std::to_string(letter.replays + 1)});
  }
  return write(records);
}

}  // namespace piperun::kafka
