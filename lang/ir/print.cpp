#include "lang/ir/print.h"

#include <fmt/format.h>

#include <iterator>
#include <set>
#include <string_view>

#include "lang/ir/graph.h"
#include "lang/value/compare.h"

namespace piperun::ir {
namespace {

const char* name(CommitMode mode) {
  switch (mode) {
    case CommitMode::Sync: return "sync";
    case CommitMode::Async: return "async";
    case CommitMode::Hybrid: return "hybrid";
  }
  return "";
}

const char* name(DeadLetter way) {
  switch (way) {
    case DeadLetter::Keep: return "keep";
    case DeadLetter::Skip: return "skip";
    case DeadLetter::Stop: return "stop";
    case DeadLetter::Sink: return "sink";
  }
  return "";
}

const char* name(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::Rfc3339: return "rfc3339";
    case TimeUnit::Seconds: return "s";
    case TimeUnit::Millis: return "ms";
    case TimeUnit::Micros: return "us";
  }
  return "";
}

const char* name(Conflict conflict) {
  switch (conflict) {
    case Conflict::Error: return "error";
    case Conflict::Update: return "update";
    case Conflict::Ignore: return "ignore";
  }
  return "";
}

class ProgramPrinter {
 public:
  explicit ProgramPrinter(const Program& program) : p_(program) {}

