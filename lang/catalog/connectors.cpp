#include <algorithm>

#include "lang/catalog/catalog.h"

namespace piperun::catalog {

namespace {

using enum Availability;
using enum ValueKind;

constexpr Roles kRead = kSource | kTable;
constexpr Roles kData = kSource | kSink;

constexpr Option kKafka[] = {
    {"brokers", kAnywhere, TextOrList, "", "\"localhost:9092\"", false, Now, "addresses of some brokers, `host:port`"},
    {"topic", kRead | kSink, Text, "", "", true, Now, "the topic that is read or written; for a table a compacted one"},
    {"start", kSource, Position, "earliest latest none", "earliest", false, Now,
     "where to begin, once, when the pipeline has no position yet"},
    {"stop_at", kSource, Time, "", "", false, Now, "records from this time on are not read"},
    {"group", kSource, Text, "", "", false, Now, "takes the positions of this consumer group over, once"},
    {"key", kSource, Fields, "", "", false, Now, "the fields that the message key holds; what a tombstone deletes"},
    {"key", kTable, Fields, "", "", true, Now,
     "the fields by which rows are found; the last record of each message key is a row"},
    {"key", kSink, Fields, "", "", false, Now, "the fields that make the message key; a keyed stream deletes by tombstone"},
    {"assignment", kConnection | kSource, Word, "range cooperative_sticky", "range", false, Now,
     "how processes share the partitions out; with cooperative_sticky those that one keeps go on while others come and go"},
    {"partitioned_by", kSource, Fields, "", "", false, Now, "a promise: records with equal fields are in one partition"},
    {"event_time", kSource, Field, "", "", false, Now,
     "the timestamp field that says when it happened; without it the log's timestamp"},
    {"tombstone", kSource, Word, "delete skip fail", "fail", false, Now,
     "what a record without a value means; its key is the field's value as text: `42`, `a b`"},
    {"sample", kRead, Text, "", "", false, Now, "file that fills the topic or table on the first start under --local"},
    {"partitions", kSource | kSink, Integer, "", "", false, Now, "partitions of a topic that --local makes (1)"},
    {"headers", kSink, Expressions, "", "", false, Now, "headers of the records written, as expressions over the record"},
    {"value", kSink, Expression, "", "", false, Now, "the whole value of the records written, instead of the encoded fields"},
    {"security", kAnywhere, Settings, "protocol mechanism username password ca certificate key key_password verify_host", "",
     false, Now, "TLS and login; protocol is plaintext, ssl, sasl_ssl or sasl_plaintext; files are PEM, relative to the program"},
    {"properties", kAnywhere, Settings, "", "", false, Now,
     "librdkafka settings by their own names (`compression.type` …), except those that carry the guarantee"},
};

constexpr Option kPostgres[] = {
    {"url", kAnywhere, Address, "", "", true, Now, "postgres://user@host/database; with a password only as secret(…)"},
    {"table", kTable | kSink, Text, "", "", false, Now, "the table, `name` or `schema.name`; without it the declaration's name"},
    {"key", kTable, Fields, "", "", true, Now, "the fields by which rows are found"},
    {"key", kSink, Fields, "", "", false, Now, "the fields by which a row is known; rows are then updated, not repeated"},
    {"on_conflict", kSink, Word, "update ignore error", "update", false, Now,
     "when a row with this key is there (without a key: error)"},
    {"version", kSink, Field, "", "", false, Now,
     "an older row never replaces one with a newer value of this field; a delete is not remembered: what comes behind it is "
     "written"},
    {"create", kSink, Boolean, "", "false", false, Now, "makes the table if it is missing"},
    {"cache", kTable, Duration, "", "0s", false, Now, "how long a row that was read may be used again"},
    {"sample", kRead, Text, "", "", false, Now, "file that fills the table on the first start under --local"},
    {"outbox", kSource, Text, "", "", true, Now,
     "the table that is read as a stream and emptied: `id bigint` identity, `number bigint` unique and left null, your columns"},
    {"start", kSource, Word, "earliest latest none", "earliest", false, Now,
     "where to begin, once, when the pipeline has no position yet"},
    {"event_time", kSource, Field, "", "", false, Now,
     "the timestamp field that says when it happened; without it the time of reading"},
};

constexpr Option kEmbedded[] = {
    {"path", kAnywhere, Text, "", "", false, Now, "the database file; without it `.piperun/NAME.db`"},
    {"topic", kData, Text, "", "", false, Now, "the topic that is read or written"},
    {"table", kTable | kSink, Text, "", "", false, Now, "the table that is read or written"},
    {"key", kTable, Fields, "", "", true, Now, "the fields by which rows are found"},
    {"key", kSource, Fields, "", "", false, Now, "the fields that the record key holds; what a tombstone deletes"},
    {"key", kSink, Fields, "", "", false, Now, "the fields by which a row or record is known"},
    {"on_conflict", kSink, Word, "update ignore error", "update", false, Now,
     "when a row with this key is there (without a key: error)"},
    {"version", kSink, Field, "", "", false, Now,
     "an older row never replaces one with a newer value of this field; a delete is not remembered: what comes behind it is "
     "written"},
    {"start", kSource, Position, "earliest latest none", "earliest", false, Now,
     "where to begin, once, when the pipeline has no position yet"},
    {"stop_at", kSource, Time, "", "", false, Now, "records from this time on are not read"},
    {"partitions", kData, Integer, "", "", false, Now, "partitions of a topic that is made (1)"},
    {"partitioned_by", kSource, Fields, "", "", false, Now, "a promise: records with equal fields are in one partition"},
    {"event_time", kSource, Field, "", "", false, Now,
     "the timestamp field that says when it happened; without it the log's timestamp"},
    {"tombstone", kSource, Word, "delete skip fail", "fail", false, Now,
     "what a record without a value means; its key is the field's value as text: `42`, `a b`"},
    {"cache", kTable, Duration, "", "0s", false, Now, "how long a row that was read may be used again"},
    {"sample", kRead, Text, "", "", false, Now, "file that fills the topic or table on the first start"},
    {"headers", kSink, Expressions, "", "", false, Now, "headers of the records written, as expressions over the record"},
    {"value", kSink, Expression, "", "", false, Now, "the whole value of the records written, instead of the encoded fields"},
};

constexpr Option kFile[] = {
    {"path", kRead | kSink, Text, "", "", true, Now, "the file; sources take patterns, `logs/*.ndjson.gz`, and read .gz"},
    {"key", kTable, Fields, "", "", true, Now, "the fields by which rows are found"},
    {"event_time", kSource, Field, "", "", false, Now,
     "the timestamp field that says when it happened; without it the file's time"},
    {"start", kSource, Position, "earliest latest none", "earliest", false, Now,
     "where to begin, once, when the pipeline has no position yet"},
    {"cache", kTable, Duration, "", "", false, Now, "how long the file's content may be used before it is read again"},
    {"value", kSink, Expression, "", "", false, Now, "the whole line written, instead of the encoded fields"},
};

constexpr Option kStdin[] = {
    {"event_time", kSource, Field, "", "", false, Now,
     "the timestamp field that says when it happened; without it the time of reading"},
};

constexpr Option kStdout[] = {
    {"value", kSink, Expression, "", "", false, Now, "the whole line written, instead of the encoded fields"},
};

constexpr Option kGenerate[] = {
    {"rate", kSource, Integer, "", "", false, Now, "records per second; without it as fast as they are taken"},
    {"count", kSource, Integer, "", "", false, Now, "how many; without it for ever"},
    {"seed", kSource, Integer, "", "0", false, Now, "other seed, other records; the same seed makes the same records again"},
    {"partitions", kSource, Integer, "", "1", false, Now, "partitions that the records are spread over"},
    {"event_time", kSource, Field, "", "", false, Now, "the timestamp field that says when it happened"},
};

constexpr Option kHttp[] = {
    {"url", kConnection | kSink, Address, "", "", true, Now, "where each record is sent"},
    {"method", kSink, Word, "post put patch", "post", false, Now, "the method of the request"},
    {"idempotency_key", kSink, Expression, "", "", false, Now,
     "an id by which the receiver ignores a repeat; needed for exactly_once"},
    {"headers", kSink, Expressions, "", "", false, Now, "headers of the request, as expressions over the record"},
    {"value", kSink, Expression, "", "", false, Now, "the body, instead of the encoded fields"},
    {"timeout", kConnection | kSink, Duration, "", "10s", false, Now, "after this long a request counts as failed"},
};

//   name        roles                  domain            replay positions upsert delete headers keys  topics format available
constexpr Connector kConnectors[] = {
    {"kafka", kAnywhere, Domain::Kafka, true, true, false, true, true, true, true, true, Now,
     "brokers security properties assignment", "topics of a Kafka cluster", kKafka},
    {"postgres", kAnywhere, Domain::Postgres, true, true, true, true, false, false, false, false, Now, "url",
     "tables of a PostgreSQL database", kPostgres},
    {"embedded", kAnywhere, Domain::Embedded, true, true, true, true, true, true, true, true, Now, "path",
     "topics and tables in one local database file; what --local puts in place of servers", kEmbedded},
    {"file", kSource | kTable | kSink, Domain::None, true, false, false, false, false, false, false, true, Now, "",
     "files of lines or rows, also compressed", kFile},
    {"stdin", kSource, Domain::None, false, false, false, false, false, false, false, true, Now, "",
     "lines from the standard input; they cannot be read again", kStdin},
    {"stdout", kSink, Domain::None, false, false, false, false, false, false, false, true, Now, "",
     "lines to the standard output", kStdout},
    {"generate", kSource, Domain::None, true, false, false, false, false, false, false, false, Now, "",
     "made-up records of the type, always the same for one seed", kGenerate},
    {"http", kConnection | kSink, Domain::None, false, false, false, false, true, false, false, true, Later, "url timeout",
     "a request per record; exactly once only if the receiver ignores repeats", kHttp},
};

constexpr Option kFormatOptions[] = {
    {"format", kRead | kSink, Word, "json csv raw avro protobuf", "json", false, Now, "how the bytes are written"},
    {"extra", kSource, Word, "ignore error keep", "ignore", false, Now,
     "json fields that the type does not declare; keep carries them until a `map`"},
    {"decimals", kSink, Word, "number string", "number", false, Now, "how json shows a decimal"},
    {"nulls", kSink, Word, "write omit", "write", false, Now, "whether json shows a null field"},
    {"header", kRead | kSink, Boolean, "", "true", false, Now, "csv: the first line names the columns"},
    {"delimiter", kRead | kSink, Text, "", "\",\"", false, Now, "csv: what stands between two values, one character"},
    {"registry", kRead | kSink, Address, "", "", false, Later, "avro, protobuf: address of the schema registry"},
};

constexpr Format kFormats[] = {
    {"json", Now, "one JSON object per record"},
    {"csv", Now, "RFC 4180, one row per record"},
    {"raw", Now, "the bytes of the record are the one string or bytes field of the type"},
    {"avro", Later, "Avro with a schema registry"},
    {"protobuf", Later, "Protocol Buffers with a schema registry"},
};

constexpr Option kPipelineOptions[] = {
    {"delivery", 0, Word, "at_most_once at_least_once exactly_once", "", true, Now,
     "what is promised for each record; there is no default"},
    {"id", 0, Text, "", "", false, Now, "the durable identity of positions and state; without it the pipeline's name"},
    {"commit_interval", 0, Duration, "", "200ms", false, Now, "a batch is closed at this age"},
    {"commit_records", 0, Integer, "", "1_000", false, Now, "a batch is closed at this size"},
    {"commit_mode", 0, Word, "sync async hybrid", "sync", false, Now,
     "at_least_once: how positions are committed; hybrid is async, and sync now and then"},
};

constexpr Option kErrorOptions[] = {
    {"retry", 0, Integer, "", "5", false, Now, "attempts at a system that fails before the unit pauses"},
    {"backoff", 0, Backoff, "", "200ms..30s", false, Now, "first and longest wait between attempts; exponential, full jitter"},
    {"pause", 0, Duration, "", "30s", false, Now,
     "when the attempts are used up one batch probes, for ever: each second at first, at last once in this time"},
    {"give_up", 0, Word, "stop", "", false, Now, "stops the pipeline instead of pausing"},
    {"dead_letter", 0, ValueKind::DeadLetter, "keep skip stop", "stop", false, Now,
     "where a record goes that cannot be processed; or a sink's name: it gets a JSON object, a table in the column `letter`"},
    {"original", 0, Word, "keep hash omit", "keep", false, Now, "whether a dead letter carries the bytes as they were read"},
};

constexpr RefusedProperty kRefused[] = {
    {"bootstrap.servers", "it names the system: write `brokers = …`", ""},
    {"metadata.broker.list", "it names the system: write `brokers = …`", ""},
    {"group.id",
     "it is the durable identity of the positions: made from the pipeline's `id`; `group = …` in a source takes those of another "
     "group over",
     ""},
    {"group.instance.id", "static membership is set by the engine, one id per worker", ""},
    {"group.protocol", "membership checks rely on the protocol the engine chose", ""},
    {"group.remote.assignor", "membership checks rely on the protocol the engine chose", ""},
    {"enable.auto.commit", "positions are committed with the effects, never by a timer", ""},
    {"auto.commit.interval.ms", "positions are committed with the effects, never by a timer", ""},
    {"enable.auto.offset.store", "positions come from the engine's own tracking", ""},
    {"offset.store.method", "positions come from the engine's own tracking", ""},
    {"offset.store.path", "positions come from the engine's own tracking", ""},
    {"offset.store.sync.interval.ms", "positions come from the engine's own tracking", ""},
    {"auto.offset.reset", "a missing position stops the pipeline instead of skipping: write `start = …` for the first time", ""},
    {"auto.commit.enable", "positions are committed with the effects, never by a timer", ""},
    {"isolation.level", "aborted records must stay unseen: always read_committed", ""},
    {"check.crcs", "a damaged record must not be processed: always true", ""},
    {"enable.partition.eof", "the engine relies on end-of-partition events", ""},
    {"transactional.id", "it fences out the former owner: made from the pipeline's `id`, unit and slot", ""},
    {"transaction.timeout.ms", "recovery after a crash depends on it", ""},
    {"enable.idempotence", "without it a retry can write a record twice or in another order", ""},
    {"enable.gapless.guarantee", "the engine decides what a failed batch means", ""},
    {"acks", "an effect counts when all in-sync replicas have it: always all", "0"},
    {"request.required.acks", "an effect counts when all in-sync replicas have it: always all", "0"},
    {"max.in.flight", "order and idempotence depend on it", ""},
    {"max.in.flight.requests.per.connection", "order and idempotence depend on it", ""},
    {"retries", "the engine decides how often to try: write `on error { retry = … }`", ""},
    {"message.send.max.retries", "the engine decides how often to try: write `on error { retry = … }`", ""},
    {"delivery.timeout.ms", "the engine decides when a write has failed", ""},
    {"message.timeout.ms", "the engine decides when a write has failed", ""},
    {"partitioner", "equal keys must reach equal partitions: always murmur2", ""},
    {"partition.assignment.strategy",
     "revocation is part of the protocol: write `assignment = cooperative_sticky` in the connection for the other way", ""},
    {"max.poll.interval.ms", "the intake thread polls all the time", ""},
    {"allow.auto.create.topics", "a mistyped topic must not come into being", ""},
    {"delivery.report.only.error", "every acknowledgement counts", ""},
    {"enabled_events", "the engine chooses its own events", ""},
    {"queuing.strategy", "records are written in the order of the input", ""},
    {"group.protocol.type", "membership checks rely on the protocol the engine chose", ""},
    {"api.version.request", "idempotence and transactions need what the broker says it can do", ""},
    {"broker.version.fallback", "idempotence and transactions need what the broker says it can do", ""},
    {"test.mock.num.brokers", "it puts a broker in memory in the place of the cluster", ""},
    {"plugin.library.paths", "foreign code could change every promise", ""},
};

}  // namespace

std::span<const Connector> connectors() { return kConnectors; }
std::span<const Option> pipeline_options() { return kPipelineOptions; }
std::span<const Option> error_options() { return kErrorOptions; }
std::span<const Option> format_options() { return kFormatOptions; }
std::span<const Format> formats() { return kFormats; }
std::span<const RefusedProperty> refused_properties() { return kRefused; }

const Connector* find_connector(std::string_view name) {
  const auto* found = std::ranges::find(kConnectors, name, &Connector::name);
  return found == std::end(kConnectors) ? nullptr : found;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    if (blank > 0) list.emplace_back(text.substr(0, blank));
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return list;
}

const Option* find_option(std::span<const Option> options, std::string_view name, Roles roles) {
  const auto found = std::ranges::find_if(
      options, [&](const Option& option) { return option.name == name && (roles == 0 || (option.roles & roles) != 0); });
  return found == options.end() ? nullptr : &*found;
}

}  // namespace piperun::catalog
