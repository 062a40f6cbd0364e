// Sources, tables and sinks of the main file: what their options mean.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "lang/sema/systems.h"

namespace piperun::sema {

class Endpoints {
 public:
  Endpoints(Context& context, TypeReader& types, Systems& systems) : context_(context), types_(types), systems_(systems) {}

  // Each enters its fact, also if it has mistakes, which are reported: then its connection is kNone.
  void read(Symbol symbol, const ast::SourceDecl& declaration);
  void read(Symbol symbol, const ast::TableDecl& declaration);
  void read(Symbol symbol, const ast::SinkDecl& declaration);  // what flows into it is read by Sinks

 private:
  void read_options(SourceFact& fact, const Attached& attached);

  struct Object {  // in the system
    std::string name;
    bool is_topic = false;
  };
  Object object_of(const Attached& attached, const ast::Declaration& declaration);
  Format format_of(const Attached& attached, TypeId type);
  void check_csv_options(const Attached& attached, bool is_csv);
  void check_tombstones(const SourceFact& fact);
  std::vector<int> key_fields(const Attached& attached, std::string_view option, TypeId record, std::string_view of);
  int event_time(const Attached& attached, TypeId record);

  Context& context_;
  TypeReader& types_;
  Systems& systems_;
};

}  // namespace piperun::sema
