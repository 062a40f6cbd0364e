// `piperun test`: runs the .pipetest files of a folder.
#include <fmt/color.h>
#include <fmt/ostream.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "runtime/base/read_file.h"
#include "runtime/piperun/command.h"
#include "runtime/piperun/stores.h"
#include "runtime/piperun/test_compare.h"
#include "runtime/piperun/test_run.h"

namespace piperun::cli {
namespace {

namespace fs = std::filesystem;

constexpr Option kOptions[] = {
    {"PATH", Takes::Many, false, "", "files, or folders to search (default: this one)"},
    {"--update", Takes::Nothing, false, "", "write what was there into the files, in place of what was expected"},
    {"-k,--name", Takes::One, false, "", "only tests whose file or name contains this"},
};

// Removed with all that is in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string form = (fs::temp_directory_path() / "pipetest-XXXXXX").string();
    if (mkdtemp(form.data()) != nullptr) path_ = form;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Tally {
  int passed = 0, failed = 0, updated = 0;
};

std::expected<std::vector<fs::path>, std::string> files_of(std::vector<std::string> paths) {
  if (paths.empty()) paths.push_back(".");
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_regular_file(path, error)) {
      files.emplace_back(path);
      continue;
    }
    if (!fs::is_directory(path, error)) return std::unexpected(fmt::format("there is no file or folder `{}`", path));
    for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code unknown;  // what cannot be looked at cannot be read either, and is told then
      if (entry->path().extension() == ".pipetest" && !entry->is_directory(unknown)) files.push_back(entry->path());
    }
    if (error) return std::unexpected(fmt::format("the folder `{}` cannot be searched: {}", path, error.message()));
  }
  std::ranges::sort(files);
  if (files.empty()) return std::unexpected("there are no .pipetest files");
  return files;
}

class Tests {
 public:
  Tests(const Arguments& arguments, World& world)
      : world_(world), update_(arguments.has("--update")), name_(arguments.text("--name")) {}

  Exit run(const std::vector<fs::path>& files) {
    for (const fs::path& path : files) {
      if (!run_file(path)) return Exit::WrongFile;
    }
    fmt::print(world_.out, "{} passed, {} failed{}\n", tally_.passed, tally_.failed,
               tally_.updated > 0 ? fmt::format(", {} updated", tally_.updated) : "");
    if (tally_.passed + tally_.failed + tally_.updated == 0) {
      fmt::print(world_.err, "piperun: no test is called `{}`\n", name_);
      return Exit::Usage;
    }
    return tally_.failed > 0 ? Exit::TestFailed : Exit::Done;
  }

 private:
  bool run_file(const fs::path& path) {
    auto text = base::read_file(path.string(), kMostFileBytes);
    if (!text) {
      fmt::print(world_.err, "{}: the file cannot be read: {}\n", path.string(), text.error());
      return false;
    }
    auto file = parse_test_file(path.string(), std::move(*text));
    if (!file) {
      fmt::print(world_.err, "{}\n", file.error());
      return false;
    }
    std::map<std::size_t, std::vector<std::string>> replaced;
    for (const TestCase& test : file->tests) {
      if ((path.string() + ": " + test.name).find(name_) != std::string::npos) run_case(*file, test, path, replaced);
    }
    if (!replaced.empty()) std::ofstream(path, std::ios::binary) << with_replaced(*file, replaced);
    return true;
  }

  void run_case(const TestFile& file, const TestCase& test, const fs::path& path,
                std::map<std::size_t, std::vector<std::string>>& replaced) {
    const ScratchFolder scratch;
    const TestOutcome outcome = run_test(file, test, folder_of(path.string()), scratch.path());
    std::string words = outcome.problem;
    bool changed = false;
    for (const SectionOutcome& section : outcome.sections) {
      const Comparison comparison = compare(section);
      if (comparison.equal) continue;
      if (update_) {
        replaced[section.section->line] = comparison.updated;
        changed = true;
        continue;
      }
      words += fmt::format("{}{}:{}: {}\n", words.empty() || words.ends_with('\n') ? "" : "\n", file.path, section.section->line,
                           title(*section.section));
      for (const std::string& line : comparison.diff) words += fmt::format("    {}\n", line);
    }
    if (!words.empty()) {
      ++tally_.failed;
      fmt::print(world_.out, "FAIL {}:{}: {}\n{}{}", file.path, test.line, test.name, words, words.ends_with('\n') ? "" : "\n");
      return;
    }
    ++(changed ? tally_.updated : tally_.passed);
    fmt::print(world_.out, "{} {}: {}\n", changed ? "new " : "ok  ", file.path, test.name);
  }

  World& world_;
  bool update_;
  std::string name_;
  Tally tally_;
};

Exit run(const Arguments& arguments, World& world) {
  spdlog::set_level(spdlog::level::off);  // what a test lets fail is no news
  const auto files = files_of(arguments.all("PATH"));
  if (!files) {
    fmt::print(world.err, "piperun: {}\n", files.error());
    return Exit::Usage;
  }
  return Tests(arguments, world).run(*files);
}

}  // namespace

extern const Command kTest;
const Command kTest = {"test", "Runs the tests beside a file (.pipetest).",
                       "piperun test\npiperun test orders.pipetest -k repeat\npiperun test tests --update", kOptions, run};

}  // namespace piperun::cli
