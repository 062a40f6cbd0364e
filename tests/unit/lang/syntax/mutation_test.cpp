// Files changed by one token give one error; files changed at random never crash, hang or throw.
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "tests/unit/lang/syntax/parsed.h"

namespace piperun::syntax {
namespace {

struct Token {
  std::size_t begin, length;
};

bool is_word_char(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)); }

std::vector<Token> tokens_of(const std::string& text) {
  std::vector<Token> found;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    if (text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    if (std::isspace(static_cast<unsigned char>(text[i]))) {
      ++i;
      continue;
    }
    if (text[i] == '"') {
      i = std::min(text.find_first_of("\"\n", i + 1), text.size() - 1) + 1;
    } else if (is_word_char(text[i])) {
      while (i < text.size() && is_word_char(text[i])) ++i;
    } else {
      ++i;
    }
    found.push_back({begin, i - begin});
  }
  return found;
}

std::size_t errors_in(const std::string& text) { return Parsed(text).report.error_count(); }

TEST(Mutations, OneTokenGivesOneError) {
  std::size_t wrong = 0, exactly_one = 0, all = 0;
  for (const std::string& name : good_files()) {
    const std::string text = read_text(golden_folder() + name + ".pipe");
    const std::vector<Token> tokens = tokens_of(text);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const std::string token = text.substr(tokens[i].begin, tokens[i].length);
      const Token other = tokens[(i * 7919 + 13) % tokens.size()];
      std::string dropped = text, doubled = text, swapped = text;
      dropped.erase(tokens[i].begin, tokens[i].length);
      doubled.insert(tokens[i].begin, token + " ");
      swapped.replace(tokens[i].begin, tokens[i].length, text, other.begin, other.length);
      for (const std::string& changed : {dropped, doubled, swapped}) {
        const std::size_t errors = errors_in(changed);
        ++all;
        wrong += errors > 0;
        exactly_one += errors == 1;
        if (errors > 1 && std::getenv("SHOW_MUTATIONS"))
          std::printf("%s\n%s\n", token.c_str(), Parsed(changed).rendered().c_str());
      }
    }
  }
  const double rate = 100.0 * static_cast<double>(exactly_one) / static_cast<double>(wrong);
  std::printf("%zu one-token mutations, %zu with errors, of these %.2f %% with exactly one\n", all, wrong, rate);
  RecordProperty("exactly_one_percent", std::to_string(rate));
  EXPECT_GT(wrong, 1'000u);
  EXPECT_GE(rate, 98.4);
}

class Mutator {
 public:
  explicit Mutator(std::string text) : text_(std::move(text)), tokens_(tokens_of(text_)) {}

  std::string operator()(std::mt19937& random) const {
    std::string changed = text_;
    for (int count = 1 + pick(random, 4); count > 0; --count) change(changed, random);
    return changed;
  }

 private:
  static int pick(std::mt19937& random, std::size_t limit) { return static_cast<int>(random() % limit); }
  void change(std::string& text, std::mt19937& random) const {
    constexpr std::string_view kBytes = "{}()[]<>\"'#\n\r\t .,:;=!?$-+*/%\\@&|0aZ_\x80\xFF";
    if (text.empty()) return;
    const std::size_t at = random() % text.size();
    const Token token = tokens_[random() % tokens_.size()];
    switch (pick(random, 7)) {
      case 0: text[at] = static_cast<char>(random()); break;
      case 1: text.insert(at, 1, kBytes[random() % kBytes.size()]); break;
      case 2: text.erase(at, 1 + random() % 8); break;
      case 3: text.insert(at, text_, token.begin, token.length); break;
      case 4: text.resize(at); break;
      case 5: text.insert(at, text_, random() % text_.size(), random() % 64); break;
      case 6: text[at] = kBytes[random() % kBytes.size()]; break;
    }
  }

  std::string text_;
  std::vector<Token> tokens_;
};

double thread_milliseconds() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return 1e3 * static_cast<double>(spent.tv_sec) + 1e-6 * static_cast<double>(spent.tv_nsec);
}

TEST(Mutations, HundredThousandInputsAreParsed) {
  std::vector<Mutator> mutators;
  for (const std::string& name : good_files()) {
    const std::string text = read_text(golden_folder() + name + ".pipe");
    for (std::size_t begin = 0; begin < text.size(); begin += 600) mutators.emplace_back(text.substr(begin, 600));
  }
  std::mt19937 random(20260131);
  std::size_t with_errors = 0;
  double longest = 0;  // milliseconds of this thread, whatever else the machine does
  for (int i = 0; i < 100'000; ++i) {
    const std::string text = mutators[random() % mutators.size()](random);
    const double begin = thread_milliseconds();
    const Parsed parsed(text);
    longest = std::max(longest, thread_milliseconds() - begin);
    with_errors += parsed.report.has_errors();
    for (const diag::Diagnostic* found : parsed.report.sorted()) {
      ASSERT_LE(found->span.begin, found->span.end) << text;
      ASSERT_LE(found->span.end, text.size()) << text;
    }
  }
  std::printf("100000 inputs, %zu with errors, longest %.2f ms\n", with_errors, longest);
  EXPECT_GT(with_errors, 50'000u);
  EXPECT_LT(longest, 2'000);
}

}  // namespace
}  // namespace piperun::syntax
