// What the chaos harness kills: `piperun FILE --drain` with one observer more, and with safeguards that can be taken out.
//   victim FILE [--servers] [--kill-after STEP | --pause-after STEP] [--at N] [--in LIST] …   SIGKILL or SIGSTOP behind the N-th time
//       that STEP of LIST (batch, on_assign, on_revoke, on_lost, on_stop) was done
//     --servers              real servers; without it embedded databases stand in
//     --split-transaction    the position in a transaction of its own, before the one that has the rows
//     --no-membership        the group is not asked who is its member, and positions are sent without saying who sends them
//     --patient              brokers wait for an owner's transaction for a minute
//     --plain-read           positions are read as they are, also while a transaction is open that will move them
//     --stable-only          a changelog is read to the end of what is committed by now, not to its end
//     --cursor-by-id         of an outbox only rows are taken that have a greater id than those before; piperun_chaos.cursor has it
//     --upgrade WAY
//   victim FILE [--servers] --crash-table                    what `explain` says of a kill behind each step of a batch, as JSON
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <stop_token>

#include "lang/prove/crash_table.h"
#include "runtime/connectors/connectors.h"
#include "runtime/engine/engine.h"
#include "runtime/piperun/compile.h"
#include "runtime/piperun/upgrade.h"

namespace {

using namespace piperun;

// Ends or stops the process behind one step, as `kill` does from outside.
class Killer final : public engine::Observer {
 public:
  Killer(const ir::Program& program, std::map<std::string, std::string>& options)
      : program_(program),
        signal_(options.contains("--pause-after") ? SIGSTOP : SIGKILL),
        step_(options[options.contains("--pause-after") ? "--pause-after" : "--kill-after"]),
        list_(list_of(options["--in"])),
        left_(std::atoi(options["--at"].c_str())) {}

  engine::Verdict after(const ir::Unit& unit, const ir::Step& step) override {
    if (step_.empty() || ir::step_name(step, program_.sinks) != step_) return engine::Verdict::GoOn;
    const std::vector<ir::Step>& list = unit.protocol.*list_;
    const bool is_in_list = std::ranges::any_of(list, [&](const ir::Step& each) { return &each == &step; });
    if (is_in_list && --left_ == 0) std::raise(signal_);
    return engine::Verdict::GoOn;
  }

 private:
  using List = std::vector<ir::Step> ir::Protocol::*;

  static List list_of(const std::string& name) {
    static const std::map<std::string, List> kLists = {{"", &ir::Protocol::batch},
                                                       {"batch", &ir::Protocol::batch},
                                                       {"on_assign", &ir::Protocol::on_assign},
                                                       {"on_revoke", &ir::Protocol::on_revoke},
                                                       {"on_lost", &ir::Protocol::on_lost},
                                                       {"on_stop", &ir::Protocol::on_stop}};
    return kLists.at(name);
  }

  const ir::Program& program_;
  int signal_;
  std::string step_;
  List list_;
  int left_;
};

// The negative control: the position in a transaction of its own, the rows in another one behind it.
void split_transaction(std::vector<ir::Step>& batch) {
  const auto at = [&](ir::StepKind kind) { return std::ranges::find(batch, kind, &ir::Step::kind); };
  const auto fence = at(ir::StepKind::Fence), commit = at(ir::StepKind::Commit), begin = at(ir::StepKind::Begin);
  if (fence < commit && commit != batch.end()) {
    std::rotate(fence + 1, commit, commit + 1);
    return;
  }
  const auto check = at(ir::StepKind::CheckMembership);
  if (check >= commit || begin >= check) return;
  std::vector<ir::Step> first(check, commit + 1);
  first.push_back(*begin);
  const std::vector<ir::Step> last = {*commit};
  const auto where = batch.erase(check, commit + 1);
  batch.insert(where, last.begin(), last.end());
  batch.insert(at(ir::StepKind::Begin) + 1, first.begin(), first.end());
}

void split_transactions(ir::Program& program) {
  for (ir::Unit& unit : program.units) split_transaction(unit.protocol.batch);
}

// The safeguards that are out. The linker leads calls of the libraries to the functions at the end.
bool asks_nobody = false, reads_plainly = false, restores_stable_only = false, has_cursor_by_id = false;
bool is_patient = false;

std::string replaced(std::string text, std::string_view old, std::string_view by) {
  const std::size_t at = text.find(old);
  return at == std::string::npos ? text : text.replace(at, old.size(), by);
}

void print_crash_table(const ir::Program& program) {
  const char* separator = "[";
  for (const prove::CrashRow& row : prove::crash_table(program, program.units.front())) {
    const prove::Effects& effects = row.finally.front();
    std::cout << separator << "{\"step\":\"" << row.step << "\",\"least\":" << effects.least << ",\"most\":" << effects.most
              << ",\"words\":\"" << prove::words(effects) << "\"}";
    separator = ",\n";
  }
  std::cout << "]\n";
}

}  // namespace

