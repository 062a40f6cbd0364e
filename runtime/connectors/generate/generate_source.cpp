#include "runtime/connectors/generate/generate_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "lang/value/decimal.h"
#include "lang/value/text.h"
#include "lang/value/time.h"
#include "runtime/base/random.h"

namespace piperun::generate {

using base::mix;
using base::Result;
using value::TypeKind;

namespace {

constexpr std::int64_t kFirstTime = 1'767'225'600 * value::kSecond;  // 2026-01-01T00:00:00Z
constexpr int kDeepest = 4;
constexpr const char* kWords[] = {"amber", "birch", "cedar",  "delta", "ember", "fjord",
                                  "grove", "hazel", "indigo", "jade",  "karst", "linden"};

struct Buffer final : record::SlabOwner {
  std::string bytes;
};

std::int64_t below(std::uint64_t random, std::uint64_t bound) { return static_cast<std::int64_t>(mix(random) % bound); }

}  // namespace

GenerateSource::GenerateSource(const ir::Program& program, const ir::Source& source, GenerateOptions options, base::Clock& clock)
    : program_(program), source_(source), options_(options), clock_(clock) {
  options_.partitions = std::clamp<std::int64_t>(options_.partitions, 1, 10'000);
}

Result<std::vector<connectors::Partition>> GenerateSource::partitions() {
  std::vector<connectors::Partition> result;
  for (std::int32_t i = 0; i < options_.partitions; ++i)
    result.push_back({source_.name, i, 0, last_of(static_cast<std::uint32_t>(i))});
  return result;
}

std::int64_t GenerateSource::last_of(std::uint32_t partition) const {
  if (options_.count <= 0) return std::numeric_limits<std::int64_t>::max() / options_.partitions - 1;
  return (options_.count - static_cast<std::int64_t>(partition) + options_.partitions - 1) / options_.partitions;
}

Result<std::int64_t> GenerateSource::resolve(const std::string& start, std::uint32_t partition) {
  if (start == "latest" && options_.count > 0) return last_of(partition);
  return 0;
}

std::int64_t GenerateSource::time_of(std::int64_t number) const {
  if (options_.rate <= 0) return kFirstTime + number * value::kMillisecond;
  return kFirstTime + number / options_.rate * value::kSecond + number % options_.rate * value::kSecond / options_.rate;
}

Result<record::Slab> GenerateSource::read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                          std::size_t max_bytes) {
  record::Slab slab;
  slab.partition = partition;
  auto most = std::min(static_cast<std::int64_t>(max_records), last_of(partition) - position);
  if (options_.rate > 0) {
    const std::int64_t now = clock_.monotonic();
    if (started_ < 0) started_ = now;
    const double due = static_cast<double>(now - started_) * 1e-6 * static_cast<double>(options_.rate);
    most = std::min(most, static_cast<std::int64_t>(due) + 1 - taken_);
  }
  if (most <= 0) return slab;
  auto buffer = std::make_unique<Buffer>();
  std::vector<std::size_t> ends;
  for (std::int64_t i = 0; i < most && (buffer->bytes.size() < max_bytes || i == 0); ++i) {
    const std::int64_t number = (position + i) * options_.partitions + partition;
    write_record(number, buffer->bytes);
    ends.push_back(buffer->bytes.size());
    record::RawRecord& record = slab.records.emplace_back();
    record.offset = position + i;
    record.next = position + i + 1;
    record.timestamp = time_of(number);
  }
  taken_ += static_cast<std::int64_t>(ends.size());
  buffer->bytes.append(record::kPadding, '\0');
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); begin = ends[i++]) {
    slab.records[i].value = std::string_view(buffer->bytes).substr(begin, ends[i] - begin);
  }
  slab.owner = std::move(buffer);
  return slab;
}

void GenerateSource::write_record(std::int64_t number, std::string& out) const {
  const std::uint64_t random = mix(mix(static_cast<std::uint64_t>(options_.seed)) ^ static_cast<std::uint64_t>(number));
  write_object(source_.type, random, number, 0, out);
}

void GenerateSource::write_object(value::TypeId type, std::uint64_t random, std::int64_t number, int depth,
                                  std::string& out) const {
  const std::vector<value::Field>& fields = program_.types[type].fields;
  const auto formats = program_.records.find(type);
  out += '{';
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const ir::FieldFormat* format = formats == program_.records.end() ? nullptr : &formats->second[i];
    if (i > 0) out += ',';
    value::append_json_string(out, format != nullptr && !format->data_name.empty() ? format->data_name : fields[i].name);
    out += ':';
    write_value(fields[i].type, mix(random + i + 1), number, format == nullptr ? ir::TimeUnit::Rfc3339 : format->time, depth + 1,
                out);
  }
  out += '}';
}

void GenerateSource::write_value(value::TypeId id, std::uint64_t random, std::int64_t number, ir::TimeUnit unit, int depth,
                                 std::string& out) const {
  const value::Type& type = program_.types[id];
  if (type.nullable && (depth > kDeepest || below(random ^ 1, 8) == 0)) {
    out += "null";
    return;
  }
  switch (type.kind) {
    case TypeKind::Bool: out += random % 2 == 0 ? "true" : "false"; return;
    case TypeKind::Int: out += fmt::format("{}", below(random, 1'000)); return;
    case TypeKind::Float: out += fmt::format("{}", static_cast<double>(below(random, 1'000'000)) / 1'000.0); return;
    case TypeKind::Decimal: value::append_decimal(out, below(random, type.precision >= 6 ? 1'000'000 : 10), type.scale); return;
    case TypeKind::String:
      out += fmt::format("\"{}-{}\"", kWords[below(random, std::size(kWords))], below(random ^ 2, 10'000));
      return;
    case TypeKind::Bytes: {
      out += '"';
      value::append_base64(out, {reinterpret_cast<const char*>(&random), sizeof random});
      out += '"';
      return;
    }
    case TypeKind::Timestamp: {
      const std::int64_t time = time_of(number);
      switch (unit) {
        case ir::TimeUnit::Rfc3339:
          out += '"';
          value::append_timestamp(out, time);
          out += '"';
          return;
        case ir::TimeUnit::Seconds: out += fmt::format("{}", time / value::kSecond); return;
        case ir::TimeUnit::Millis: out += fmt::format("{}", time / value::kMillisecond); return;
        case ir::TimeUnit::Micros: out += fmt::format("{}", time); return;
      }
      return;
    }
    case TypeKind::Duration: out += fmt::format("\"{}s\"", 1 + below(random, 59)); return;
    case TypeKind::Enum:
      value::append_json_string(out, type.values[static_cast<std::size_t>(below(random, type.values.size()))]);
      return;
    case TypeKind::List: {
      const std::int64_t count = depth > kDeepest ? 0 : below(random, 4);
      out += '[';
      for (std::int64_t i = 0; i < count; ++i) {
        if (i > 0) out += ',';
        write_value(type.element, mix(random + static_cast<std::uint64_t>(i)), number, ir::TimeUnit::Rfc3339, depth + 1, out);
      }
      out += ']';
      return;
    }
    case TypeKind::Map:
      out += fmt::format("{{\"{}\":", kWords[below(random, std::size(kWords))]);
      write_value(type.element, mix(random), number, ir::TimeUnit::Rfc3339, depth + 1, out);
      out += '}';
      return;
    case TypeKind::Record: write_object(id, random, number, depth, out); return;
    case TypeKind::Json: out += fmt::format("{{\"n\":{}}}", below(random, 1'000)); return;
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: out += "null"; return;
  }
}

}  // namespace piperun::generate
