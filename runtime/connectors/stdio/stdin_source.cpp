#include "runtime/connectors/stdio/stdin_source.h"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "runtime/connectors/file/splitter.h"

namespace piperun::stdio {

using base::ErrorCode;
using base::Result;

using file::kByteOrderMark;

namespace {

constexpr std::size_t kMost = std::size_t{256} << 20;  // bytes of one record

struct Buffer final : record::SlabOwner {
  std::string bytes, header;
};

}  // namespace

Result<std::vector<connectors::Partition>> StdinSource::partitions() {
  const bool is_used_up = is_closed_ && pending_.empty();
  return std::vector<connectors::Partition>{
      {"stdin", 0, 0, is_used_up ? std::max<std::int64_t>(position_, 0) : std::numeric_limits<std::int64_t>::max()}};
}

bool StdinSource::has_input(int milliseconds) const {
  pollfd asked{descriptor_, POLLIN, 0};
  return ::poll(&asked, 1, milliseconds) > 0;
}

void StdinSource::wait(std::int64_t microseconds) {
  if (is_closed_) clock_.sleep(microseconds);
  else has_input(static_cast<int>(microseconds / 1'000));
}

Result<void> StdinSource::take_input(std::size_t most) {
  while (!is_closed_ && pending_.size() < most && has_input(0)) {
    const std::size_t had = pending_.size();
    pending_.resize(had + (1 << 16));
    const ssize_t got = ::read(descriptor_, pending_.data() + had, 1 << 16);
    pending_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
      return base::failure(ErrorCode::SystemUnavailable, fmt::format("cannot read the standard input: {}", std::strerror(errno)));
    }
    if (got == 0) is_closed_ = true;
  }
  if (is_begin_ && (pending_.size() >= kByteOrderMark.size() || is_closed_)) {
    if (pending_.starts_with(kByteOrderMark)) pending_.erase(0, kByteOrderMark.size());
    is_begin_ = false;
  }
  return {};
}

Result<void> StdinSource::take_header(std::string_view line) {
  if (file::has_lone_return(line))
    return base::failure(
        ErrorCode::CannotOpen,
        "the standard input: its header has a carriage return (CR) without a line feed; records end in LF or CRLF");
  header_ = line;
  has_header_ = false;
  return {};
}

// For a record that goes on behind all that was read.
Result<void> StdinSource::make_room() {
  if (pending_.size() > kMost)
    return base::failure(ErrorCode::CannotOpen, fmt::format("the standard input: the record at byte {} is longer than {} bytes",
                                                            position_, pending_.size()));
  longest_ = pending_.size() * 4;
  return {};
}

Result<record::Slab> StdinSource::read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                       std::size_t max_bytes) {
  if (position_ < 0) position_ = position;
  if (position != position_) {
    return base::failure(ErrorCode::PositionGone,
                         fmt::format("the standard input is at byte {} and cannot go back to {}", position_, position));
  }
  const std::size_t most = std::max({max_bytes, longest_, std::size_t{1}});
  if (auto taken = take_input(most); !taken) return std::unexpected(taken.error());
  record::Slab slab;
  slab.partition = partition;
  if (is_begin_ && kByteOrderMark.starts_with(pending_)) return slab;
  is_begin_ = false;
  auto buffer = std::make_unique<Buffer>();
  const std::size_t size = pending_.size();
  buffer->bytes = pending_;
  buffer->bytes.append(record::kPadding, '\0');
  file::Splitter splitter(format_, delimiter_, std::string_view(buffer->bytes).substr(0, size), is_closed_);
  std::size_t used = 0;
  while (slab.records.size() < max_records) {
    const auto piece = splitter.next();
    if (!piece) break;
    if (has_header_) {
      if (auto taken = take_header(piece->record); !taken) return std::unexpected(taken.error());
      continue;
    }
    record::RawRecord& record = slab.records.emplace_back();
    record.offset = position_ + (piece->record.data() - buffer->bytes.data());
    record.next = position_ + static_cast<std::int64_t>(piece->next);
    record.timestamp = clock_.now();
    record.value = piece->record;
    used = piece->next;
  }
  if (slab.records.empty()) {
    if (is_closed_) pending_.clear();  // blank lines at the end
    if (!header_.empty() && !has_header_ && splitter.position() > 0) pending_.erase(0, splitter.position());
    if (pending_.size() >= most) {
      if (auto room = make_room(); !room) return std::unexpected(room.error());
    }
    return slab;
  }
  longest_ = 0;
  pending_.erase(0, used);
  position_ += static_cast<std::int64_t>(used);
  buffer->header = header_;
  slab.header = buffer->header;
  slab.owner = std::move(buffer);
  return slab;
}

}  // namespace piperun::stdio
