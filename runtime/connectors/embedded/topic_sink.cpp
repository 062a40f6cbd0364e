#include "runtime/connectors/embedded/topic_sink.h"

#include "runtime/commit/embedded/header_bytes.h"

namespace piperun::embedded {

using base::Result;

Result<std::unique_ptr<connectors::Sink>> TopicSink::open(Database& database, std::unique_ptr<Database> own,
                                                          TopicSettings settings) {
  auto made = make_topic(database, settings.topic, settings.partitions);
  if (!made) return std::unexpected(made.error());
  settings.partitions = std::ssize(made->partitions);
  return std::unique_ptr<connectors::Sink>(new TopicSink(database, std::move(own), std::move(settings)));
}

Result<void> TopicSink::write(std::span<const connectors::OutputRow> rows) {
  records_.clear();
  if (header_bytes_.size() < rows.size()) header_bytes_.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const connectors::OutputRow& row = rows[i];
    std::string& headers = header_bytes_[i];
    headers.clear();
    for (std::size_t h = 0; h < settings_.headers.size() && h < row.headers.size(); ++h)
      append_header(headers, settings_.headers[h], row.headers[h]);
    NewRecord& record = records_.emplace_back();
    record.timestamp = row.timestamp;
    record.key = row.message_key;
    if (!row.remove) record.value = row.encoded;
    record.headers = headers;
    if (settings_.is_internal && !row.message_key && row.partition >= 0)
      record.partition = static_cast<std::int32_t>(row.partition % settings_.partitions);
  }
  return append_records(database_, settings_.topic, records_);
}

}  // namespace piperun::embedded
