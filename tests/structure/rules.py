"""The rules of the source tree as data; check.py enforces them."""

TOP_LEVEL = {"CMakeLists.txt", "lang", "runtime", "stdlib", "examples", "tests", "editors", "README.md"}
BUILD_FOLDER = "build"  # made by the run scripts, not part of the project
CODE = ("lang", "runtime", "stdlib")

# Inside lang, each phase may include those to its left.
LANG_CHAIN = ["source", "diag", "ast", "syntax", "sema", "plan", "prove", "lsp"]
LANG_LEAVES = {"value", "catalog"}
MAY_USE_IR = {"sema", "plan", "prove", "lsp"}

# What runtime and stdlib may include of lang; the command line alone sees both sides.
OF_LANG_IN_RUNTIME = {"ir", "catalog", "value"}
SEES_EVERYTHING = "runtime/piperun"

# Third-party headers: first part of the include → path prefixes that may include it.
DOORS = {
    "tao/": ["lang/syntax/"],
    "sqlite3.h": ["runtime/commit/embedded", "runtime/connectors/embedded"],
    "simdjson": ["runtime/record/json"],
    "CLI/": ["runtime/piperun/"],
    "spdlog/": ["runtime/engine/", "runtime/connectors/", "runtime/commit/", "runtime/piperun/"],
    "llvm/": ["runtime/expr/jit/"],
    "llvm-c/": ["runtime/expr/jit/"],
    "librdkafka/": ["runtime/connectors/kafka/", "runtime/commit/kafka/"],
    "pqxx/": ["runtime/connectors/postgres/", "runtime/commit/postgres/"],
    "libpq-fe.h": ["runtime/connectors/postgres/", "runtime/commit/postgres/"],
    "gtest/": [],
    "gmock/": [],
}
# One door each, wherever it is: no two folders include these.
ONE_DOOR = ["re2/", "openssl/", "date/", "zlib.h"]

# A commit domain is called by the executor of the protocol alone: what is proved is what runs. `fetch`, `key_expiry` and `link_trim` are
# the bodies of three of its steps. Besides: domains themselves, and commands about stored data, which take a unit over or read it while
# nothing of the protocol is done.
DOMAIN = "runtime/commit/domain.h"
CALLS_DOMAINS = ["runtime/engine/worker", "runtime/engine/fetch.cpp", "runtime/engine/key_expiry.cpp", "runtime/engine/link_trim.cpp",
                 "runtime/engine/hand_over.cpp", "runtime/commit/", "runtime/connectors/embedded/inspector.cpp",
                 "runtime/connectors/postgres/inspector.cpp", "runtime/piperun/"]

VAGUE_NAMES = {"util", "utils", "helper", "helpers", "manager", "common", "misc", "base_impl"}
