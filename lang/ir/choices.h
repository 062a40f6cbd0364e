// What a program chooses among words: each enumeration with its words in a table of the same order. The compiler reads them with
// `word_as`, the runtime executes what was chosen.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace piperun::ir {

enum class Delivery : std::uint8_t { AtMostOnce, AtLeastOnce, ExactlyOnce };
enum class CommitMode : std::uint8_t { Sync, Async, Hybrid };
enum class DeadLetter : std::uint8_t { Keep, Skip, Stop, Sink };  // Sink: its name
enum class Original : std::uint8_t { Keep, Hash, Omit };          // what a dead letter keeps of the record's bytes
enum class TimeUnit : std::uint8_t { Rfc3339, Seconds, Millis, Micros };
enum class ExtraFields : std::uint8_t { Ignore, Error, Keep };
enum class Tombstone : std::uint8_t { Fail, Skip, Delete };
enum class DecimalForm : std::uint8_t { Number, String };
enum class NullForm : std::uint8_t { Write, Omit };
enum class Conflict : std::uint8_t { Error, Update, Ignore };
enum class FoldKind : std::uint8_t { Count, Sum, Min, Max, Avg, Any, All, First, Last, List, Join };

using Word = std::string_view;
constexpr std::array<Word, 3> words_of(Delivery) { return {"at_most_once", "at_least_once", "exactly_once"}; }
constexpr std::array<Word, 3> words_of(CommitMode) { return {"sync", "async", "hybrid"}; }
constexpr std::array<Word, 3> words_of(DeadLetter) { return {"keep", "skip", "stop"}; }
constexpr std::array<Word, 3> words_of(Original) { return {"keep", "hash", "omit"}; }
constexpr std::array<Word, 4> words_of(TimeUnit) { return {"", "s", "ms", "us"}; }
constexpr std::array<Word, 3> words_of(ExtraFields) { return {"ignore", "error", "keep"}; }
constexpr std::array<Word, 3> words_of(Tombstone) { return {"fail", "skip", "delete"}; }
constexpr std::array<Word, 2> words_of(DecimalForm) { return {"number", "string"}; }
constexpr std::array<Word, 2> words_of(NullForm) { return {"write", "omit"}; }
constexpr std::array<Word, 3> words_of(Conflict) { return {"error", "update", "ignore"}; }
constexpr std::array<Word, 11> words_of(FoldKind) {
  return {"count", "sum", "min", "max", "avg", "any", "all", "first", "last", "list", "join"};
}

// The enumerator of this word; `otherwise` if it is none of them.
template <typename Choice>
constexpr Choice word_as(std::string_view word, Choice otherwise) {
  const auto words = words_of(otherwise);
  const auto found = std::ranges::find(words, word);
  return found == words.end() ? otherwise : static_cast<Choice>(found - words.begin());
}

template <typename Choice>
constexpr std::string_view word_of(Choice choice) {
  const auto words = words_of(choice);
  const auto place = static_cast<std::size_t>(choice);
  return place < words.size() ? words[place] : std::string_view();
}

}  // namespace piperun::ir
