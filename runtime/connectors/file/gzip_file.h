// The text of a gzip file (RFC 1952), by position.
#pragma once
#include <zlib.h>

#include <memory>
#include <string>

#include "runtime/connectors/file/file_bytes.h"

namespace piperun::file {

// Several members are one text, and zero bytes behind the last are padding, as for gzip(1). Bytes that are no gzip data, be they at the
// beginning or behind a member, a member that is cut off and one whose checksum is wrong are CannotOpen, told when reading comes to them.
class GzipFile final : public FileBytes {
 public:
  // Owns the descriptor.
  GzipFile(std::string path, int descriptor);
  ~GzipFile() override;
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  base::Result<std::size_t> read_at(std::int64_t position, char* to, std::size_t size) override;
  base::Result<std::int64_t> size() override;
  std::int64_t modified() override;

 private:
  base::Result<void> go_to(std::int64_t position);
  base::Result<std::size_t> inflate(char* to, std::size_t size);
  base::Result<bool> begin_member();
  base::Result<bool> fill_input(std::size_t least);
  std::unexpected<base::Error> damaged(const char* what) const;

  std::string path_;
  int descriptor_;
  z_stream stream_{};
  std::unique_ptr<unsigned char[]> input_;
  std::int64_t file_position_ = 0;  // behind what is in `input_`
  bool in_member_ = false, has_members_ = false;
  std::int64_t position_ = 0;  // in the text: what inflate() gives next
  std::string window_;  // the last text that was read
  std::int64_t window_begin_ = 0;
  std::int64_t known_size_ = 0, known_file_size_ = -1, known_modified_ = 0;
};

}  // namespace piperun::file
