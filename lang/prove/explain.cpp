#include "lang/prove/explain.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/ir/declared.h"
#include "lang/ir/outbox.h"
#include "lang/ir/print.h"
#include "lang/plan/lineage.h"
#include "lang/plan/names.h"
#include "lang/plan/systems.h"
#include "lang/prove/clauses.h"
#include "lang/prove/crash_table.h"
#include "lang/prove/explain_flow.h"
#include "lang/value/duration_text.h"

namespace piperun::prove {
namespace {

const char* promise(ir::Delivery delivery) {
  switch (delivery) {
    case ir::Delivery::AtMostOnce: return "No record takes effect twice. What is being processed at a crash is lost.";
    case ir::Delivery::AtLeastOnce: return "No record is lost. What is being processed at a crash may take effect again.";
    case ir::Delivery::ExactlyOnce:
      return "Each record takes effect once or has one dead letter; crashes, restarts and takeovers change nothing.";
  }
  return "";
}

std::string object_words(const char* kind, const std::string& object) {
  return object.empty() ? std::string() : fmt::format("{} \"{}\" of ", kind, object);
}

class Explainer {
 public:
  Explainer(const ir::Program& program, const std::vector<Proof>& proofs, const plan::Places* places)
      : program_(program), proofs_(proofs), places_(places) {}

  std::string text() {
    line("pipeline {} promises {}", program_.name, ir::name(program_.delivery));
    line("  {}", promise(program_.delivery));
    if (program_.id != program_.name) line("  Its durable name is {}.", program_.id);
    if (program_.units.size() > 1)
      line("  It runs as {} units. Each has positions and a transaction of its own.", program_.units.size());
    for (std::size_t i = 0; i < program_.units.size(); ++i) unit(program_.units[i], proofs_[i]);
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    std::string text = fmt::format(format, std::forward<Args>(args)...);
    text.erase(text.find_last_not_of(' ') + 1);
    out_ += text + "\n";
  }

  void unit(const ir::Unit& unit, const Proof& proof) {
    line("\nunit {}", unit.name);
    for (const ir::SourceId id : unit.sources) {
      const ir::Source& source = program_.sources[id];
      line("  reads    {}: {}{}", source.name, object_words(source_kind(source), source.object),
           plan::describe(program_.systems[source.system]));
    }
    for (const ir::TableId id : unit.tables) {
      const ir::Table& table = program_.tables[id];
      line("  looks up {}: {}{}, as it is at that moment", table.name, object_words(table_kind(table.system), table.object),
           plan::describe(program_.systems[table.system]));
    }
    for (const ir::SinkId id : unit.sinks) sink(program_.sinks[id]);
    line("  commits  in {}", plan::describe(program_.systems[unit.domain]));
    line("  stores   positions in {}", plan::stores_of(program_, unit).positions);
    line("  dead     {}", dead_letters(unit));
    line("\n  What happens to a record");
    out_ += indented(explain_flows(program_, unit.dataflow, places_));
    steps(unit);
    occasions(unit);
    crashes(unit);
    guarantees(proof);
    assumptions(unit);
  }

  const char* source_kind(const ir::Source& source) const {
    if (ir::is_outbox(source)) return "outbox";
    return program_.systems[source.system].kind == ir::SystemKind::File ? "path" : "topic";
  }

  // What rows lie in.
  const char* table_kind(ir::SystemId system) const {
    const ir::SystemKind kind = program_.systems[system].kind;
    return kind == ir::SystemKind::File ? "path" : kind == ir::SystemKind::Kafka ? "topic" : "table";
  }

  void sink(const ir::Sink& sink) {
    const char* each = sink.is_topic ? "with the key" : "one row per";
    const std::string key = sink.key.empty() ? std::string() : fmt::format(", {} {}", each, key_names(sink));
    const bool is_outbox = sink.is_topic && program_.systems[sink.system].kind == ir::SystemKind::Postgres;
    line("  writes   {}: {}{}{}", sink.name,
         object_words(is_outbox       ? "outbox"
                      : sink.is_topic ? "topic"
                                      : table_kind(sink.system),
                      sink.object),
         plan::describe(program_.systems[sink.system]), key);
  }

  static std::string key_names(const ir::Sink& sink) {
    std::vector<std::string> names;
    for (const int column : sink.key) names.push_back(sink.columns[static_cast<std::size_t>(column)].name);
    return fmt::format("{}", fmt::join(names, ", "));
  }

  static std::string indented(const std::string& text) {
    std::string out;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      out += "  " + text.substr(begin, end - begin) + "\n";
      begin = end + 1;
    }
    return out;
  }

