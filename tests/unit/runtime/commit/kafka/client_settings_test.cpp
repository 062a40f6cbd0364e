#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lang/catalog/catalog.h"
#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

base::Result<ClientSettings> settings(std::map<std::string, std::string> options,
                                      ir::Delivery delivery = ir::Delivery::AtLeastOnce) {
  const auto secret = [](const std::string& name) -> std::optional<std::string> {
    return name == "PW" ? std::optional<std::string>("hush") : std::nullopt;
  };
  return client_settings({"events", ir::SystemKind::Kafka, std::move(options), false}, secret, delivery, "/etc/p");
}

TEST(ClientSettings, AreNamedAsLibrdkafkaNamesThem) {
  const auto found = settings({{"brokers", "a:1,b:2"},
                               {"topic", "of no interest"},
                               {"security.username", "ada"},
                               {"security.password", "secret:PW"},
                               {"security.ca", "ca.pem"},
                               {"security.verify_host", "false"},
                               {"properties.fetch.min.bytes", "7"}});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->brokers, "a:1,b:2");
  EXPECT_EQ(found->security.at("sasl.username"), "ada");
  EXPECT_EQ(found->security.at("sasl.password"), "hush");
  EXPECT_EQ(found->security.at("ssl.ca.location"), "/etc/p/ca.pem");
  EXPECT_EQ(found->security.at("ssl.endpoint.identification.algorithm"), "none");
  EXPECT_EQ(found->security.at("security.protocol"), "sasl_ssl");
  EXPECT_EQ(found->properties.at("fetch.min.bytes"), "7");
  EXPECT_TRUE(settings({})->security.empty());
  EXPECT_EQ(settings({{"security.ca", "x"}})->security.at("security.protocol"), "ssl");
}

TEST(ClientSettings, EveryPropertyThatCarriesThePromiseIsRefused) {
  for (const catalog::RefusedProperty& each : catalog::refused_properties()) {
    const auto found = settings({{"properties." + std::string(each.name), "1"}});
    ASSERT_FALSE(found) << each.name;
    EXPECT_EQ(found.error().code, ErrorCode::CannotOpen);
    EXPECT_THAT(found.error().message, HasSubstr(std::string(each.reason)));
  }
  EXPECT_FALSE(settings({{"properties.acks", "0"}}, ir::Delivery::AtLeastOnce));
  EXPECT_TRUE(settings({{"properties.acks", "0"}}, ir::Delivery::AtMostOnce));
}

// A name that librdkafka does not know would be refused for a wrong reason, or never be met.
TEST(ClientSettings, RefusedPropertiesAreThoseOfLibrdkafka) {
  const ConfPtr conf(rd_kafka_conf_new());
  for (const catalog::RefusedProperty& each : catalog::refused_properties()) {
    char words[256];
    const auto answer = rd_kafka_conf_set(conf.get(), std::string(each.name).c_str(), "?", words, sizeof words);
    EXPECT_NE(answer, RD_KAFKA_CONF_UNKNOWN) << each.name;
  }
}

TEST(ClientSettings, WhatIsUnknownIsNamed) {
  const auto option = settings({{"security.pasword", "x"}});
  ASSERT_FALSE(option);
  EXPECT_THAT(option.error().message,
              HasSubstr("`security` has no `pasword`; it has protocol, mechanism, username, password, ca"));
  auto property = settings({{"properties.fetch.min.byte", "1"}});
  ASSERT_TRUE(property);
  const auto client = Client::open(RD_KAFKA_PRODUCER, *property, {}, std::make_unique<ClientState>());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::CannotOpen);
  EXPECT_THAT(client.error().message, HasSubstr("connection events: No such configuration property: \"fetch.min.byte\""));
}

TEST(ClientErrors, HaveOneClassEach) {
  const auto class_of = [](rd_kafka_resp_err_t code) { return base::traits(code_of(code)).error_class; };
  EXPECT_EQ(class_of(RD_KAFKA_RESP_ERR__TRANSPORT), base::ErrorClass::Transient);
  EXPECT_EQ(class_of(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS), base::ErrorClass::Transient);
  EXPECT_EQ(class_of(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED), base::ErrorClass::Configuration);
  EXPECT_EQ(class_of(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE), base::ErrorClass::Data);
  EXPECT_EQ(class_of(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION), base::ErrorClass::Ownership);
  EXPECT_EQ(code_of(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET), ErrorCode::PositionGone);
  EXPECT_EQ(code_of(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), ErrorCode::NoSuchTopic);
}

}  // namespace
}  // namespace piperun::kafka
