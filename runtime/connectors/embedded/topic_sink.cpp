#include "runtime/connectors/embedded/topic_sink.h"

#include "runtime/commit/embedded/header_bytes.h"

namespace piperun::embedded {

using base::Result;

Result<std::unique_ptr<connectors::Sink>> TopicSink::open(Database& database, std::unique_ptr<Database> own, std::string topic,
                                                          std::int64_t partitions, std::vector<std::string> headers) {
  if (auto made = make_topic(database, topic, partitions); !made) return std::unexpected(made.error());
  return std::unique_ptr<connectors::Sink>(new TopicSink(database, std::move(own), std::move(topic), std::move(headers)));
}

Result<void> TopicSink::write(std::span<const connectors::OutputRow> rows) {
  records_.clear();
  if (header_bytes_.size() < rows.size()) header_bytes_.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const connectors::OutputRow& row = rows[i];
    std::string& headers = header_bytes_[i];
    headers.clear();
    for (std::size_t h = 0; h < headers_.size() && h < row.headers.size(); ++h)
      append_header(headers, headers_[h], row.headers[h]);
    NewRecord& record = records_.emplace_back();
    record.timestamp = row.timestamp;
    record.key = row.message_key;
    if (!row.remove) record.value = row.encoded;
    record.headers = headers;
  }
  return append_records(database_, topic_, records_);
}

}  // namespace piperun::embedded
