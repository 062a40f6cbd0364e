#include "runtime/connectors/file/file_source.h"

#include <fmt/core.h>
#include <glob.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "lang/value/time.h"
#include "runtime/base/random.h"
#include "runtime/connectors/file/splitter.h"

namespace piperun::file {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::size_t kLeast = 16 * 1024, kMost = std::size_t{256} << 20;  // bytes of one read
constexpr std::size_t kMarked = 1024;  // bytes before a position that its mark is made of

struct Buffer final : record::SlabOwner {
  std::unique_ptr<char[]> bytes;
  std::string header, mark;
};

// Durable: positions are stored with it.
std::string mark_of(std::int64_t position, std::string_view before) {
  return fmt::format("{}:{:016x}", position, base::fnv1a(before));
}

}  // namespace

std::vector<std::string> matching_files(const std::string& folder, const std::string& pattern) {
  const std::filesystem::path all = std::filesystem::path(folder) / pattern;
  glob_t found{};
  std::vector<std::string> result;
  if (::glob(all.c_str(), GLOB_NOSORT | GLOB_BRACE, nullptr, &found) == 0)
    result.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::ranges::sort(result);
  return result;
}

Result<std::unique_ptr<connectors::Source>> FileSource::open(const std::string& folder, const std::string& pattern,
                                                             ir::Format format, char delimiter, bool has_header,
                                                             base::Clock& clock) {
  std::unique_ptr<FileSource> result(new FileSource(format, delimiter, has_header && format == ir::Format::Csv, clock));
  const std::vector<std::string> paths = matching_files(folder, pattern);
  if (paths.empty())
    return base::failure(ErrorCode::CannotOpen,
                         fmt::format("no file matches `{}` in {}", pattern, folder.empty() ? "." : folder));
  const bool is_relative = std::filesystem::path(pattern).is_relative();
  const std::string begin = is_relative ? (std::filesystem::path(folder) / "").string() : "";
  for (const std::string& path : paths) {
    auto bytes = open_file(path);
    if (!bytes) return std::unexpected(bytes.error());
    File& file = result->files_.emplace_back();
    file.name = path.starts_with(begin) ? path.substr(begin.size()) : path;
    file.bytes = std::move(*bytes);
  }
  return result;
}

Result<std::vector<connectors::Partition>> FileSource::partitions() {
  std::vector<connectors::Partition> result;
  for (File& file : files_) {
    if (auto looked = look_at(file); !looked) return std::unexpected(looked.error());
    result.push_back({file.name, 0, file.begin, file.end});
  }
  return result;
}

Result<void> FileSource::look_at(File& file) {
  auto size = file.bytes->size();
  if (!size) return std::unexpected(size.error());
  if (file.begin >= 0 && *size == file.size) return {};
  if (file.read_to >= 0 && file.read_to <= *size) {
    const auto before = text_before(file, file.read_to);
    if (!before) return std::unexpected(before.error());
    if (*before != file.before) return std::unexpected(replaced(file, file.read_to));
    if (auto whole = check_line(file, *size, file.read_to, *before); !whole) return whole;
  }
  file.size = *size;
  file.modified = file.bytes->modified();
  if (auto found = find_begin(file); !found) return found;
  if (auto found = find_end(file); !found) return found;
  return leave_line_end(file);
}

// Less at the beginning of the file.
Result<std::string> FileSource::text_before(File& file, std::int64_t position) {
  const std::int64_t from = std::max<std::int64_t>(0, position - std::int64_t{kMarked});
  std::string result(static_cast<std::size_t>(position - from), '\0');
  auto got = file.bytes->read_at(from, result.data(), result.size());
  if (!got) return std::unexpected(got.error());
  result.resize(*got);
  return result;
}

Result<void> FileSource::check(std::uint32_t partition, const std::string& mark) {
  File& file = files_.at(partition);
  if (auto looked = look_at(file); !looked) return looked;
  std::int64_t position = 0;
  std::from_chars(mark.data(), mark.data() + mark.size(), position);
  if (position > file.size) return std::unexpected(cut(file, position));
  auto before = text_before(file, position);
  if (!before) return std::unexpected(before.error());
  if (mark_of(position, *before) != mark) return std::unexpected(replaced(file, position));
  if (auto whole = check_line(file, file.size, position, *before); !whole) return whole;
  file.read_to = position;
  file.before = std::move(*before);
  return leave_line_end(file);
}

