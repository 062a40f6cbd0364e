// A folder with files, and sources that read them.
#pragma once
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <sstream>

#include "runtime/connectors/file/file_source.h"
#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::file {

class FileTest : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) { std::ofstream(folder_ / name, std::ios::binary) << text; }
  void put_gzip(const std::string& name, const std::string& text, const char* mode = "wb") {
    gzFile file = gzopen((folder_ / name).c_str(), mode);
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
  }
  std::string get(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(folder_ / name, std::ios::binary).rdbuf();
    return text.str();
  }
  std::unique_ptr<connectors::Source> open(const std::string& pattern, ir::Format format = ir::Format::Json, bool header = true) {
    auto result = FileSource::open(folder_.path(), pattern, format, ',', header, clock_);
    if (!result) {
      ADD_FAILURE() << result.error().message;
      std::abort();
    }
    return std::move(*result);
  }
  // All records from `position` on, a few at a time, each continued at the `next` of the one before.
  static std::vector<std::string> all(connectors::Source& source, std::uint32_t partition = 0, std::int64_t position = 0,
                                      std::size_t at_once = 2) {
    std::vector<std::string> result;
    const std::int64_t end = (*source.partitions())[partition].end;
    for (;;) {
      auto slab = source.read(partition, position, at_once, 1 << 20);
      if (!slab) return {slab.error().message};
      if (slab->records.empty()) break;
      for (const auto& record : slab->records) {
        EXPECT_GE(record.offset, position);
        position = record.next;
        result.emplace_back(*record.value);
      }
    }
    EXPECT_GE(position, end) << "reading ends exactly where the partition ends, or a drain would wait for ever";
    return result;
  }

  piperun::testing::TemporaryFolder folder_;
  base::VirtualClock clock_{0};
};

}  // namespace piperun::file
