#pragma once
#include <memory>
std::shared_ptr<int> shared;
