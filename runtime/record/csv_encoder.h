// Records as lines of CSV (RFC 4180): null is an empty field, "" a quoted empty one; lists, maps, records and json are JSON text.
#pragma once
#include "runtime/record/encoder.h"

namespace piperun::record {

class CsvEncoder : public Encoder {
 public:
  CsvEncoder(const value::TypeTable& types, const ir::Schema& columns) : types_(types), columns_(columns) {}
  std::optional<EncodeFault> encode(const value::Cell* cells, const value::JsonNode* extra, std::string& out) const override;
  std::string header() const override;

 private:
  bool field(const value::Type& type, const value::Cell& cell, std::string& out) const;

  const value::TypeTable& types_;
  ir::Schema columns_;
};

}  // namespace piperun::record
