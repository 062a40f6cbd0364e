// What needs no server: settings, the meaning of SQLSTATEs, the binary form of arrays. The rest is in tests/integration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/commit/postgres/errors.h"
#include "runtime/commit/postgres/parameters.h"
#include "runtime/commit/postgres/settings.h"

namespace piperun::postgres {
namespace {

using base::ErrorClass;
using base::ErrorCode;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PostgresErrors, ClassesMeanWhoMustAct) {
  const auto class_of = [](const char* sqlstate) { return base::traits(code_of(sqlstate)).error_class; };
  for (const char* row :
       {"22001", "22003", "22P02", "22021", "23502", "23505", "23514", "21000", "54000", "P0001", "44000", "AB123"})
    EXPECT_EQ(class_of(row), ErrorClass::Data) << row;
  for (const char* person : {"42501", "42P01", "42703", "42804", "3F000", "28P01", "28000", "3D000", "0A000", "55000"})
    EXPECT_EQ(class_of(person), ErrorClass::Configuration) << person;
  for (const char* passing : {"08006", "57P01", "57P03", "57014", "53300", "53100", "40001", "40P01", "55P03", "25006", "25P02",
                              "26000", "58030", "XX000", ""})
    EXPECT_EQ(class_of(passing), ErrorClass::Transient) << passing;
  EXPECT_EQ(code_of("PF001"), ErrorCode::LostOwnership);
  EXPECT_EQ(code_of("53100"), ErrorCode::DiskFull);
  EXPECT_EQ(code_of("42P01"), ErrorCode::NoSuchTable);
}

TEST(PostgresErrors, ARefusedRowIsToldFromAMissingRightInAnyLanguage) {
  const auto row = error_of("42501", "FEHLER:  neue Zeile verletzt Policy\n", "shop", "ExecWithCheckOptions");
  EXPECT_EQ(row.code, ErrorCode::ConstraintViolated);
  EXPECT_EQ(row.sqlstate, "42501");
  EXPECT_EQ(code_of("42501", "aclcheck_error"), ErrorCode::CannotOpen);
  EXPECT_EQ(code_of("42501"), ErrorCode::CannotOpen);
  EXPECT_EQ(code_of("44000", "ExecWithCheckOptions"), ErrorCode::ConstraintViolated);
}

TEST(PostgresErrors, WhatTheServerSaysBecomesOneLine) {
  EXPECT_EQ(one_line("ERROR:  duplicate key\nDETAIL:  Key (id)=(1) exists.\nHINT:  no\nLINE 1: insert\n            ^\n"),
            "duplicate key; detail: Key (id)=(1) exists.; hint: no");
  const auto error = error_of("23505", "ERROR:  duplicate key\n", "shop at db:5432/x");
  EXPECT_EQ(error.message, "shop at db:5432/x: duplicate key (23505)");
  EXPECT_EQ(one_line("Failure during 'p5': ERROR:  relation \"a\" does not exist\n"), "relation \"a\" does not exist");
  EXPECT_EQ(error.sqlstate, "23505");
  EXPECT_LT(one_line(std::string(100'000, 'x')).size(), 2'100u);
}

TEST(PostgresErrors, ARefusedConnectionIsTriedAgainUnlessAPersonMustAct) {
  EXPECT_EQ(refused("FATAL:  password authentication failed for user \"u\"", "shop").code, ErrorCode::CannotOpen);
  EXPECT_EQ(refused("FATAL:  database \"x\" does not exist", "shop").code, ErrorCode::CannotOpen);
  EXPECT_EQ(refused("connection refused", "shop").code, ErrorCode::SystemUnavailable);
  EXPECT_EQ(refused("FATAL:  the database system is starting up", "shop").code, ErrorCode::SystemUnavailable);
  EXPECT_EQ(refused("session is read-only", "shop").code, ErrorCode::SystemUnavailable);
}

TEST(PostgresErrors, TextIsMadeStorable) {
  EXPECT_EQ(storable("häß€😀"), "häß€😀");
  EXPECT_EQ(storable(std::string_view("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(storable("\xff\xc0\x80\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD") << "overlong forms and surrogates";
  EXPECT_EQ(storable("cut \xe2\x82"), "cut \uFFFD\uFFFD");
}

TEST(PostgresParameters, ArraysInTheFormOfTheProtocol) {
  Array numbers(Wire::Integer);
  numbers.integer(258);
  numbers.null();
  EXPECT_EQ(hex(numbers.encoded()),
            "\\x"
            "00000001"
            "00000001"
            "00000014"
            "00000002"
            "00000001"
            "00000008"
            "0000000000000102"
            "ffffffff");
  Array words(Wire::Text);
  words.text("ab");
  EXPECT_EQ(hex(words.encoded()),
            "\\x"
            "00000001"
            "00000000"
            "00000019"
            "00000001"
            "00000001"
            "00000002"
            "6162");
  words.clear();
  EXPECT_EQ(words.size(), 0u);
  Array times(Wire::Timestamp);
  times.timestamp(946'684'800'000'001);  // a microsecond into the year 2000, where the server counts from
  EXPECT_THAT(hex(times.encoded()), ::testing::EndsWith("0000000000000001"));
  EXPECT_EQ(array_literal({"a\"b", std::nullopt, "c\\", ""}), "{\"a\\\"b\",NULL,\"c\\\\\",\"\"}");
}

ir::System system_of(std::map<std::string, std::string> options) {
  ir::System system;
  system.name = "shop";
  system.kind = ir::SystemKind::Postgres;
  system.options = std::move(options);
  return system;
}

TEST(PostgresSettingsTest, TheUrlMayBeASecret) {
  const ReadSecret secrets = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SHOP_URL") return "postgresql://u:p@db/x";
    return std::nullopt;
  };
  EXPECT_EQ(postgres_settings(system_of({{"url", "postgresql://u@db/x"}}), secrets, "u")->url, "postgresql://u@db/x");
  EXPECT_EQ(postgres_settings(system_of({{"url", "secret:SHOP_URL"}}), secrets, "u")->url, "postgresql://u:p@db/x");
  EXPECT_EQ(postgres_settings(system_of({{"url", "secret:OTHER"}}), secrets, "u").error().code, ErrorCode::SecretMissing);
  EXPECT_EQ(postgres_settings(system_of({}), secrets, "u").error().code, ErrorCode::CannotOpen);
}

TEST(PostgresSettingsTest, WhatThePromiseRestsOnIsNotTheUrlsToSay) {
  PostgresSettings settings;
  settings.url = "postgresql://u:p@db:5433/x?connect_timeout=9&application_name=me&options=-c%20statement_timeout%3D0";
  settings.purpose = "orders.shop";
  const auto parameters = connect_parameters(settings);
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->at("connect_timeout"), "9");
  EXPECT_THAT(parameters->at("application_name"), ::testing::MatchesRegex("piperun [0-9]+@[^ ]* orders.shop"));
  const std::string options = parameters->at("options");
  EXPECT_LT(options.find("statement_timeout=0"), options.find("statement_timeout=30000")) << "the last one counts";
  EXPECT_EQ(address_of(settings, *parameters), "postgres at db:5433/x");
  settings.url = "postgresql://u:letmein@[db/x";
  EXPECT_THAT(connect_parameters(settings).error().message, Not(HasSubstr("letmein")));
}

TEST(PostgresSettingsTest, AProcessIsKnownByItsConnectionsNames) {
  const std::string name = application_name(std::string(200, 'x'));
  EXPECT_EQ(name.size(), 63u);
  EXPECT_EQ(process_of(name), application_name(""));
  EXPECT_EQ(process_of(application_name("unit with blanks")), application_name(""));
}

}  // namespace
}  // namespace piperun::postgres