// The line end that came after a last line which lacked it, and was read without: no record begins there. Its size in bytes, or 0.
Result<std::size_t> FileSource::late_line_end(const File& file) const {
  if (file.read_to <= file.begin || file.before.ends_with('\n')) return 0;
  char next[2] = {};
  const auto got = file.bytes->read_at(file.read_to, next, sizeof next);
  if (!got) return std::unexpected(got.error());
  const std::string_view text(next, *got);
  return text.starts_with("\r\n") ? 2 : text.starts_with('\n') ? 1 : 0;
}

// A file that has nothing but such a line end more than was read is read to its end.
Result<void> FileSource::leave_line_end(File& file) {
  const auto late = late_line_end(file);
  if (!late) return std::unexpected(late.error());
  if (*late > 0 && file.read_to + static_cast<std::int64_t>(*late) == file.end) file.end = file.read_to;
  return {};
}

// The last line of a file may lack its line feed. If more of it came later, what was read as a record was half of one.
Result<void> FileSource::check_line(const File& file, std::int64_t size, std::int64_t position, std::string_view before) {
  if (position <= file.begin || position >= size || before.ends_with('\n')) return {};
  char next = 0;
  const auto got = file.bytes->read_at(position, &next, 1);
  if (!got) return std::unexpected(got.error());
  if (*got == 0 || next == '\n' || next == '\r') return {};
  return base::failure(
      ErrorCode::PositionGone,
      fmt::format("file {}: the line that ends at byte {} was read before it was complete, and has been continued since; "
                  "`piperun offsets reset` says where to go on. Who writes the file must write whole lines",
                  file.name, position));
}

base::Error FileSource::replaced(const File& file, std::int64_t position) {
  return {ErrorCode::PositionGone,
          fmt::format(
              "file {}: what stands before byte {} is not what was read there: it was replaced or changed. `piperun offsets "
              "reset` says where to go on in the file that is there now; a new file under a new name is read from its beginning",
              file.name, position),
          {},
          -1};
}

base::Error FileSource::cut(const File& file, std::int64_t position) {
  return {ErrorCode::PositionGone,
          fmt::format(
              "file {} has {} bytes, and the position is {}: it was cut or replaced; `piperun offsets reset` says where to go on",
              file.name, file.size, position),
          {},
          -1};
}

Result<void> FileSource::find_begin(File& file) {
  file.begin = 0;
  for (std::size_t want = kLeast;; want *= 4) {
    std::string head(std::min(want, static_cast<std::size_t>(file.size)), '\0');
    auto got = file.bytes->read_at(0, head.data(), head.size());
    if (!got) return std::unexpected(got.error());
    head.resize(*got);
    const std::size_t mark = head.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    file.begin = static_cast<std::int64_t>(mark);
    if (!has_header_) return {};
    const bool is_all = static_cast<std::int64_t>(head.size()) >= file.size;
    if (const auto line = Splitter(format_, delimiter_, head, is_all, mark).next()) {
      if (has_lone_return(line->record))
        return base::failure(
            ErrorCode::CannotOpen,
            fmt::format("file {}: its header has a carriage return (CR) without a line feed. Records end in LF or CRLF; "
                        "`tr '\\r' '\\n'` mends a file whose lines end in CR alone",
                        file.name));
      file.header = line->record;
      file.begin = static_cast<std::int64_t>(line->next);
      return {};
    }
    if (is_all || want > kMost) return {};
  }
}

// Backwards over the blank lines at the end: a position behind the last record is then the end.
Result<void> FileSource::find_end(File& file) {
  file.end = file.size;
  if (format_ == ir::Format::Raw) return {};
  std::string tail;
  for (std::int64_t wanted = 4096;; wanted *= 16) {
    const std::int64_t from = std::max(file.begin, file.size - wanted);
    tail.resize(static_cast<std::size_t>(std::max<std::int64_t>(0, file.size - from)));
    auto got = file.bytes->read_at(from, tail.data(), tail.size());
    if (!got) return std::unexpected(got.error());
    tail.resize(*got);
    const std::size_t last = tail.find_last_not_of("\r\n");
    if (last == std::string::npos && from > file.begin) continue;
    if (last == std::string::npos) file.end = file.begin;
    else if (const std::size_t line_end = tail.find('\n', last); line_end != std::string::npos)
      file.end = from + static_cast<std::int64_t>(line_end) + 1;
    return {};
  }
}

