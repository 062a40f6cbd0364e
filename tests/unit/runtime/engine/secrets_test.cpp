#include "runtime/engine/secrets.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::engine {
namespace {

using ::testing::HasSubstr;

class SecretsTest : public ::testing::Test {
 protected:
  SecretsTest() { TearDown(); }
  void TearDown() override {
    ::unsetenv("SHOP_KEY");
    ::unsetenv("SHOP_KEY_FILE");
  }
  std::string file(const std::string& text) {
    const std::string path = folder_ / "key";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static void name_file(const std::string& path) { ::setenv("SHOP_KEY_FILE", path.c_str(), 1); }
  static std::string why_not() {
    const auto secret = read_secret("SHOP_KEY");
    EXPECT_EQ(secret.has_value(), secret_from_environment("SHOP_KEY").has_value());
    return secret ? "it is " + *secret : secret.error();
  }

  piperun::testing::TemporaryFolder folder_;
};

TEST_F(SecretsTest, OfAFileTheLastLineEndIsNoPart) {
  EXPECT_EQ(why_not(), "") << "it is not set";
  name_file(file("one\ntwo\n"));
  EXPECT_EQ(*read_secret("SHOP_KEY"), "one\ntwo");
  ::setenv("SHOP_KEY", "the variable", 1);
  EXPECT_EQ(*secret_from_environment("SHOP_KEY"), "the variable");
}

TEST_F(SecretsTest, AnEmptyOneIsNone) {
  for (const char* text : {"", "\n"}) {
    name_file(file(text));
    EXPECT_THAT(why_not(), HasSubstr("key, which SHOP_KEY_FILE names, is empty"));
  }
  ::setenv("SHOP_KEY", "", 1);
  EXPECT_EQ(why_not(), "the variable SHOP_KEY is empty");
}

TEST_F(SecretsTest, AFileThatCannotBeReadIsNamed) {
  name_file(folder_ / "none");
  EXPECT_THAT(why_not(), HasSubstr("none, which SHOP_KEY_FILE names, cannot be read: No such file or directory"));
  name_file(folder_.path());
  EXPECT_THAT(why_not(), HasSubstr("cannot be read: Is a directory"));
  name_file("/dev/zero");
  EXPECT_THAT(why_not(), HasSubstr("it has more than"));
}

}  // namespace
}  // namespace piperun::engine
