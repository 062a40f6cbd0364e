#include "stdlib/native/table.h"

#include <gmock/gmock.h>

#include <set>

#include "stdlib/modules.h"
#include "tests/unit/stdlib/native/call.h"

namespace piperun::native {
namespace {

TEST(Natives, EveryDeclarationHasABody) {
  const auto names = all_declared();
  EXPECT_GT(names.size(), 150u);
  value::TypeTable types;
  for (const std::string& name : names) {
    EXPECT_NE(find(name), nullptr) << name;
    EXPECT_TRUE(declared(types, name)) << name;
  }
}

// What has a body and no declaration is a built-in function, which the catalog declares, or what lowering calls by itself.
TEST(Natives, EveryBodyIsDeclaredOrBuiltIn) {
  const auto names = all_declared();
  const std::set<std::string> known(names.begin(), names.end());
  std::set<std::string> built_in, all;
  for (const auto table : tables()) {
    for (const value::Native& native : table) {
      EXPECT_TRUE(all.emplace(native.name).second) << "twice: " << native.name;
      if (!known.contains(std::string(native.name))) built_in.emplace(native.name);
    }
  }
  EXPECT_THAT(built_in, testing::UnorderedElementsAre("math.abs", "math.abs_decimal", "math.abs_float", "math.floor", "math.ceil",
                                                      "math.round", "time.now", "random.uuid", "random.float", "text.to_decimal",
                                                      "math.to_decimal", "map.convert"));
}

TEST(Modules, EveryFunctionHasWordsAndAnExample) {
  for (const stdlib::Module& module : stdlib::modules()) {
    EXPECT_TRUE(module.text.starts_with("## ")) << module.name;
    const std::string example = "\n##   ";
    std::size_t before = 0;
    for (std::size_t at = module.text.find("fn "); at != std::string_view::npos; at = module.text.find("fn ", at + 1)) {
      const std::size_t line = module.text.rfind('\n', at) + 1;
      const std::string_view start = module.text.substr(line, at - line);
      if (!start.empty() && start != "intrinsic ") continue;
      EXPECT_TRUE(module.text.substr(before, line - before).contains(example))
          << module.name << ": " << module.text.substr(at, 30);
      before = line;
    }
  }
  EXPECT_EQ(stdlib::module("no_such"), std::nullopt);
}

}  // namespace
}  // namespace piperun::native
