// A dead letter as a record of the topic `<id>.dead-letters`: the value is the original one, the headers say what happened, so that
// any tool for topics shows both. The key is the letter's identity, by which the topic is compacted.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/commit/domain.h"

namespace piperun::kafka {

struct LetterRecord {
  std::string key;  // `unit/topic/partition/offset/element`
  // A null one removes the letter: one without a value has the header `piperun.value` = "none". What the value is, or why there is none,
  // says `piperun.kept` (commit::kKeptNames).
  std::string value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

// The same letter without its value, which a topic does not take; its message says so.
commit::Letter without_value(commit::Letter letter, const std::string& topic);
// The same letter without the key and headers of its record, which are too large by themselves.
commit::Letter without_key(commit::Letter letter, const std::string& topic);
// By these words of an earlier version it is such a letter; since then Letter::kept says so.
bool reads_too_large(const commit::Letter& letter);

std::string letter_key(const commit::Letter& letter);
LetterRecord letter_record(const commit::Letter& letter);
// nullopt: not one of ours.
std::optional<commit::Letter> letter_of(std::string_view key, std::string_view value,
                                        const std::vector<std::pair<std::string, std::optional<std::string>>>& headers);

}  // namespace piperun::kafka
