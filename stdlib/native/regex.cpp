// std.text's regular expressions: RE2, which takes linear time whatever the pattern.
#include "stdlib/native/regex.h"

#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include "lang/value/text.h"
#include "lang/value/utf8.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

using re2::RE2;
using re2::StringPiece;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

constexpr std::size_t kPatternArgument = 1;  // of every function here

std::unique_ptr<RE2> compile(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  return std::make_unique<RE2>(StringPiece(pattern.data(), pattern.size()), options);
}

// Compiled patterns of this thread. Patterns are nearly always constants, so that the bound is there only for programs
// that compute them.
class PatternCache {
 public:
  const RE2& get(std::string_view pattern) {
    const auto found = patterns_.find(pattern);
    if (found != patterns_.end()) return *found->second;
    if (patterns_.size() >= kMost) patterns_.clear();
    return *patterns_.emplace(std::string(pattern), compile(pattern)).first->second;
  }

 private:
  static constexpr std::size_t kMost = 500;
  std::unordered_map<std::string, std::unique_ptr<RE2>, TextHash, std::equal_to<>> patterns_;
};

// Null, with the call failed, if it is no regular expression. Valid until the next call of this.
const RE2* pattern_of(NativeCall& call) {
  thread_local PatternCache cache;
  const RE2& pattern = cache.get(text(call, kPatternArgument));
  if (pattern.ok()) return &pattern;
  fail(call, Fault::BadRegex, call.arena.copy(pattern.error()));
  return nullptr;
}

std::string_view view(const StringPiece& piece) { return {piece.data(), piece.size()}; }

// The groups of one match; a group that took no part has no data.
class Matcher {
 public:
  Matcher(const RE2& pattern, std::string_view text) : pattern_(pattern), text_(text), groups_(groups_of(pattern)) {}

  bool match_from(std::size_t position) {
    const StringPiece whole(text_.data(), text_.size());
    return pattern_.Match(whole, position, text_.size(), RE2::UNANCHORED, groups_.data(), static_cast<int>(groups_.size()));
  }
  std::optional<std::string_view> group(std::int64_t number) const {
    if (number < 0 || static_cast<std::size_t>(number) >= groups_.size()) return std::nullopt;
    const StringPiece& piece = groups_[static_cast<std::size_t>(number)];
    return piece.data() == nullptr ? std::nullopt : std::optional(view(piece));
  }
  // The first group if the pattern has one, else the match.
  std::optional<std::string_view> wanted() const { return group(groups_.size() > 1 ? 1 : 0); }
  std::string_view whole() const { return view(groups_[0]); }

 private:
  static std::size_t groups_of(const RE2& pattern) { return static_cast<std::size_t>(pattern.NumberOfCapturingGroups()) + 1; }
  const RE2& pattern_;
  std::string_view text_;
  std::vector<StringPiece> groups_;
};

// Calls `visit(matcher, start of the match)` for all matches, from left to right; an empty one right behind another match does not count.
template <typename Visit>
void each_match(const RE2& pattern, std::string_view s, Visit visit) {
  Matcher matcher(pattern, s);
  std::size_t position = 0;
  std::size_t last_end = std::string_view::npos;
  while (position <= s.size() && matcher.match_from(position)) {
    const auto start = static_cast<std::size_t>(matcher.whole().data() - s.data());
    const std::size_t end = start + matcher.whole().size();
    if (start != end || start != last_end) visit(matcher, start);
    last_end = end;
    position = end > start ? end : end + (end < s.size() ? value::code_point_size(s, end) : 1);
  }
}

bool give_list(NativeCall& call, const std::vector<std::string_view>& parts) {
  Cell* items = call.arena.cells(parts.size());
  std::ranges::transform(parts, items, [](std::string_view part) { return Cell::of(part); });
  return give(call, List{items, parts.size()});
}

bool regex_matches(NativeCall& call) {
  const RE2* pattern = pattern_of(call);
  const std::string_view s = text(call, 0);
  return pattern != nullptr && give(call, pattern->Match({s.data(), s.size()}, 0, s.size(), RE2::UNANCHORED, nullptr, 0));
}

