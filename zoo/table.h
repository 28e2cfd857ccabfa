// Plain text for people: a table, whose columns are padded to their widest cell and two spaces
// apart, the first aligned left, the others right, with a rule under the first row; and numbers.
#pragma once

#include <string>
#include <vector>

namespace octet::zoo {

// Rows may be shorter than the longest. Every line ends with a newline and none with a space; cells
// lose their control characters.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

// With so many digits behind the point: fixed(3.14159, 2) is "3.14".
std::string fixed(double value, int digits);

// As few digits as tell the number: "0.5", "100", "1e+09".
std::string shortest(double value);

}  // namespace octet::zoo
