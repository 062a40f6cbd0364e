#include "lang/catalog/catalog.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace piperun::catalog {
namespace {

TEST(Catalog, EveryEntryHasWords) {
  for (const Connector& connector : connectors()) {
    EXPECT_FALSE(connector.doc.empty()) << connector.name;
    for (const Option& option : connector.options) {
      EXPECT_FALSE(option.doc.empty()) << connector.name << "." << option.name;
      EXPECT_NE(option.roles, 0) << connector.name << "." << option.name;
      const bool has_words = option.kind == ValueKind::Word || option.kind == ValueKind::Position;
      const bool may_have_words = option.kind == ValueKind::Settings;
      EXPECT_TRUE(may_have_words || has_words == !option.words.empty()) << connector.name << "." << option.name;
    }
  }
  for (const RefusedProperty& each : refused_properties()) EXPECT_FALSE(each.reason.empty()) << each.name;
  for (const Function& each : functions()) EXPECT_FALSE(each.doc.empty()) << each.name;
}

TEST(Catalog, OptionsAreFoundByRole) {
  const Connector* kafka = find_connector("kafka");
  ASSERT_NE(kafka, nullptr);
  EXPECT_EQ(find_option(kafka->options, "start", kSink), nullptr);
  ASSERT_NE(find_option(kafka->options, "start", kSource), nullptr);
  EXPECT_EQ(find_connector("kafkaa"), nullptr);
}

TEST(Catalog, NoOptionIsTwiceInOneRole) {
  for (const Connector& connector : connectors()) {
    for (const Roles role : {kConnection, kSource, kTable, kSink}) {
      std::set<std::string_view> seen;
      for (const Option& option : connector.options) {
        if ((option.roles & role) == 0) continue;
        EXPECT_TRUE(seen.insert(option.name).second) << connector.name << "." << option.name;
      }
    }
  }
}

TEST(Catalog, SystemOptionsExist) {
  for (const Connector& connector : connectors()) {
    std::istringstream words{std::string(connector.system_options)};
    for (std::string word; words >> word;)
      EXPECT_NE(find_option(connector.options, word), nullptr) << connector.name << "." << word;
  }
}

// What a built-in function calls is in the table of natives.
TEST(Catalog, NativesExist) {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(PIPERUN_SOURCE_DIR) + "/stdlib/native")) {
    std::ifstream in(entry.path());
    std::ostringstream text;
    text << in.rdbuf();
    all += text.str();
  }
  for (const Function& each : functions()) {
    if (each.kind != CallKind::Native) continue;
    EXPECT_NE(all.find("{\"" + std::string(each.target) + "\","), std::string::npos) << each.name << " calls " << each.target;
  }
}

}  // namespace
}  // namespace piperun::catalog
