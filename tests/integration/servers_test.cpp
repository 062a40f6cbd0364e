#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>

#include <pqxx/pqxx>

TEST(Libraries, Link) {
  EXPECT_GE(rd_kafka_version(), 0x020601ff);
  EXPECT_GT(PQlibVersion(), 150000);
  EXPECT_THROW(pqxx::connection("host=/nowhere"), pqxx::broken_connection);
  char error[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "security.protocol", "sasl_ssl", error, sizeof error);
  rd_kafka_conf_set(conf, "sasl.mechanism", "SCRAM-SHA-256", error, sizeof error);
  rd_kafka_conf_set(conf, "sasl.username", "u", error, sizeof error);
  rd_kafka_conf_set(conf, "sasl.password", "u", error, sizeof error);
  rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  ASSERT_NE(handle, nullptr) << error;
  rd_kafka_destroy(handle);
}
