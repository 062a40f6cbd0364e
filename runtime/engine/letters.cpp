#include "runtime/engine/letters.h"

#include <fmt/format.h>

#include "lang/value/text.h"
#include "lang/value/time.h"
#include "runtime/base/random.h"
#include "runtime/record/encoder.h"

namespace piperun::engine {
namespace {

std::optional<std::string> original(std::optional<std::string_view> bytes, ir::ErrorPolicy::Original keep) {
  if (!bytes || keep == ir::ErrorPolicy::Original::Omit) return std::nullopt;
  if (keep == ir::ErrorPolicy::Original::Hash) return fmt::format("fnv1a:{:016x}", base::fnv1a(*bytes));
  return std::string(*bytes);
}

commit::Kept kept(std::optional<std::string_view> bytes, ir::ErrorPolicy::Original keep) {
  if (!bytes || keep == ir::ErrorPolicy::Original::Keep) return commit::Kept::Original;
  return keep == ir::ErrorPolicy::Original::Hash ? commit::Kept::Hash : commit::Kept::Omitted;
}

// Writes the members of one JSON object.
class Members {
 public:
  void text(std::string_view name, std::string_view value) {
    begin(name);
    record::write_json_string(value, out_);
  }
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::int64_t value) {
    begin(name);
    out_ += std::to_string(value);
  }
  void time(std::string_view name, std::int64_t micros) {
    begin(name);
    out_ += '"';
    value::append_timestamp(out_, micros);
    out_ += '"';
  }
  void bytes(std::string_view name, const std::optional<std::string>& value) {
    begin(name);
    append(value);
  }
  void headers(const commit::Letter& letter) {
    if (letter.headers.empty()) return;
    begin("headers");
    out_ += '[';
    for (std::size_t i = 0; i < letter.headers.size(); ++i) {
      out_ += i == 0 ? "{\"name\":" : ",{\"name\":";
      record::write_json_string(letter.headers[i].first, out_);
      out_ += ",\"value\":";
      append(letter.headers[i].second);
      out_ += '}';
    }
    out_ += ']';
  }
  std::string finish() && { return out_ + "}"; }

 private:
  void begin(std::string_view name) {
    out_ += out_.size() == 1 ? "\"" : ",\"";
    out_ += name;
    out_ += "\":";
  }
  void append(const std::optional<std::string>& value) {
    if (!value) out_ += "null";
    else if (value::is_utf8(*value)) record::write_json_string(*value, out_);
    else append_bytes(*value);
  }
  void append_bytes(std::string_view bytes) {
    out_ += "{\"base64\":\"";
    value::append_base64(out_, bytes);
    out_ += "\"}";
  }
  std::string out_ = "{";
};

constexpr std::size_t kLongestReason = 8'000;  // bytes; `fail` may quote a whole record

// Beginning and end of what is longer, cut between code points.
std::string shortened(std::string_view text) {
  if (text.size() <= kLongestReason) return std::string(text);
  const auto is_inside = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  constexpr std::string_view kGap = " … ";
  std::size_t head = kLongestReason * 3 / 4, tail = text.size() - kLongestReason / 4 + kGap.size();
  while (head > 0 && is_inside(head)) --head;
  while (tail < text.size() && is_inside(tail)) ++tail;
  return fmt::format("{}{}{}", text.substr(0, head), kGap, text.substr(tail));
}

}  // namespace

std::string site_text(const ir::Program& program, ir::Site site) {
  if (site.line == 0) return {};
  return fmt::format("{}:{}:{}", site.file < program.files.size() ? program.files[site.file] : "?", site.line, site.column);
}

commit::Letter make_letter(const ir::Program& program, const ir::Unit& unit, const Batch& batch, std::uint32_t index,
                           const commit::PartitionName& partition) {
  const BatchRecord& record = batch.records[index];
  const Failure& failure = batch.dead.at(index);
  const ir::ErrorPolicy& policy = program.policies[failure.policy];
  const base::ErrorTraits& traits = base::traits(failure.code);
  commit::Letter letter;
  if (record.replayed) {
    letter = *record.replayed;
    if (letter.value) letter.value->resize(record.raw->value->size());  // without the padding that it was given to be decoded
  }
  letter.unit = unit.name;
  letter.flow = failure.flow;
  if (!record.replayed) {
    letter.origin = partition;
    letter.offset = record.raw->offset;
    letter.next_offset = record.raw->next;
    letter.timestamp = record.raw->timestamp;
    letter.key = original(record.raw->key, ir::ErrorPolicy::Original::Keep);
    letter.value = original(record.raw->value, policy.original);
    letter.kept = kept(record.raw->value, policy.original);
    for (const record::Header& header : record.raw->headers) {
      letter.headers.emplace_back(std::string(header.name),
                                  header.value ? std::optional(std::string(*header.value)) : std::nullopt);
    }
    letter.first_failure = batch.now;
  } else {
    ++letter.attempts;
    letter.replay_asked = false;
  }
  letter.code = traits.code;
  letter.message = failure.message.empty() ? traits.title : shortened(failure.message);
  letter.sqlstate = failure.sqlstate;
  letter.site = site_text(program, failure.site);
  letter.last_failure = batch.now;
  return letter;
}

std::string letter_json(const commit::Letter& letter) {
  Members members;
  members.text("code", letter.code);
  members.text("reason", letter.message);
  members.text_if("sqlstate", letter.sqlstate);
  members.text_if("at", letter.site);
  members.text("unit", letter.unit);
  members.text_if("flow", letter.flow);
  members.text("topic", letter.origin.topic);
  members.number("partition", letter.origin.number);
  members.number("offset", letter.offset);
  if (letter.timestamp != 0) members.time("timestamp", letter.timestamp);
  members.bytes("key", letter.key);
  members.headers(letter);
  members.bytes("value", letter.value);
  if (letter.kept > commit::Kept::Original) members.text("kept", name_of(letter.kept));
  members.number("attempts", letter.attempts);
  if (letter.replays != 0) members.number("replays", letter.replays);
  members.time("first_failure", letter.first_failure);
  members.time("last_failure", letter.last_failure);
  return std::move(members).finish();
}

}  // namespace piperun::engine