  std::string run() {
    line("program {} id {} {} commit {} every {}us or {} records{}", p_.name, quoted(p_.id), ir::name(p_.delivery),
         name(p_.commit_mode), p_.commit_interval, p_.commit_records, p_.local ? " local" : "");
    for (std::size_t i = 0; i < p_.policies.size(); ++i) print_policy(i);
    for (const auto& [type, formats] : p_.records) print_record(type, formats);
    for (const System& system : p_.systems) {
      line("system {} {}{}{}", system.name, ir::name(system.kind), system.stand_in ? " stand_in" : "", options(system.options));
    }
    for (const Source& source : p_.sources) print_source(source);
    for (const Table& table : p_.tables) print_table(table);
    for (const Sink& sink : p_.sinks) print_sink(sink);
    if (p_.units.empty()) out_ += "\ngraph\n" + print(p_, p_.graph);
    for (const Unit& unit : p_.units) print_unit(unit);
    for (const Link& link : p_.links) {
      line("link {} on {} from sink {} to source {}", link.topic, p_.systems[link.system].name, p_.sinks[link.sink].name,
           p_.sources[link.source].name);
    }
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> words, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), words, std::forward<Args>(args)...);
    out_ += '\n';
  }

  static std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

  static std::string options(const std::map<std::string, std::string>& list) {
    std::string text;
    for (const auto& [key, value] : list) text += fmt::format(" {}={}", key, quoted(value));
    return text;
  }

  std::string names(const std::vector<int>& columns, const value::Type& record) const {
    std::string text;
    for (int column : columns) text += (text.empty() ? "" : ", ") + record.fields[static_cast<std::size_t>(column)].name;
    return text;
  }

  void print_policy(std::size_t i) {
    const ErrorPolicy& policy = p_.policies[i];
    line("policy {} retry {} backoff {}us..{}us {} dead_letter {}{}", i, policy.retry, policy.backoff_min, policy.backoff_max,
         policy.give_up ? "give_up" : fmt::format("pause {}us", policy.pause), name(policy.dead_letter),
         policy.dead_letter == DeadLetter::Sink ? " " + p_.sinks[policy.dead_letter_sink].name : "");
  }

  void print_record(value::TypeId type, const std::vector<FieldFormat>& formats) {
    line("record {}", p_.types.name(type));
    for (std::size_t i = 0; i < formats.size(); ++i) {
      const value::Field& field = p_.types[type].fields[i];
      std::string more;
      if (formats[i].data_name != field.name) more += " from " + quoted(formats[i].data_name);
      if (formats[i].time != TimeUnit::Rfc3339) more += fmt::format(" in {}", name(formats[i].time));
      if (formats[i].absent) {
        more += " absent ";
        value::append_text(more, p_.types, formats[i].absent->type, formats[i].absent->cells);
      }
      line("  {}: {}{}", field.name, p_.types.name(field.type), more);
    }
  }

  void print_source(const Source& source) {
    const value::Type& record = p_.types[source.type];
    line("source {} on {} {} {} of {} start {}{}{}{}", source.name, p_.systems[source.system].name, quoted(source.object),
         ir::name(source.format), p_.types.name(source.type), source.start,
         source.event_time < 0 ? "" : " event_time " + names({source.event_time}, record),
         source.key.empty() ? "" : " key " + names(source.key, record), source.replayable ? "" : " once");
  }

  void print_table(const Table& table) {
    line("table {} on {} {} of {} key {} cache {}us", table.name, p_.systems[table.system].name, quoted(table.object),
         p_.types.name(table.type), names(table.key, p_.types[table.type]), table.cache);
  }

  void print_sink(const Sink& sink) {
    std::string more;
    for (int column : sink.key) more += (more.empty() ? " key " : ", ") + sink.columns[static_cast<std::size_t>(column)].name;
    if (sink.version >= 0) more += " version " + sink.columns[static_cast<std::size_t>(sink.version)].name;
    if (sink.is_topic) more += " topic";
    if (sink.is_keyed) more += " keyed";
    for (const std::string& header : sink.headers) more += " header " + quoted(header);
    line("sink {} on {} {} {}{} conflict {} {}", sink.name, p_.systems[sink.system].name, quoted(sink.object),
         ir::name(sink.format), more, name(sink.on_conflict), print(p_.types, sink.columns));
  }

  void print_unit(const Unit& unit) {
    line("\nunit {} from {} in {}", unit.name, p_.systems[unit.source_system].name, p_.systems[unit.domain].name);
    for (const StateSchema& state : unit.operators) {
      std::string keys;
      for (const std::string& key : state.key) keys += (keys.empty() ? "" : ", ") + key;
      line("  state {} {} key ({}) within {}us", state.name, state.kind, keys, state.within);
    }
    out_ += print(p_, unit.dataflow);
    line("  protocol depth {}", unit.protocol.depth);
    print_steps("on_assign", unit.protocol.on_assign);
    print_steps("batch", unit.protocol.batch);
    print_steps("on_revoke", unit.protocol.on_revoke);
    print_steps("on_lost", unit.protocol.on_lost);
    print_steps("on_unclear", unit.protocol.on_unclear);
    print_steps("on_poison", unit.protocol.on_poison);
    print_steps("on_stop", unit.protocol.on_stop);
  }

  void print_steps(std::string_view list, const std::vector<Step>& steps) {
    std::string text;
    for (const Step& step : steps)
      text += (text.empty() ? "" : " · ") + step_name(step, p_.sinks) + (step.in_transaction ? "*" : "");
    line("    {}: {}", list, text);
  }

  const Program& p_;
  std::string out_;
};

class DataflowPrinter {
 public:
  DataflowPrinter(const Program& program, const Dataflow& dataflow)
      : p_(program), dataflow_(dataflow), incoming_(incoming_edges(dataflow)) {}

  std::string run() {
    for (NodeId id = 0; id < dataflow_.nodes.size(); ++id) print_node(id, dataflow_.nodes[id]);
    return std::move(out_);
  }

 private:
  void print_node(NodeId id, const Node& node) {
    static const Schema kEmpty;
    const Schema* in = input_schema(p_, dataflow_, incoming_[id]);
    const Schema& input = in == nullptr ? kEmpty : *in;
    const std::string what = std::visit([&](const auto& op) { return describe(op, input); }, node.op);
    out_ += fmt::format("  node {} {}{} ; {}: {}{}{}\n", id, what, targets(node), node.flow, node.stage,
                        node.is_volatile ? " volatile" : "", node.policy == 0 ? "" : fmt::format(" policy {}", node.policy));
    const auto* apply = std::get_if<Apply>(&node.op);
    if (apply == nullptr && !std::holds_alternative<Output>(node.op)) out_ += "    " + print(p_.types, node.output) + "\n";
    if (apply != nullptr) print_function(apply->function);
  }