  std::string dead_letters(const ir::Unit& unit) const {
    std::set<std::string> ways;
    for (const ir::Node& node : unit.dataflow.nodes) {
      if (node.policy >= program_.policies.size()) continue;
      const ir::ErrorPolicy& policy = program_.policies[node.policy];
      switch (policy.dead_letter) {
        case ir::DeadLetter::Keep:
          ways.insert(fmt::format("a bad record is kept in {} (`piperun dlq`)", plan::stores_of(program_, unit).dead_letters));
          break;
        case ir::DeadLetter::Skip: ways.insert("a bad record is counted and skipped"); break;
        case ir::DeadLetter::Stop: ways.insert("a bad record stops the pipeline"); break;
        case ir::DeadLetter::Sink:
          ways.insert(fmt::format("a bad record is kept in {} (`piperun dlq`), and its letter goes to {}",
                                  plan::stores_of(program_, unit).dead_letters, letters_go_to(policy.dead_letter_sink)));
          break;
      }
    }
    return fmt::format("{}", fmt::join(ways, "; by flow: "));
  }

  // In another system than the unit commits in: by way of a unit that relays them.
  std::string letters_go_to(ir::SinkId sink) const {
    const ir::Link* link = ir::link_written(program_, sink);
    if (link == nullptr) return program_.sinks[sink].name;
    for (const ir::Unit& unit : program_.units) {
      for (std::size_t at = 0; at + 1 < unit.dataflow.nodes.size(); ++at) {
        const auto* input = std::get_if<ir::Input>(&unit.dataflow.nodes[at].op);
        const auto* output = std::get_if<ir::Output>(&unit.dataflow.nodes[at + 1].op);
        if (input && output && input->source == link->source)
          return fmt::format("{}, carried on by the unit {}", program_.sinks[output->sink].name, unit.name);
      }
    }
    return program_.sinks[sink].name;
  }

  void steps(const ir::Unit& unit) {
    line("\n  What is done with a batch (up to {} records, or {} of them)", program_.commit_records,
         value::duration_text(program_.commit_interval));
    const std::size_t width = step_width(unit);
    for (const ir::Step& step : unit.protocol.batch) {
      const std::string name = ir::step_name(step, program_.sinks), words = clause(program_, unit, step);
      told_.insert(name + words);
      line("    {:<{}}  {}", name, width, words);
    }
  }

  std::size_t step_width(const ir::Unit& unit) const {
    std::size_t width = 16;
    for (const ir::Step& step : unit.protocol.batch) width = std::max(width, ir::step_name(step, program_.sinks).size());
    return width;
  }

  void occasions(const ir::Unit& unit) {
    const ir::Protocol& p = unit.protocol;
    struct Occasion {
      const char* when;
      const std::vector<ir::Step>& steps;
    };
    const std::array list{Occasion{"at the start, and when taking over", p.on_assign},
                          Occasion{"when nobody knows if a step took effect", p.on_unclear},
                          Occasion{"when a record is refused", p.on_poison},
                          Occasion{"when the work is given to another", p.on_revoke},
                          Occasion{"when the work was lost already", p.on_lost},
                          Occasion{"when told to stop", p.on_stop}};
    for (const Occasion& occasion : list) tell(unit, occasion.when, occasion.steps);
  }

  // In full the first time, by name when nothing in it is new.
  void tell(const ir::Unit& unit, const char* when, const std::vector<ir::Step>& steps) {
    std::vector<std::pair<std::string, std::string>> rows;
    std::vector<std::string> names;
    std::size_t width = 16;
    bool is_new = false;
    for (const ir::Step& step : steps) {
      rows.emplace_back(ir::step_name(step, program_.sinks), clause(program_, unit, step));
      names.push_back(rows.back().first);
      width = std::max(width, names.back().size());
      is_new = told_.insert(rows.back().first + rows.back().second).second || is_new;
    }
    if (!is_new) return line("\n  What is done {}: {}", when, fmt::join(names, ", "));
    line("\n  What is done {}", when);
    for (const auto& [name, words] : rows) line("    {:<{}}  {}", name, width, words);
  }

  void crashes(const ir::Unit& unit) {
    line("\n  What a kill -9 right behind a step does to the batch, when the unit is started again");
    const std::vector<CrashRow> table = crash_table(program_, unit);
    const std::size_t width = step_width(unit);
    std::vector<std::size_t> widths;
    std::string head = fmt::format("    {:<{}}  {:<22}", "killed behind", width, "then");
    for (std::size_t i = 0; i < unit.sinks.size(); ++i) {
      const std::string& name = program_.sinks[unit.sinks[i]].name;
      widths.push_back(std::max<std::size_t>(12, name.size()));
      for (const CrashRow& row : table) widths.back() = std::max(widths.back(), words(row.finally[i]).size());
      head += fmt::format("  {:<{}}", name, widths.back());
    }
    line("{}", head);
    for (const CrashRow& row : table) {
      std::string text =
          fmt::format("    {:<{}}  {:<22}", row.step, width, row.position_moved ? "goes on behind it" : "reads it again");
      for (std::size_t i = 0; i < row.finally.size(); ++i) text += fmt::format("  {:<{}}", words(row.finally[i]), widths[i]);
      line("{}", text);
    }
  }

