// Connections with TLS, certificates and passwords, to listeners of a real broker that insist on them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/commit/kafka/admin.h"
#include "runtime/connectors/kafka/group.h"
#include "runtime/connectors/kafka/topic_inspector.h"
#include "tests/integration/kafka_client.h"

namespace piperun::kafka {
namespace {

using base::ErrorCode;
using connectors::PutRecord;
using integration::server;
using testing::HasSubstr;
using Options = std::map<std::string, std::string>;

ir::System connection(Options options) { return {"events", ir::SystemKind::Kafka, std::move(options), false}; }

base::Result<ClientSettings> settings(Options options) {
  const auto secret = [](const std::string& name) -> std::optional<std::string> {
    return name == "PASSWORD" ? std::optional(server("KAFKA_PASSWORD")) : std::nullopt;
  };
  return client_settings(connection(std::move(options)), secret, ir::Delivery::ExactlyOnce);
}

base::Result<std::string> id_of(Options options) {
  const auto client = settings(std::move(options));
  if (!client) return std::unexpected(client.error());
  auto admin = open_admin(*client);
  if (!admin) return std::unexpected(admin.error());
  return cluster_id(admin->get());
}

Options login() {
  return {{"brokers", server("KAFKA_SASL")},
          {"security.mechanism", "SCRAM-SHA-512"},
          {"security.username", server("KAFKA_USER")},
          {"security.password", "secret:PASSWORD"},
          {"security.ca", server("TLS_CA")}};
}

TEST(Security, TlsWithTheAuthorityThatIsNamed) {
  const auto id = id_of({{"brokers", server("KAFKA_TLS")},
                         {"security.ca", server("TLS_CA")},
                         {"security.certificate", server("TLS_CERTIFICATE")},
                         {"security.key", server("TLS_KEY")}});
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(*id, *id_of({{"brokers", server("KAFKA_BOOTSTRAP")}}));
}

TEST(Security, AnAuthorityThatIsNotTrustedIsTold) {
  const auto id = id_of({{"brokers", server("KAFKA_TLS")}, {"security.protocol", "ssl"}});
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::CannotOpen) << id.error().message;
  EXPECT_THAT(id.error().message, HasSubstr("certificate verify failed"));
}

TEST(Security, AUserWithAPassword) {
  for (const char* mechanism : {"SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    Options options = login();
    options["security.mechanism"] = mechanism;
    const auto id = id_of(options);
    EXPECT_TRUE(id) << mechanism << ": " << id.error().message;
  }
}

TEST(Security, AWrongPasswordIsToldAtOnce) {
  Options options = login();
  options["security.password"] = "wrong";
  const auto begun = std::chrono::steady_clock::now();
  const auto id = id_of(options);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::CannotOpen) << id.error().message;
  EXPECT_THAT(id.error().message, HasSubstr("uthentication"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(12)) << "who waits to the end waits for 15 s";
  const auto group = KafkaGroup::open(*settings(options), {.group = "g"}, {{0, "t"}});
  ASSERT_FALSE(group);
  EXPECT_EQ(group.error().code, ErrorCode::CannotOpen) << group.error().message;
}

TEST(Security, ASecretThatIsNotSetIsNamed) {
  Options options = login();
  options["security.password"] = "secret:NOT_THERE";
  const auto client = settings(options);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::SecretMissing);
  EXPECT_THAT(client.error().message, HasSubstr("NOT_THERE_FILE"));
}

// The library refuses them only when the client is made.
TEST(Security, WhatTheClientRefusesIsAnError) {
  for (const auto& [name, value] :
       Options{{"security.ca", "no-such-file.pem"}, {"security.mechanism", "FOO"}, {"security.username", ""}}) {
    Options options = login();
    options[name] = value;
    for (int i = 0; i < 3; ++i) {
      const auto id = id_of(options);
      ASSERT_FALSE(id) << name;
      EXPECT_EQ(id.error().code, ErrorCode::CannotOpen) << id.error().message;
    }
  }
}

TEST(Security, RecordsTravel) {
  const std::string topic = integration::new_name("secure");
  const auto client = settings(login());
  ASSERT_TRUE(client);
  auto tool = TopicInspector::open(*client);
  ASSERT_TRUE(tool);
  const auto put = tool->put(topic, std::vector<PutRecord>{{"k", "v"}}, true, 1);
  ASSERT_TRUE(put) << put.error().message;
  const auto records = tool->peek(topic, -1, -1, 10);
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(records->front().value, "v");
}

}  // namespace
}  // namespace piperun::kafka
