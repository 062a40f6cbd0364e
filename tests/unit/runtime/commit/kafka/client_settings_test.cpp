#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// Each was looked at: whatever value it has, what the engine relies on stays true.
constexpr std::string_view kAllowed[] = {
    // how it connects, and as whom
    "api.version.fallback.ms", "api.version.request.timeout.ms", "broker.address.family", "broker.address.ttl",
    "client.dns.lookup", "client.id", "client.rack", "connections.max.idle.ms", "coordinator.query.interval.ms",
    "enable.sasl.oauthbearer.unsecure.jwt", "enable.ssl.certificate.verification", "reconnect.backoff.jitter.ms",
    "reconnect.backoff.max.ms", "reconnect.backoff.ms", "request.timeout.ms", "retry.backoff.max.ms", "retry.backoff.ms",
    "sasl.kerberos.keytab", "sasl.kerberos.kinit.cmd", "sasl.kerberos.min.time.before.relogin", "sasl.kerberos.principal",
    "sasl.kerberos.service.name", "sasl.mechanism", "sasl.mechanisms", "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret", "sasl.oauthbearer.config", "sasl.oauthbearer.extensions", "sasl.oauthbearer.method",
    "sasl.oauthbearer.scope", "sasl.oauthbearer.token.endpoint.url", "sasl.password", "sasl.username", "security.protocol",
    "socket.blocking.max.ms", "socket.connection.setup.timeout.ms", "socket.keepalive.enable", "socket.max.fails",
    "socket.nagle.disable", "socket.receive.buffer.bytes", "socket.send.buffer.bytes", "socket.timeout.ms",
    "ssl.ca.certificate.stores", "ssl.ca.location", "ssl.ca.pem", "ssl.certificate.location", "ssl.certificate.pem",
    "ssl.cipher.suites", "ssl.crl.location", "ssl.curves.list", "ssl.endpoint.identification.algorithm", "ssl.engine.id",
    "ssl.engine.location", "ssl.key.location", "ssl.key.password", "ssl.key.pem", "ssl.keystore.location",
    "ssl.keystore.password", "ssl.providers", "ssl.sigalgs.list",
    // how much at once, and how soon; the engine waits for acknowledgements whatever they are
    "batch.num.messages", "batch.size", "compression.codec", "compression.level", "compression.type",
    "consume.callback.max.messages", "fetch.error.backoff.ms", "fetch.max.bytes", "fetch.message.max.bytes", "fetch.min.bytes",
    "fetch.queue.backoff.ms", "fetch.wait.max.ms", "linger.ms", "max.partition.fetch.bytes", "message.copy.max.bytes",
    "message.max.bytes", "queue.buffering.backpressure.threshold", "queue.buffering.max.kbytes", "queue.buffering.max.messages",
    "queue.buffering.max.ms", "queued.max.messages.kbytes", "queued.min.messages", "receive.message.max.bytes",
    "sticky.partitioning.linger.ms",
    // how soon the cluster misses a process, and what it knows of topics; a topic that it does not show is an error
    "heartbeat.interval.ms", "metadata.max.age.ms", "session.timeout.ms", "topic.blacklist", "topic.metadata.propagation.max.ms",
    "topic.metadata.refresh.fast.cnt", "topic.metadata.refresh.fast.interval.ms", "topic.metadata.refresh.interval.ms",
    "topic.metadata.refresh.sparse",
    // what is told about it, and what changes nothing
    "builtin.features", "debug", "enable.metrics.push", "enable.random.seed", "internal.termination.signal",
    "log.connection.close", "log.queue", "log.thread.name", "log_level", "produce.offset.report", "statistics.interval.ms"};

// Name and description of each property that the librdkafka in use has.
std::vector<std::pair<std::string, std::string>> all_properties() {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* page = ::open_memstream(&text, &size);
  rd_kafka_conf_properties_show(page);
  std::fclose(page);
  std::istringstream lines(std::string(text, size));
  ::free(text);
  std::vector<std::pair<std::string, std::string>> result;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.find(' ');
    if (line.find('|') == std::string::npos || end == std::string::npos || line.starts_with("Property") ||
        line.starts_with("---"))
      continue;
    result.emplace_back(line.substr(0, end), line);
  }
  return result;
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

// A new version of the library may bring a property that breaks a promise. Look what it does, then add it to one of the two tables.
TEST(ClientSettings, EveryPropertyOfLibrdkafkaIsAllowedOrRefused) {
  const auto refused = catalog::refused_properties();
  const auto properties = all_properties();
  ASSERT_GT(properties.size(), 100u);
  for (const auto& [name, description] : properties) {
    if (description.find("see dedicated API") != std::string::npos) continue;  // a pointer: no text sets it
    const bool is_refused = std::ranges::find(refused, name, &catalog::RefusedProperty::name) != refused.end();
    const bool is_allowed = std::ranges::find(kAllowed, name) != std::end(kAllowed);
    EXPECT_NE(is_refused, is_allowed) << name << (is_refused ? " is in both tables" : " is in no table") << "\n" << description;
  }
}

// Those are not refused by name: librdkafka itself takes no text for them.
TEST(ClientSettings, PointersCannotBeSet) {
  const ConfPtr conf(rd_kafka_conf_new());
  for (const auto& [name, description] : all_properties()) {
    if (description.find("see dedicated API") == std::string::npos) continue;
    char words[256];
    EXPECT_NE(rd_kafka_conf_set(conf.get(), name.c_str(), "1", words, sizeof words), RD_KAFKA_CONF_OK) << name;
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

// The language refuses other names before a client is made.
TEST(ClientSettings, SecurityHasTheNamesThatTheLanguageKnows) {
  const auto* option = catalog::find_option(catalog::find_connector("kafka")->options, "security");
  ASSERT_NE(option, nullptr);
  std::string all;
  for (const std::string& name : catalog::words(option->words)) {
    EXPECT_TRUE(settings({{"security." + name, "x"}})) << name;
    all += (all.empty() ? "" : ", ") + name;
  }
  EXPECT_TRUE(settings({{"security.none", "x"}}).error().message.ends_with("it has " + all));
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
