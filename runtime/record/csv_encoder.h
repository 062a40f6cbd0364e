// Records as lines of CSV (RFC 4180, with any delimiter):
// null is an empty field, "" a quoted empty one; lists, maps, records and json are JSON text.
#pragma once
#include "runtime/record/encoder.h"

namespace piperun::record {

class CsvEncoder : public Encoder {
 public:
  CsvEncoder(const value::TypeTable& types, const ir::Schema& columns, char delimiter)
      : types_(types), columns_(columns), delimiter_(delimiter) {}
  std::optional<EncodeFault> encode(const value::Cell* cells, const value::JsonNode* extra, std::string& out) const override;
  std::string header() const override;

 private:
  void append_field(std::string_view text, std::string& out) const;
  bool field(const value::Type& type, const value::Cell& cell, std::string& out) const;

  const value::TypeTable& types_;
  ir::Schema columns_;
  char delimiter_;
};

}  // namespace piperun::record