Result<std::int64_t> FileSource::resolve(const std::string& start, std::uint32_t partition) {
  File& file = files_.at(partition);
  if (auto looked = look_at(file); !looked) return std::unexpected(looked.error());
  if (start == "earliest") return file.begin;
  if (start == "latest") return file.end;
  const auto time = value::parse_timestamp(start);
  if (!time)
    return base::failure(ErrorCode::PositionGone,
                         fmt::format("file {} has no position yet and `start` is `{}`", file.name, start));
  return file.modified >= *time ? file.begin : file.end;
}

Result<record::Slab> FileSource::read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                      std::size_t max_bytes) {
  File& file = files_.at(partition);
  if (file.begin < 0) {
    if (auto looked = look_at(file); !looked) return std::unexpected(looked.error());
  }
  record::Slab slab;
  slab.partition = partition;
  if (position > file.size) return std::unexpected(cut(file, position));
  position = std::max(position, file.begin);
  if (position >= file.end || max_records == 0) return slab;
  std::size_t want = std::clamp(static_cast<std::size_t>(file.record_bytes * 1.05 * static_cast<double>(max_records)) + 1024,
                                kLeast, std::max(max_bytes, kLeast));
  for (;; want *= 4) {
    auto got = fill(slab, file, position, want, max_records);
    if (!got) return std::unexpected(got.error());
    if (!slab.records.empty() || *got < want) return slab;
    if (want > kMost)
      return base::failure(ErrorCode::CannotOpen,
                           fmt::format("file {}: the record at byte {} is longer than {} bytes", file.name, position, want));
  }
}

// Reads `want` bytes and cuts them; returns how many there were.
Result<std::size_t> FileSource::fill(record::Slab& slab, File& file, std::int64_t position, std::size_t want,
                                     std::size_t max_records) {
  const std::size_t left = static_cast<std::size_t>(file.end - position);
  const std::size_t size = std::min(want, left);
  if (file.read_to != position) {
    auto before = text_before(file, position);
    if (!before) return std::unexpected(before.error());
    file.before = std::move(*before);
    file.read_to = position;
  }
  auto buffer = std::make_unique<Buffer>();
  buffer->bytes = std::make_unique_for_overwrite<char[]>(size + record::kPadding);
  auto got = file.bytes->read_at(position, buffer->bytes.get(), size);
  if (!got) return std::unexpected(got.error());
  std::memset(buffer->bytes.get() + *got, 0, record::kPadding);
  const auto late = late_line_end(file);
  if (!late) return std::unexpected(late.error());
  Splitter splitter(format_, delimiter_, {buffer->bytes.get(), *got}, *got == left, *late);
  slab.records.reserve(std::min(max_records, static_cast<std::size_t>(static_cast<double>(*got) / file.record_bytes) + 16));
  while (slab.records.size() < max_records) {
    const auto piece = splitter.next();
    if (!piece) break;
    record::RawRecord& record = slab.records.emplace_back();
    record.offset = position + (piece->record.data() - buffer->bytes.get());
    record.next = position + static_cast<std::int64_t>(piece->next);
    record.timestamp = file.modified;
    record.value = piece->record;
  }
  if (!slab.records.empty()) {
    file.record_bytes = std::max(1.0, static_cast<double>(splitter.position()) / static_cast<double>(slab.records.size()));
    file.read_to = slab.records.back().next;
    const std::string_view read(buffer->bytes.get(), static_cast<std::size_t>(file.read_to - position));
    file.before.append(read.substr(read.size() - std::min(read.size(), kMarked)));
    file.before.erase(0, file.before.size() - std::min(file.before.size(), kMarked));
    buffer->header = file.header;
    buffer->mark = mark_of(file.read_to, file.before);
    slab.header = buffer->header;
    slab.mark = buffer->mark;
    slab.owner = std::move(buffer);
  }
  return size < want ? size : *got;
}

}  // namespace piperun::file
