// The table of commands: one line each. To add one, write its file and name it here.
#include <array>

#include "runtime/piperun/command.h"

namespace piperun::cli {

extern const Command kRun, kCheck, kExplain, kDiff, kTest, kTopicList, kTopicPeek, kTopicPut, kTableList, kTablePeek, kDlqList,
    kDlqShow, kDlqReplay, kDlqDrop, kOffsetsShow, kOffsetsReset, kOffsetsDelete, kLag, kAudit, kLang;

std::span<const Command* const> commands() {
  static constexpr std::array kCommands = {
      &kRun,         &kCheck,        &kExplain,       &kDiff,    &kTest,    &kTopicList, &kTopicPeek,
      &kTopicPut,    &kTableList,    &kTablePeek,     &kDlqList, &kDlqShow, &kDlqReplay, &kDlqDrop,
      &kOffsetsShow, &kOffsetsReset, &kOffsetsDelete, &kLag,     &kAudit,   &kLang,
  };
  return kCommands;
}

}  // namespace piperun::cli
