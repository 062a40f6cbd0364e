#include <gmock/gmock.h>

#include <sstream>

#include "runtime/base/clock.h"
#include "runtime/piperun/command.h"

namespace piperun::cli {
namespace {

using testing::HasSubstr;

struct Typed {
  Exit exit;
  std::string out, err;
};

Typed type(std::vector<std::string> words) {
  std::istringstream in;
  std::ostringstream out, err;
  base::VirtualClock clock(0);
  World world{in, out, err, false, false, clock, [](const std::string&) { return std::nullopt; }};
  const Exit exit = run_command(std::move(words), world);
  return {exit, out.str(), err.str()};
}

TEST(Arguments, EveryCommandHasHelpWithExamples) {
  for (const Command* command : commands()) {
    std::istringstream stream(command->name.empty() ? "run" : std::string(command->name));
    std::vector<std::string> words(std::istream_iterator<std::string>(stream), {});
    words.push_back("--help");
    const Typed typed = type(words);
    EXPECT_EQ(typed.exit, Exit::Done) << command->name;
    EXPECT_THAT(typed.out, HasSubstr(std::string(command->doc)));
    EXPECT_THAT(typed.out, HasSubstr("Examples:\n  piperun"));
    for (const Option& option : command->options) EXPECT_FALSE(option.doc.empty()) << command->name << " " << option.name;
  }
}

TEST(Arguments, MistakesEndWithTwo) {
  EXPECT_EQ(type({}).exit, Exit::Usage);
  EXPECT_THAT(type({"chekc"}).err, HasSubstr("did you mean `piperun check`"));
  EXPECT_EQ(type({"check"}).exit, Exit::Usage);
  EXPECT_EQ(type({"check", "--jsno", "a.pipe"}).exit, Exit::Usage);
  EXPECT_THAT(type({"a.pipe", "--upgrade", "perhaps"}).err, HasSubstr("keep, migrate, reset"));
  EXPECT_THAT(type({"a.pipe", "--param", "x"}).err, HasSubstr("NAME=VALUE"));
  EXPECT_THAT(type({"a.pipe", "--delivery", "at_most_once"}).err, HasSubstr("--local"));
}

TEST(Arguments, AFileThatIsNotThereIsAnErrorOfTheWorld) {
  const Typed typed = type({"check", "not_there.pipe"});
  EXPECT_EQ(typed.exit, Exit::WorldFailed);
  EXPECT_THAT(typed.err, HasSubstr("P2001"));
}

}  // namespace
}  // namespace piperun::cli
