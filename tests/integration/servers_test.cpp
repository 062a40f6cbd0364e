// The servers themselves: they answer, and they and our libraries agree about what the delivery protocols rest on.
#include <gmock/gmock.h>
#include <libpq-fe.h>

#include <cstdio>
#include <pqxx/pqxx>

#include "tests/integration/kafka_client.h"

namespace piperun::integration {
namespace {

using testing::HasSubstr;

std::vector<std::string> values(const std::vector<Record>& records) {
  std::vector<std::string> found;
  for (const Record& record : records) found.push_back(record.value);
  return found;
}

// A group member that has its partitions: offsets in a transaction need its group metadata.
Handle join(const std::string& group, const std::string& topic, int partitions) {
  Handle consumer =
      make_client(RD_KAFKA_CONSUMER, {{"group.id", group}, {"auto.offset.reset", "earliest"}, {"enable.auto.commit", "false"}});
  rd_kafka_poll_set_consumer(consumer.get());
  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(consumer.get(), topics);
  rd_kafka_topic_partition_list_destroy(topics);
  for (int tries = 0, owned = 0; owned != partitions && tries < 300; ++tries) {
    if (rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer.get(), 100)) rd_kafka_message_destroy(message);
    rd_kafka_topic_partition_list_t* assignment = nullptr;
    rd_kafka_assignment(consumer.get(), &assignment);
    owned = assignment->cnt;
    rd_kafka_topic_partition_list_destroy(assignment);
  }
  return consumer;
}

std::string send_offset(rd_kafka_t* producer, rd_kafka_t* member, const std::string& topic, std::int64_t offset) {
  rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(offsets, topic.c_str(), 0)->offset = offset;
  rd_kafka_consumer_group_metadata_t* group = rd_kafka_consumer_group_metadata(member);
  const std::string error = text_of(rd_kafka_send_offsets_to_transaction(producer, offsets, group, 20000));
  rd_kafka_consumer_group_metadata_destroy(group);
  rd_kafka_topic_partition_list_destroy(offsets);
  return error;
}

// One record and the end of the producer's queue, on a listener with TLS or SASL. Returns the number of records then in the topic.
std::size_t produce_one(const std::string& topic, const Settings& settings) {
  const Handle producer = make_client(RD_KAFKA_PRODUCER, settings);
  produce(producer.get(), topic, 0, "secured");
  EXPECT_EQ(rd_kafka_flush(producer.get(), 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
  return read_all(topic, 1).size();
}

TEST(Postgres, AnswersBothLibraries) {
  pqxx::connection connection(server("POSTGRES_URL"));
  EXPECT_EQ(pqxx::work(connection).query_value<int>("select 1"), 1);
  PGconn* plain = PQconnectdb(server("POSTGRES_DIRECT").c_str());
  PGresult* result = PQexec(plain, "select 2");
  EXPECT_STREQ(PQgetvalue(result, 0, 0), "2") << PQerrorMessage(plain);
  PQclear(result);
  PQfinish(plain);
}

TEST(Postgres, WritesThroughAtCommit) {
  pqxx::connection connection(server("POSTGRES_URL"));
  EXPECT_EQ(connection.get_var("fsync"), "on");
  EXPECT_EQ(connection.get_var("synchronous_commit"), "on");
}

TEST(Postgres, RefusesAWrongPassword) {
  const std::string url = server("POSTGRES_URL") + "?password=wrong";
  EXPECT_THROW(pqxx::connection{url}, pqxx::broken_connection);
}

TEST(Postgres, SpeaksTls) {
  const std::string url = server("POSTGRES_URL") + "?sslmode=verify-full&sslrootcert=" + server("TLS_CA");
  pqxx::connection connection(url);
  EXPECT_TRUE(pqxx::work(connection).query_value<bool>("select ssl from pg_stat_ssl where pid = pg_backend_pid()"));
}

TEST(Kafka, KeepsOrderOfAnIdempotentProducer) {
  const std::string topic = new_name("order");
  create_topic(topic, 2);
  const Handle producer = make_client(RD_KAFKA_PRODUCER, {{"enable.idempotence", "true"}});
  std::vector<std::string> sent;
  for (int partition = 0; partition < 2; ++partition) {
    for (int i = 0; i < 500; ++i) {
      sent.push_back(std::to_string(partition) + "/" + std::to_string(i));
      produce(producer.get(), topic, partition, sent.back());
    }
  }
  ASSERT_EQ(rd_kafka_flush(producer.get(), 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
  EXPECT_EQ(values(read_all(topic, 2)), sent);
}

TEST(Kafka, CommitsRecordsAndOffsetsTogetherOrNeither) {
  const std::string in = new_name("in"), out = new_name("out"), group = new_name("group");
  create_topic(in, 1);
  create_topic(out, 1);
  const Handle member = join(group, in, 1);
  const Handle producer = make_transactional(new_name("tx"));

  ASSERT_EQ(text_of(rd_kafka_begin_transaction(producer.get())), "");
  produce(producer.get(), out, 0, "kept");
  ASSERT_EQ(send_offset(producer.get(), member.get(), in, 3), "");
  ASSERT_EQ(text_of(rd_kafka_commit_transaction(producer.get(), -1)), "");

  ASSERT_EQ(text_of(rd_kafka_begin_transaction(producer.get())), "");
  produce(producer.get(), out, 0, "dropped");
  ASSERT_EQ(rd_kafka_flush(producer.get(), 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_EQ(send_offset(producer.get(), member.get(), in, 5), "");
  ASSERT_EQ(text_of(rd_kafka_abort_transaction(producer.get(), -1)), "");

  EXPECT_EQ(values(read_all(out, 1)), std::vector<std::string>{"kept"});
  EXPECT_EQ(values(read_all(out, 1, {{"isolation.level", "read_uncommitted"}})), (std::vector<std::string>{"kept", "dropped"}));
  EXPECT_EQ(committed(group, in, 1), std::vector<std::int64_t>{3});
  rd_kafka_consumer_close(member.get());
}

TEST(Kafka, FencesTheOlderProducerOfAnId) {
  const std::string topic = new_name("fence"), id = new_name("tx");
  create_topic(topic, 1);
  const Handle older = make_transactional(id);
  ASSERT_EQ(text_of(rd_kafka_begin_transaction(older.get())), "");
  produce(older.get(), topic, 0, "stray");
  ASSERT_EQ(rd_kafka_flush(older.get(), 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
  const Handle newer = make_transactional(id);
  EXPECT_THAT(text_of(rd_kafka_commit_transaction(older.get(), 20000)), HasSubstr("FENCED"));
  EXPECT_TRUE(read_all(topic, 1).empty());
}

// Sends a command to the proxy before every server and returns what it says.
std::string tell_proxy(const std::string& command) {
  std::string said;
  FILE* pipe = ::popen(("tests/integration/servers proxy all " + command).c_str(), "r");
  for (int next = std::fgetc(pipe); next != EOF; next = std::fgetc(pipe)) said.push_back(static_cast<char>(next));
  EXPECT_EQ(::pclose(pipe), 0) << said;
  return said;
}

TEST(Kafka, RepeatsTheEndOfATransactionWhoseAcknowledgementIsLost) {
  const std::string topic = new_name("lost");
  create_topic(topic, 1);
  const Handle producer = make_transactional(new_name("tx"));
  ASSERT_EQ(text_of(rd_kafka_begin_transaction(producer.get())), "");
  produce(producer.get(), topic, 0, "once");
  ASSERT_EQ(rd_kafka_flush(producer.get(), 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
  tell_proxy("lose api:26");  // EndTxn
  EXPECT_EQ(text_of(rd_kafka_commit_transaction(producer.get(), -1)), "");
  EXPECT_THAT(tell_proxy("status"), HasSubstr("lost=1"));
  tell_proxy("pass");
  EXPECT_EQ(values(read_all(topic, 1)), std::vector<std::string>{"once"});
}

TEST(Kafka, SpeaksTls) {
  const std::string topic = new_name("tls");
  create_topic(topic, 1);
  EXPECT_EQ(produce_one(topic, {{"bootstrap.servers", server("KAFKA_TLS")},
                                {"security.protocol", "ssl"},
                                {"ssl.ca.location", server("TLS_CA")}}),
            1);
}

TEST(Kafka, SpeaksEachSaslMechanismAndRefusesAWrongPassword) {
  const std::string topic = new_name("sasl");
  create_topic(topic, 1);
  Settings settings = {{"bootstrap.servers", server("KAFKA_SASL")},
                       {"security.protocol", "sasl_ssl"},
                       {"ssl.ca.location", server("TLS_CA")},
                       {"sasl.username", server("KAFKA_USER")},
                       {"sasl.password", server("KAFKA_PASSWORD")}};
  std::size_t written = 0;
  for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    settings["sasl.mechanism"] = mechanism;
    EXPECT_EQ(produce_one(topic, settings), ++written) << mechanism;
  }
  settings["sasl.password"] = "wrong";
  const Handle refused = make_client(RD_KAFKA_PRODUCER, settings);
  const rd_kafka_metadata_t* metadata = nullptr;
  EXPECT_NE(rd_kafka_metadata(refused.get(), 1, nullptr, &metadata, 3000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

}  // namespace
}  // namespace piperun::integration
