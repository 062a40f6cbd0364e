#include "runtime/commit/kafka/letter_record.h"

#include <fmt/format.h>

#include <charconv>

namespace piperun::kafka {

namespace {

using commit::Letter;

constexpr std::string_view kOwn = "piperun.";      // headers that describe the failure
constexpr std::string_view kElsewhere = "has it, as long as it is kept there)";
constexpr std::string_view kOriginal = "original.";  // headers of the original, behind this

struct TextField {
  std::string_view name;
  std::string Letter::* member;
};
constexpr TextField kTexts[] = {{"flow", &Letter::flow},
                                {"code", &Letter::code},
                                {"message", &Letter::message},
                                {"sqlstate", &Letter::sqlstate},
                                {"site", &Letter::site}};

struct NumberField {
  std::string_view name;
  std::int64_t Letter::* member;
};
constexpr NumberField kNumbers[] = {{"next_offset", &Letter::next_offset},   {"timestamp", &Letter::timestamp},
                                    {"attempts", &Letter::attempts},         {"first_failure", &Letter::first_failure},
                                    {"last_failure", &Letter::last_failure}, {"replays", &Letter::replays}};

template <typename T>
bool read_number(std::string_view text, T& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

// What follows the last `/`, which is taken off.
std::string_view last_part(std::string_view& text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view result = text.substr(slash + 1);
  text = text.substr(0, slash);
  return result;
}

bool read_key(std::string_view key, Letter& letter) {
  const bool has_numbers = read_number(last_part(key), letter.element) && read_number(last_part(key), letter.offset) &&
                           read_number(last_part(key), letter.origin.number);
  const std::size_t slash = key.find('/');
  if (!has_numbers || slash == std::string_view::npos) return false;
  letter.unit = key.substr(0, slash);
  letter.origin.topic = key.substr(slash + 1);
  return true;
}

void read_own_header(std::string_view name, const std::optional<std::string>& value, Letter& letter) {
  if (name == "key") letter.key = value;
  if (name == "value") letter.value.reset();
  if (name == "kept" && value) letter.kept = commit::kept_of(*value);
  if (!value) return;
  for (const TextField& field : kTexts) {
    if (name == field.name) letter.*field.member = *value;
  }
  for (const NumberField& field : kNumbers) {
    if (name == field.name) read_number(*value, letter.*field.member);
  }
}

}  // namespace

Letter without_value(Letter letter, const std::string& topic) {
  letter.message += fmt::format(" (the value of {} bytes is too large for the topic `{}`: {}/{}@{} {}", letter.value->size(),
                                topic, letter.origin.topic, letter.origin.number, letter.offset, kElsewhere);
  letter.value.reset();
  letter.kept = commit::Kept::TooLarge;
  return letter;
}

Letter without_key(Letter letter, const std::string& topic) {
  std::size_t bytes = letter.key.value_or("").size();
  for (const auto& [name, value] : letter.headers) bytes += name.size() + value.value_or("").size();
  letter.message += fmt::format(" (key and headers of {} bytes are too large for the topic `{}`)", bytes, topic);
  letter.key.reset();
  letter.headers.clear();
  if (letter.kept != commit::Kept::Hash && letter.kept != commit::Kept::Omitted) letter.kept = commit::Kept::TooLarge;
  return letter;
}

bool reads_too_large(const Letter& letter) { return !letter.value && letter.message.ends_with(kElsewhere); }

std::string letter_key(const Letter& letter) {
  return fmt::format("{}/{}/{}/{}/{}", letter.unit, letter.origin.topic, letter.origin.number, letter.offset, letter.element);
}

LetterRecord letter_record(const Letter& letter) {
  LetterRecord result{letter_key(letter), letter.value.value_or(""), {}};
  const auto add = [&](std::string_view name, std::string value) {
    result.headers.emplace_back(fmt::format("{}{}", kOwn, name), std::move(value));
  };
  for (const TextField& field : kTexts) {
    if (!(letter.*field.member).empty()) add(field.name, letter.*field.member);
  }
  for (const NumberField& field : kNumbers) add(field.name, std::to_string(letter.*field.member));
  if (letter.key) add("key", *letter.key);
  if (!letter.value) add("value", "none");
  if (letter.kept != commit::Kept::Unknown) add("kept", std::string(name_of(letter.kept)));
  for (const auto& [name, value] : letter.headers) result.headers.emplace_back(fmt::format("{}{}", kOriginal, name), value);
  return result;
}

std::optional<Letter> letter_of(std::string_view key, std::string_view value,
                                const std::vector<std::pair<std::string, std::optional<std::string>>>& headers) {
  Letter letter;
  if (!read_key(key, letter)) return std::nullopt;
  letter.value = std::string(value);
  for (const auto& [name, text] : headers) {
    const std::string_view view = name;
    if (view.starts_with(kOwn)) read_own_header(view.substr(kOwn.size()), text, letter);
    else if (view.starts_with(kOriginal)) letter.headers.emplace_back(std::string(view.substr(kOriginal.size())), text);
  }
  return letter;
}

}  // namespace piperun::kafka