// The linker leads all calls of these functions here (--wrap), and gives the real ones another name.
extern "C" {
using Metadata = rd_kafka_consumer_group_metadata_t;
rd_kafka_error_t* __real_rd_kafka_send_offsets_to_transaction(rd_kafka_t*, const rd_kafka_topic_partition_list_t*,
                                                              const Metadata*, int);
int32_t __real_rd_kafka_consumer_group_metadata_generation_id(const Metadata*);
const char* __real_rd_kafka_consumer_group_metadata_member_id(const Metadata*);
int __real_rd_kafka_assignment_lost(rd_kafka_t*);
rd_kafka_conf_res_t __real_rd_kafka_conf_set(rd_kafka_conf_t*, const char*, const char*, char*, size_t);
rd_kafka_error_t* __real_rd_kafka_AdminOptions_set_require_stable_offsets(rd_kafka_AdminOptions_t*, int);
rd_kafka_error_t* __real_rd_kafka_AdminOptions_set_isolation_level(rd_kafka_AdminOptions_t*, rd_kafka_IsolationLevel_t);
PGresult* __real_PQprepare(PGconn*, const char*, const char*, int, const Oid*);

// As who asks nobody whether it is a member: brokers take offsets that name no generation.
rd_kafka_error_t* __wrap_rd_kafka_send_offsets_to_transaction(rd_kafka_t* producer,
                                                              const rd_kafka_topic_partition_list_t* offsets,
                                                              const Metadata* group, int timeout) {
  if (!asks_nobody) return __real_rd_kafka_send_offsets_to_transaction(producer, offsets, group, timeout);
  Metadata* nobody = rd_kafka_consumer_group_metadata_new(std::getenv("CHAOS_GROUP"));
  rd_kafka_error_t* error = __real_rd_kafka_send_offsets_to_transaction(producer, offsets, nobody, timeout);
  rd_kafka_consumer_group_metadata_destroy(nobody);
  return error;
}

int32_t __wrap_rd_kafka_consumer_group_metadata_generation_id(const Metadata* group) {
  const int32_t generation = __real_rd_kafka_consumer_group_metadata_generation_id(group);
  return asks_nobody && generation < 0 ? 1 : generation;
}

const char* __wrap_rd_kafka_consumer_group_metadata_member_id(const Metadata* group) {
  const char* member = __real_rd_kafka_consumer_group_metadata_member_id(group);
  return asks_nobody && (member == nullptr || *member == '\0') ? "somebody" : member;
}

int __wrap_rd_kafka_assignment_lost(rd_kafka_t* consumer) { return asks_nobody ? 0 : __real_rd_kafka_assignment_lost(consumer); }

// By this setting the library decides, too, whether it waits for open transactions when it asks for a position (KIP-447).
rd_kafka_conf_res_t __wrap_rd_kafka_conf_set(rd_kafka_conf_t* conf, const char* name, const char* value, char* error,
                                             size_t size) {
  if (reads_plainly && std::strcmp(name, "isolation.level") == 0) value = "read_uncommitted";
  if (is_patient && std::strcmp(name, "transaction.timeout.ms") == 0) value = "60000";
  return __real_rd_kafka_conf_set(conf, name, value, error, size);
}

rd_kafka_error_t* __wrap_rd_kafka_AdminOptions_set_require_stable_offsets(rd_kafka_AdminOptions_t* options, int is_required) {
  return __real_rd_kafka_AdminOptions_set_require_stable_offsets(options, reads_plainly ? 0 : is_required);
}

rd_kafka_error_t* __wrap_rd_kafka_AdminOptions_set_isolation_level(rd_kafka_AdminOptions_t* options,
                                                                   rd_kafka_IsolationLevel_t level) {
  return __real_rd_kafka_AdminOptions_set_isolation_level(options,
                                                          restores_stable_only ? RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED : level);
}

PGresult* __wrap_PQprepare(PGconn* connection, const char* name, const char* statement, int count, const Oid* types) {
  std::string text = statement;
  if (has_cursor_by_id)
    text = replaced(std::move(text), "WHERE number IS NULL ORDER BY id",
                    "WHERE number IS NULL AND id > (SELECT last FROM piperun_chaos.cursor) ORDER BY id");
  return __real_PQprepare(connection, name, text.c_str(), count, types);
}
}

int main(int count, char** words) {
  std::map<std::string, std::string> options;
  for (int i = 2; i < count; ++i) {
    const bool takes_value = i + 1 < count && std::strncmp(words[i + 1], "--", 2) != 0;
    options[words[i]] = takes_value ? words[i + 1] : "";
    i += takes_value;
  }
  cli::CompileOptions compile;
  compile.local = !options.contains("--servers");
  compile.run = true;
  compile.environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  auto compiled = cli::compile_file(count > 1 ? words[1] : "", compile);
  if (!compiled || !compiled->ok()) {
    std::cerr << (compiled ? diag::render(compiled->report, *compiled->sources, {}) : compiled.error().message) << '\n';
    return 1;
  }
  if (options.contains("--crash-table")) {
    print_crash_table(*compiled->program);
    return 0;
  }
  if (options.contains("--split-transaction")) split_transactions(*compiled->program);
  base::SystemClock clock;
  const auto connectors = connectors::make_connectors(".piperun", ".", clock, engine::secret_from_environment);
  asks_nobody = options.contains("--no-membership");
  is_patient = options.contains("--patient");
  reads_plainly = options.contains("--plain-read");
  restores_stable_only = options.contains("--stable-only");
  has_cursor_by_id = options.contains("--cursor-by-id");
  Killer killer(*compiled->program, options);
  engine::Options run = cli::engine_options(*compiled);
  run.drain = true;
  run.compare = cli::comparer(cli::upgrade_of(options["--upgrade"]).value_or(plan::Upgrade::None));
  const engine::RunResult result = engine::run(*compiled->program, *connectors, clock, killer, run, std::stop_token());
  if (result.error) std::cerr << result.error->message << '\n';
  return result.error ? 3 : 0;
}
