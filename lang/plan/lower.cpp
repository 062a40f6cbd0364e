#include "lang/plan/lower.h"

#include <array>
#include <utility>

#include "lang/ast/match.h"
#include "lang/catalog/catalog.h"
#include "lang/plan/choices.h"
#include "lang/plan/lower_flow.h"

namespace piperun::plan {
namespace {

ir::SystemKind system_kind(std::string_view connector) {
  static constexpr std::array<std::pair<std::string_view, ir::SystemKind>, 8> kKinds{{
      {"kafka", ir::SystemKind::Kafka},
      {"postgres", ir::SystemKind::Postgres},
      {"embedded", ir::SystemKind::Embedded},
      {"file", ir::SystemKind::File},
      {"stdin", ir::SystemKind::Stdin},
      {"stdout", ir::SystemKind::Stdout},
      {"generate", ir::SystemKind::Generate},
      {"http", ir::SystemKind::Http},
  }};
  for (const auto& [name, kind] : kKinds) {
    if (name == connector) return kind;
  }
  return ir::SystemKind::Embedded;
}

// Options as text: a list joined by commas, nested settings as `properties.fetch.min.bytes`. Expressions are not among them.
void add_options(const sema::OptionMap& options, const std::string& prefix, const value::TypeTable& types,
                 std::map<std::string, std::string>& out) {
  for (const auto& [name, option] : options) {
    ast::match(
        option.value, [&](const sema::OptionMap& nested) { add_options(nested, prefix + name + ".", types, out); },
        [](ast::ExprId) {},
        [&](const std::vector<std::string>& paths) {
          std::string& text = out[prefix + name];
          for (const std::string& path : paths) text += (text.empty() ? "" : ",") + path;
        },
        [&](const sema::Constant& constant) {
          const auto* elements = std::get_if<sema::Constant::Elements>(&constant.value);
          if (elements == nullptr) {
            out[prefix + name] = sema::to_text(constant, types, true);
            return;
          }
          std::string& text = out[prefix + name];
          for (const sema::Constant& each : *elements) text += (text.empty() ? "" : ",") + sema::to_text(each, types, true);
        },
        [&](const auto&) { out[prefix + name] = option.text(types); });
  }
}

class ProgramLowering {
 public:
  ProgramLowering(LowerContext& context, const sema::Options& options)
      : context_(context), facts_(context.facts), p_(context.program), options_(options) {}

  void run() {
    pipeline();
    for (std::size_t i = 0; i < context_.sources.size(); ++i) {
      p_.files.push_back(context_.sources.file(static_cast<source::FileId>(i)).path());
    }
    for (const auto& [type, formats] : facts_.records) record(type, formats);
    for (const sema::Connection& connection : facts_.connections) system(connection);
    for (const sema::SourceFact& fact : facts_.sources) source(fact);
    for (const sema::TableFact& fact : facts_.tables) table(fact);
    for (const sema::SinkFact& fact : facts_.sinks) sink(fact);
    FlowLowering(context_).run();
  }

 private:
  std::map<std::string, std::string> texts(const sema::OptionMap& options) const {
    std::map<std::string, std::string> result;
    add_options(options, "", facts_.types, result);
    return result;
  }

  void pipeline() {
    const sema::PipelineFact& fact = facts_.pipeline;
    p_.name = fact.name;
    p_.id = fact.id;
    p_.delivery = fact.delivery;
    p_.commit_mode = fact.commit_mode;
    p_.commit_interval = fact.commit_interval;
    p_.commit_records = fact.commit_records;
    p_.local = options_.local;
    p_.policies.push_back(chosen(fact.policy));
  }

  void record(value::TypeId type, const std::vector<sema::FieldFormat>& formats) {
    std::vector<ir::FieldFormat>& out = p_.records[type];
    for (const sema::FieldFormat& format : formats) {
      ir::FieldFormat field{.data_name = format.data_name, .absent = {}, .time = format.time};
      if (format.absent) field.absent = context_.constant(*format.absent);
      out.push_back(std::move(field));
    }
  }

  void system(const sema::Connection& connection) {
    const ir::SystemKind kind = system_kind(connection.connector);
    const bool is_server = kind == ir::SystemKind::Kafka || kind == ir::SystemKind::Postgres;
    p_.systems.push_back({connection.name, kind, texts(connection.options), options_.local && is_server});
  }

  void source(const sema::SourceFact& fact) {
    const catalog::Connector* connector = catalog::find_connector(facts_.connections[fact.connection].connector);
    ir::Source source;
    source.name = fact.name;
    source.system = fact.connection;
    source.object = fact.object;
    source.type = fact.type;
    source.format = format(fact.format);
    source.extra = fact.extra;
    source.tombstone = fact.tombstone;
    source.key = fact.key;
    source.event_time = fact.event_time;
    source.start = fact.start;
    source.stop_at = fact.stop_at;
    source.sample = fact.sample;
    source.options = texts(fact.options);
    source.replayable = connector == nullptr || connector->replayable;
    source.site = context_.site(fact.where);
    p_.sources.push_back(std::move(source));
  }

  void table(const sema::TableFact& fact) {
    ir::Table table;
    table.name = fact.name;
    table.system = fact.connection;
    table.object = fact.object;
    table.type = fact.type;
    table.key = fact.key;
    table.format = format(fact.format);
    table.cache = fact.cache;
    table.sample = fact.sample;
    table.options = texts(fact.options);
    table.site = context_.site(fact.where);
    p_.tables.push_back(std::move(table));
  }

  void sink(const sema::SinkFact& fact) {
    ir::Sink sink;
    sink.name = fact.name;
    sink.system = fact.connection;
    sink.object = fact.object;
    for (const sema::Column& column : fact.columns) sink.columns.push_back({column.name, column.type, column.is_volatile});
    sink.key = fact.key;
    sink.version = fact.version;
    sink.on_conflict = fact.on_conflict;
    sink.format = format(fact.format);
    sink.decimals = fact.decimals;
    sink.nulls = fact.nulls;
    sink.is_topic = fact.is_topic;
    sink.is_keyed = fact.takes_deletes;
    for (const auto& header : fact.headers) sink.headers.push_back(header.first);
    sink.idempotent_by_key = static_cast<bool>(fact.idempotency_key);
    sink.options = texts(fact.options);
    sink.site = context_.site(fact.where);
    p_.sinks.push_back(std::move(sink));
  }

  // Avro and protobuf are not in this version: sema refused them.
  static ir::Format format(sema::Format format) {
    switch (format) {
      case sema::Format::Csv: return ir::Format::Csv;
      case sema::Format::Raw: return ir::Format::Raw;
      case sema::Format::Json:
      case sema::Format::Avro:
      case sema::Format::Protobuf: break;
    }
    return ir::Format::Json;
  }

  LowerContext& context_;
  const sema::Facts& facts_;
  ir::Program& p_;
  const sema::Options& options_;
};

}  // namespace

ir::Program lower(const sema::Program& files, const sema::Facts& facts, const sema::Options& options,
                  const source::SourceMap& sources) {
  ir::Program program;
  program.types = facts.types;
  program.memory = std::make_unique<value::Arena>();
  LowerContext context{files, facts, sources, program};
  ProgramLowering(context, options).run();
  return program;
}

}  // namespace piperun::plan