bool regex_find(NativeCall& call) {
  const RE2* pattern = pattern_of(call);
  if (pattern == nullptr) return false;
  Matcher matcher(*pattern, text(call, 0));
  return matcher.match_from(0) ? give_optional(call, matcher.wanted()) : give_null(call);
}

bool regex_group(NativeCall& call) {
  const RE2* pattern = pattern_of(call);
  if (pattern == nullptr) return false;
  Matcher matcher(*pattern, text(call, 0));
  return matcher.match_from(0) ? give_optional(call, matcher.group(integer(call, 2))) : give_null(call);
}

bool regex_find_all(NativeCall& call) {
  const RE2* pattern = pattern_of(call);
  if (pattern == nullptr) return false;
  std::vector<std::string_view> found;
  each_match(*pattern, text(call, 0),
             [&](const Matcher& matcher, std::size_t) { found.push_back(matcher.wanted().value_or("")); });
  return give_list(call, found);
}

bool regex_fields(NativeCall& call) {
  const RE2* pattern = pattern_of(call);
  if (pattern == nullptr) return false;
  Matcher matcher(*pattern, text(call, 0));
  if (!matcher.match_from(0)) return give_null(call);
  const auto& names = pattern->NamedCapturingGroups();  // by name, as maps must be
  Cell* pairs = call.arena.cells(names.size() * 2);
  std::uint64_t count = 0;
  for (const auto& [name, number] : names) {
    const auto group = matcher.group(number);
    if (!group) continue;
    pairs[2 * count] = Cell::of(std::string_view(call.arena.copy(name)));
    pairs[2 * count + 1] = Cell::of(*group);
    ++count;
  }
  return give_some(call, Cell::of(List{pairs, count}));
}

void append_replacement(std::string& out, std::string_view with, const Matcher& matcher) {
  for (std::size_t i = 0; i < with.size(); ++i) {
    const char next = i + 1 < with.size() ? with[i + 1] : '\0';
    if (with[i] != '$' || (next != '$' && (next < '0' || next > '9'))) {
      out += with[i];
      continue;
    }
    ++i;
    if (next == '$') out += '$';
    else out += matcher.group(next - '0').value_or("");
  }
}

bool regex_replace(NativeCall& call) {
  const RE2* pattern = pattern_of(call);
  if (pattern == nullptr) return false;
  const std::string_view s = text(call, 0);
  std::string out;
  std::size_t done = 0;
  bool too_large = false;
  each_match(*pattern, s, [&](const Matcher& matcher, std::size_t start) {
    if (out.size() > value::kMaxText) {
      too_large = true;
      return;
    }
    out.append(s, done, start - done);
    append_replacement(out, text(call, 2), matcher);
    done = start + matcher.whole().size();
  });
  if (too_large) return fail(call, Fault::TooLarge);
  out.append(s, done);
  return give_copy(call, out);
}

bool regex_split(NativeCall& call) {
  const RE2* pattern = pattern_of(call);
  if (pattern == nullptr) return false;
  const std::string_view s = text(call, 0);
  std::vector<std::string_view> parts;
  std::size_t done = 0;
  each_match(*pattern, s, [&](const Matcher& matcher, std::size_t start) {
    if (matcher.whole().empty()) return;
    parts.push_back(s.substr(done, start - done));
    done = start + matcher.whole().size();
  });
  parts.push_back(s.substr(done));
  return give_list(call, parts);
}

constexpr Native kFunctions[] = {
    {"text.regex_matches", regex_matches},   {"text.regex_find", regex_find},     {"text.regex_group", regex_group},
    {"text.regex_find_all", regex_find_all}, {"text.regex_fields", regex_fields}, {"text.regex_replace", regex_replace},
    {"text.regex_split", regex_split},
};

}  // namespace

std::span<const Native> regex_functions() { return kFunctions; }

std::optional<std::size_t> pattern_argument(std::string_view native) {
  const bool is_ours = std::ranges::find(kFunctions, native, &Native::name) != std::end(kFunctions);
  return is_ours ? std::optional(kPatternArgument) : std::nullopt;
}

std::optional<std::string> pattern_fault(std::string_view pattern) {
  const auto compiled = compile(pattern);
  return compiled->ok() ? std::nullopt : std::optional(compiled->error());
}

}  // namespace piperun::native
