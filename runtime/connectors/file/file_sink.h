// Appends lines to a file.
#pragma once
#include <memory>
#include <string>

#include "runtime/connectors/sink.h"

namespace piperun::file {

// `await` makes what was written durable. A write that fails halfway (no space) may have written some rows; the line that it tore is
// completed by the next one, whatever that is. A crash may leave a part of the last line: `open` cuts the file behind its last line end, so
// a file that is appended to must consist of whole lines.
class FileSink final : public connectors::Sink {
 public:
  // Makes file and folders if they are missing. `header`: first line of an empty file; "" for none. CannotOpen.
  static base::Result<std::unique_ptr<connectors::Sink>> open(const std::string& path, const std::string& header);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  base::Result<void> write(std::span<const connectors::OutputRow> rows) override;
  base::Result<void> await() override;

 private:
  FileSink(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  base::Result<void> repair();
  base::Result<void> append(std::string_view lines);
  base::Error system_error(const char* what) const;

  std::string path_;
  int descriptor_;
  std::string buffer_;
  std::string torn_;  // what is missing of the last line in the file
};

}  // namespace piperun::file
