// Values as JSON text, appended to a string.
#pragma once
#include <string>

#include "runtime/record/encoder.h"

namespace piperun::record {

class JsonWriter {
 public:
  JsonWriter(const value::TypeTable& types, JsonForm form, std::string& out) : types_(types), form_(form), out_(out) {}

  // False: not encodable; `fault` says why. `cell`: the null bit of a `T?`.
  bool value(value::TypeId type, const value::Cell* cell);
  // What is not null.
  bool present(const value::Type& type, const value::Cell& cell);

  std::string_view fault() const { return fault_; }

 private:
  bool number(double v);
  void decimal(value::Int128 v, int scale);
  bool list(value::TypeId element, value::List list);
  bool map(value::TypeId element, value::List map);
  bool record(const value::Type& type, const value::Cell* cells);

  const value::TypeTable& types_;
  JsonForm form_;
  std::string& out_;
  std::string_view fault_;
};

}  // namespace piperun::record