  void guarantees(const Proof& proof) {
    line("\n  What is proved");
    std::size_t states = 0;
    for (const Verdict& verdict : proof.verdicts) {
      states += verdict.states;
      line("    {}: each record {}", program_.sinks[verdict.sink].name, words(verdict));
      if (verdict.at_least == 0 && !verdict.loss.empty()) line("      lost if: {}", fmt::join(verdict.loss, "; "));
      if (verdict.at_most > 1 && !verdict.repeat.empty()) line("      repeated if: {}", fmt::join(verdict.repeat, "; "));
    }
    line("    Explored {} situations: every order of these steps over two batches with up to two faults, each", states);
    line("    a kill, a lost answer, a failed or refused step, a hand-over, or a process that sleeps and wakes up too late.");
  }

  void assumptions(const ir::Unit& unit) {
    std::vector<std::string> found;
    const ir::System& domain = program_.systems[unit.domain];
    for (const ir::SinkId id : unit.sinks) sink_assumptions(program_.sinks[id], found);
    for (const ir::SourceId id : unit.sources) source_assumptions(program_.sources[id], found);
    if (plan::runs_as(domain) == ir::SystemKind::Embedded || domain.kind == ir::SystemKind::StateStore) {
      found.push_back(
          "The database file is safe against kills. A power cut may take the last batches back, rows and positions together.");
    }
    if (domain.stand_in)
      found.push_back(fmt::format(
          "Run locally, {} is one file: faults of brokers, and types and constraints of servers, are not seen.", domain.name));
    for (const ir::StateSchema& state : unit.operators) {
      found.push_back(
          fmt::format("`{}` knows a repeat for {}. Repeats made by the producer are other records; only this stage removes them.",
                      state.name, value::duration_text(state.within)));
      found.push_back(fmt::format("A record that reaches `{}` more than {} late may miss the key that it repeats.", state.name,
                                  value::duration_text(state.within)));
      if (plan::runs_as(domain) == ir::SystemKind::Kafka) key_assumptions(unit, state, found);
      if (program_.delivery == ir::Delivery::AtLeastOnce)
        found.push_back(fmt::format(
            "After a crash, a repeat that `{}` drops may be counted as a duplicate although it is the same record.", state.name));
    }
    if (found.empty()) return;
    line("\n  What this takes for granted");
    for (const std::string& words : found) line("    - {}", words);
  }

  void key_assumptions(const ir::Unit& unit, const ir::StateSchema& state, std::vector<std::string>& found) const {
    std::set<ir::SourceId> sources;
    for (ir::NodeId id = 0; id < unit.dataflow.nodes.size(); ++id) {
      const auto* dedup = std::get_if<ir::Dedup>(&unit.dataflow.nodes[id].op);
      if (dedup == nullptr || dedup->name != state.name) continue;
      for (const plan::Origin& origin : plan::origins(program_, unit.dataflow, id, dedup->key)) sources.insert(origin.source);
    }
    for (const ir::SourceId id : sources) {
      const std::vector<std::string> fields = plan::partitioned_by(program_.sources[id]);
      if (fields.empty()) continue;
      found.push_back(fmt::format(
          "In {} records with equal `{}` are in one partition, as its `partitioned_by` promises: `{}` has its keys by "
          "partition. A process that sees a repeat come with another one stops (P2016); two processes would not see it.",
          program_.sources[id].name, fmt::join(fields, "`, `"), state.name));
    }
  }

  void sink_assumptions(const ir::Sink& sink, std::vector<std::string>& found) const {
    if (sink.idempotent_by_key)
      found.push_back(fmt::format("The receiver of {} ignores a request whose idempotency key it has seen.", sink.name));
    if (sink.version >= 0 && sink.is_keyed) {
      const std::string& version = sink.columns[static_cast<std::size_t>(sink.version)].name;
      found.push_back(fmt::format(
          "A delete leaves nothing in {} to compare `{}` with: an older row that comes behind the delete of its key is written.",
          sink.name, version));
    }
    if (program_.delivery != ir::Delivery::AtLeastOnce || sink.key.empty()) return;
    found.push_back(
        sink.is_topic
            ? fmt::format("A repeat in {} is one more record with the same {}; whoever reads it must expect that.", sink.name,
                          key_names(sink))
            : fmt::format("A repeat in {} writes the row of the same {} again; it adds none.", sink.name, key_names(sink)));
  }

  void source_assumptions(const ir::Source& source, std::vector<std::string>& found) const {
    if (source.start == "latest")
      found.push_back(fmt::format("Of {}, only what comes after the very first start is read.", source.name));
    if (program_.systems[source.system].kind == ir::SystemKind::Stdin) {
      found.push_back(fmt::format(
          "{} cannot be read again: after a crash whoever feeds it must send the same lines from the beginning.", source.name));
    }
  }

  const ir::Program& program_;
  const std::vector<Proof>& proofs_;
  const plan::Places* places_;
  std::set<std::string> told_;  // steps that were explained already
  std::string out_;
};

}  // namespace

std::string explain(const ir::Program& program, const std::vector<Proof>& proofs, const plan::Places* places) {
  return Explainer(program, proofs, places).text();
}

}  // namespace piperun::prove