  // With the element functions of its folds behind it, each once.
  void print_function(FunctionId id) {
    if (!printed_.insert(id).second) return;
    const Function& function = p_.functions[id];
    const std::string text = print(p_, function);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      out_ += "    " + text.substr(begin, end - begin) + "\n";
      begin = end + 1;
    }
    for (const Block& block : function.blocks) {
      for (const Instruction& instruction : block.code) {
        if (instruction.op == Op::Fold) print_function(p_.folds[instruction.index].element);
      }
    }
  }

  static std::string targets(const Node& node) {
    std::string text;
    for (const auto& edges : node.next) {
      text += text.empty() ? " ->" : " |";
      for (std::size_t i = 0; i < edges.size(); ++i) text += fmt::format("{} {}", i == 0 ? "" : ",", edges[i].to);
    }
    return text;
  }

  static std::string columns(const std::vector<int>& list, const Schema& schema) {
    std::string text;
    for (int column : list) text += (text.empty() ? "" : ", ") + schema[static_cast<std::size_t>(column)].name;
    return text;
  }

  std::string describe(const Input& input, const Schema&) const { return "input " + p_.sources[input.source].name; }
  std::string describe(const Apply& apply, const Schema&) const { return "apply " + p_.functions[apply.function].name; }
  std::string describe(const Flatten& flatten, const Schema& input) const {
    return fmt::format("flatten {}{}", input.back().name, flatten.with_index ? " at" : "");
  }
  std::string describe(const Dedup& dedup, const Schema& input) const {
    return fmt::format("dedup {} key {} time {} within {}us", dedup.name, columns(dedup.key, input), columns({dedup.time}, input),
                       dedup.within);
  }
  std::string describe(const Enrich& enrich, const Schema& input) const {
    return fmt::format("enrich {} key {}", p_.tables[enrich.table].name, columns(enrich.key, input));
  }
  std::string describe(const Output& output, const Schema& input) const {
    std::string text = fmt::format("output {} ({})", p_.sinks[output.sink].name, columns(output.columns, input));
    if (!output.headers.empty()) text += fmt::format(" headers ({})", columns(output.headers, input));
    if (!output.message_key.empty()) text += fmt::format(" message_key ({})", columns(output.message_key, input));
    if (output.remove >= 0) text += " remove " + columns({output.remove}, input);
    if (output.value >= 0) text += " value " + columns({output.value}, input);
    if (output.extra >= 0) text += " extra " + columns({output.extra}, input);
    if (output.idempotency >= 0) text += " idempotency " + columns({output.idempotency}, input);
    return text;
  }

  const Program& p_;
  const Dataflow& dataflow_;
  std::vector<std::vector<Incoming>> incoming_;
  std::set<FunctionId> printed_;
  std::string out_;
};

}  // namespace

std::string print(const Program& program, const Dataflow& dataflow) { return DataflowPrinter(program, dataflow).run(); }
std::string print(const Program& program) { return ProgramPrinter(program).run(); }

const char* name(SystemKind kind) {
  switch (kind) {
    case SystemKind::Kafka: return "kafka";
    case SystemKind::Postgres: return "postgres";
    case SystemKind::Embedded: return "embedded";
    case SystemKind::File: return "file";
    case SystemKind::Stdin: return "stdin";
    case SystemKind::Stdout: return "stdout";
    case SystemKind::Generate: return "generate";
    case SystemKind::Http: return "http";
    case SystemKind::StateStore: return "state_store";
  }
  return "";
}

const char* name(Delivery delivery) { return word_of(delivery).data(); }

const char* name(Format format) {
  switch (format) {
    case Format::Json: return "json";
    case Format::Csv: return "csv";
    case Format::Raw: return "raw";
  }
  return "";
}

}  // namespace piperun::ir
