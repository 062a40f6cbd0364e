#include <utility>
#include <vector>

#include "lang/ir/passes.h"

namespace piperun::ir {
namespace {

// Functions that no dataflow applies and no living function folds with, are dropped.
class Collection {
 public:
  explicit Collection(Program& program) : program_(program), place_(program.functions.size(), kNone) {}

  void run() {
    for_each_apply([&](Apply& apply) { keep(apply.function); });
    for (Function& function : kept_) renumber_folds(function);
    for_each_apply([&](Apply& apply) { apply.function = place_[apply.function]; });
    for (FoldSpec& fold : folds_) fold.element = place_[fold.element];
    program_.functions = std::move(kept_);
    program_.folds = std::move(folds_);
  }

 private:
  template <typename Visit>
  void for_each_apply(Visit visit) {
    const auto each = [&](Dataflow& dataflow) {
      for (Node& node : dataflow.nodes) {
        if (auto* apply = std::get_if<Apply>(&node.op)) visit(*apply);
      }
    };
    each(program_.graph);
    for (Unit& unit : program_.units) each(unit.dataflow);
  }

  void keep(FunctionId id) {
    if (place_[id] != kNone) return;
    for (const Block& block : program_.functions[id].blocks) {
      for (const Instruction& instruction : block.code) {
        if (instruction.op == Op::Fold) keep(program_.folds[instruction.index].element);
      }
    }
    place_[id] = static_cast<FunctionId>(kept_.size());
    kept_.push_back(program_.functions[id]);
  }

  void renumber_folds(Function& function) {
    for (Block& block : function.blocks) {
      for (Instruction& instruction : block.code) {
        if (instruction.op != Op::Fold) continue;
        folds_.push_back(program_.folds[instruction.index]);
        instruction.index = static_cast<std::uint32_t>(folds_.size() - 1);
      }
    }
  }

  Program& program_;
  std::vector<FunctionId> place_;
  std::vector<Function> kept_;
  std::vector<FoldSpec> folds_;
};

void optimize(Program& program, Dataflow& dataflow) {
  fuse(program, dataflow);
  for (Node& node : dataflow.nodes) {
    auto* apply = std::get_if<Apply>(&node.op);
    if (apply == nullptr) continue;
    program.functions.push_back(program.functions[apply->function]);
    apply->function = static_cast<FunctionId>(program.functions.size() - 1);
    fold_constants(program, program.functions.back());
  }
  prune(program, dataflow);
}

}  // namespace

void optimize(Program& program) {
  for (const FoldSpec& fold : program.folds) {
    fold_constants(program, program.functions[fold.element]);
    drop_dead_code(program.types, program.functions[fold.element]);
  }
  if (program.units.empty()) optimize(program, program.graph);
  for (Unit& unit : program.units) optimize(program, unit.dataflow);
  Collection(program).run();
}

}  // namespace piperun::ir
